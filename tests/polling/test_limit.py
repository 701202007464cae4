from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue import metrics as m
from exporter.catalogue.sample import Sample, states
from exporter.polling.limit import Limiter

if TYPE_CHECKING:
    from collections.abc import Mapping


def keys(weights: Mapping[str, float]) -> list[Sample]:
    return [Sample(m.CACHE_KEY_SIZE, (name,), size, size) for name, size in weights.items()]


def kept(limiter: Limiter, weights: Mapping[str, float]) -> set[str]:
    return {sample.labels[0] for sample in limiter.keep(keys(weights))}


def test_ten_thousand_names_become_the_two_hundred_largest() -> None:
    sizes = {f"key{n}": float(n) for n in range(10_000)}

    assert kept(Limiter(m.CACHE_KEY_SIZE, 200), sizes) == {f"key{n}" for n in range(9800, 10_000)}


def test_exactly_the_limit_is_kept_whole() -> None:
    samples = keys({f"key{n}": 1.0 for n in range(200)})

    assert Limiter(m.CACHE_KEY_SIZE, 200).keep(samples) is samples


def test_equal_sizes_are_chosen_in_the_same_way_whatever_their_order() -> None:
    names = [f"key{n}" for n in range(300)]
    there = kept(Limiter(m.CACHE_KEY_SIZE, 200), dict.fromkeys(names, 1.0))
    back = kept(Limiter(m.CACHE_KEY_SIZE, 200), dict.fromkeys(reversed(names), 1.0))

    assert there == back


def test_sizes_that_wobble_change_nothing() -> None:
    chance = random.Random(1)  # noqa: S311
    limiter = Limiter(m.CACHE_KEY_SIZE, 200)
    sizes = {f"key{n}": 1000.0 + n for n in range(400)}
    first = kept(limiter, sizes)

    for _ in range(50):
        wobbling = {name: size + chance.uniform(-10, 10) for name, size in sizes.items()}
        assert kept(limiter, wobbling) == first


def test_one_that_grows_large_gets_in_and_the_smallest_leaves() -> None:
    limiter = Limiter(m.CACHE_KEY_SIZE, 200)
    sizes = {f"key{n}": 1000.0 + n for n in range(400)}
    first = kept(limiter, sizes)

    assert kept(limiter, sizes | {"key0": 1e6}) == first - {"key200"} | {"key0"}


def test_the_newest_jobs_always_get_in() -> None:
    """By recency: 20 places, a new job at each poll, the oldest leaves."""
    limiter = Limiter(m.CACHE_KEY_SIZE, 20)

    for newest in range(100, 200):
        jobs = {f"job{n}": float(n) for n in range(newest - 99, newest + 1)}
        assert kept(limiter, jobs) == {f"job{n}" for n in range(newest - 19, newest + 1)}


@pytest.mark.parametrize("limit", [1, 2, 3, 5])
def test_a_small_limit_is_kept_and_does_not_churn(limit: int) -> None:
    limiter = Limiter(m.CACHE_KEY_SIZE, limit)
    sizes = {f"key{n}": 100.0 + n for n in range(20)}
    first = kept(limiter, sizes)
    edge = f"key{20 - limit}"

    assert len(first) == limit
    assert kept(limiter, sizes | {edge: sizes[edge] - 1.5}) == first


def test_a_failed_poll_is_no_reason_to_choose_anew() -> None:
    limiter = Limiter(m.CACHE_KEY_SIZE, 10)
    sizes = {f"key{n}": 100.0 + n for n in range(20)}
    first = kept(limiter, sizes)

    limiter.keep([])

    assert kept(limiter, sizes | {"key9": 110.5}) == first


def test_entities_count_not_states() -> None:
    samples = [s for n in range(200) for s in states(m.MODULE_STATUS, "healthy", f"module{n}")]

    assert Limiter(m.MODULE_STATUS, 200).keep(samples) is samples


def test_the_state_set_of_an_entity_is_kept_whole_or_left_out_whole() -> None:
    samples = [s for n in range(30) for s in states(m.MODULE_STATUS, "healthy", f"module{n}")]

    left = Limiter(m.MODULE_STATUS, 10).keep(samples)

    assert len(left) == 10 * len(m.MODULE_STATUS.states)
