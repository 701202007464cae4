from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from exporter.simulator.processes import (
    DAY_S,
    Process,
    Quantity,
    Window,
    log_normal_below,
    log_normal_sigma,
    poisson,
    rhythm,
    thinned,
)


def at(day: int, hour: int) -> float:
    return datetime(2026, 11, day, hour, tzinfo=UTC).timestamp()


def test_users_are_busiest_in_the_afternoon_and_asleep_at_night() -> None:
    assert rhythm(at(25, 15)) == pytest.approx(1.0)
    assert rhythm(at(25, 3)) == pytest.approx(-1.0)


def test_a_saturday_is_quieter_than_a_friday() -> None:
    friday, saturday = at(27, 15), at(28, 15)

    assert rhythm(saturday) < rhythm(friday)


@pytest.mark.parametrize("step_s", [1.0, 60.0, 3600.0])
def test_noise_has_the_same_spread_whatever_the_step(step_s: float) -> None:
    rng = random.Random(7)  # noqa: S311
    process = Process(Quantity(name="x", base=100.0, wander=0.1, jitter=0.0), rng)

    values = [process.draw(rng, 0.0, step_s) for _ in range(50_000)]

    mean = sum(values) / len(values)
    assert mean == pytest.approx(100.5, rel=0.05)


def test_values_stay_within_their_healthy_range() -> None:
    rng = random.Random(7)  # noqa: S311
    process = Process(Quantity(name="x", base=10, wander=2, jitter=2, low=5, high=20), rng)

    values = [process.draw(rng, 0.0, 1.0) for _ in range(1000)]

    assert (min(values), max(values)) == (5, 20)


@pytest.mark.parametrize("mean", [0.3, 4.0, 29.0, 31.0, 500.0])
def test_poisson_draws_have_the_mean_asked_for(mean: float) -> None:
    rng = random.Random(7)  # noqa: S311

    total = sum(poisson(rng, mean) for _ in range(5000))

    assert total / 5000 == pytest.approx(mean, rel=0.05)


def test_nothing_is_expected_so_nothing_happens() -> None:
    assert poisson(random.Random(7), 0.0) == 0  # noqa: S311


@pytest.mark.parametrize("probability", [0.0, 0.2, 0.87, 1.0])
def test_thinning_keeps_the_share_asked_for_and_never_more_than_all(probability: float) -> None:
    rng = random.Random(7)  # noqa: S311

    kept = [thinned(rng, 10, probability) for _ in range(5000)]

    assert max(kept) <= 10
    assert min(kept) >= 0
    assert sum(kept) / 50_000 == pytest.approx(probability, abs=0.02)


def test_a_log_normal_distribution_passes_through_its_two_quantiles() -> None:
    sigma = log_normal_sigma(40.0, 160.0)

    assert log_normal_below(40.0, 40.0, sigma) == pytest.approx(0.5)
    assert log_normal_below(160.0, 40.0, sigma) == pytest.approx(0.95, abs=1e-4)


def test_a_window_counts_what_happened_within_it() -> None:
    window = Window()
    window.add(0.0, 5)
    window.add(DAY_S, 2)
    window.add(DAY_S + 1, 1)

    assert window.within(DAY_S + 1, DAY_S) == 3
    assert window.within(DAY_S + 1, 2 * DAY_S) == 8
