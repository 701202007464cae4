"""
Moments that come late, twice, much later, or from another clock.

Unless a test says otherwise: normal noise around 100 with a deviation of 5, one value in 30 s, and
half a day of it behind it. Nothing is flagged in it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.anomaly import COUNTER, GAUGE, Detector
from exporter.anomaly.rates import LATE_MAX

if TYPE_CHECKING:
    from exporter.anomaly import Result

STEP_S = 30.0
T0 = 1.75e9 // 86_400 * 86_400
HOUR = 120
WARM = 12 * HOUR
HOUR_S = 3_600.0
DAY_S = 86_400.0
YEAR_S = 365 * DAY_S


def noise(moments: int, seed: int = 1) -> list[float]:
    values: list[float] = np.random.default_rng(seed).normal(100, 5, moments).tolist()
    return values


def judge(detector: Detector, values: list[float], start: float = T0) -> list[Result]:
    return [detector.update(start + STEP_S * n, value) for n, value in enumerate(values)]


def warm() -> tuple[Detector, float]:
    """Return a detector that knows its series, and the moment of the next value."""
    detector = Detector(kind=GAUGE)
    assert not any(result.flag for result in judge(detector, noise(WARM)))
    return detector, T0 + STEP_S * WARM


def test_a_late_value_changes_nothing_whatever_it_is() -> None:
    """Every fifth value is followed by one from up to two days before, as wrong as can be."""
    (detector, at), (undisturbed, _) = warm(), warm()
    rng = np.random.default_rng(2)

    for n, value in enumerate([*noise(HOUR, seed=3), 150.0, *noise(HOUR, seed=4)]):
        mine = detector.update(at + STEP_S * n, value)
        theirs = undisturbed.update(at + STEP_S * n, value)
        # Sums are made anew in turn: the last digit of z may be another.
        assert mine.zscore == pytest.approx(theirs.zscore, rel=1e-9)
        assert replace(mine, zscore=0.0) == replace(theirs, zscore=0.0)
        if n % 5 == 0:
            late = at + STEP_S * n - rng.uniform(0.001, 2 * DAY_S)
            result = detector.update(late, rng.choice([0.0, 1e9, -1e300]))
            assert (result.score, result.outside, result.samples) == (0.0, False, mine.samples)
            assert math.isnan(result.zscore)


def test_a_late_value_of_a_counter_is_no_reset_and_no_rate() -> None:
    """10 a second; a count of a minute ago comes again, and the rate goes on as it was."""
    detector = Detector(kind=COUNTER)
    judge(detector, [300.0 * n for n in range(HOUR)])
    last = T0 + STEP_S * (HOUR - 1)

    late = detector.update(last - 60, 300.0 * (HOUR - 3))
    after = detector.update(last + STEP_S, 300.0 * HOUR)

    assert late.samples == HOUR - 1
    assert (after.samples, after.expected, after.zscore) == (HOUR, 10.0, 0.0)


def test_the_same_value_of_the_same_moment_counts_once() -> None:
    detector, at = warm()

    once = detector.update(at, 104.0)
    again = detector.update(at, 104.0)

    assert once.samples == again.samples == WARM + 1
    assert math.isnan(again.zscore)
    assert again.score == 0.0


def test_another_value_of_the_same_moment_is_a_value_but_no_rate() -> None:
    detector, at = warm()
    assert [detector.update(at, value).samples for value in (104.0, 99.0)] == [WARM + 1, WARM + 2]

    counter = Detector(kind=COUNTER)
    judge(counter, [300.0 * n for n in range(HOUR)])
    twice = counter.update(T0 + STEP_S * (HOUR - 1), 300.0 * HOUR)
    assert (twice.samples, twice.score) == (HOUR - 1, 0.0)
    assert math.isnan(twice.zscore)


@pytest.mark.parametrize("back_s", [60.0, HOUR_S, 10 * DAY_S, YEAR_S])
def test_a_clock_that_was_put_back_costs_ten_values_at_most(back_s: float) -> None:
    detector, at = warm()

    results = judge(detector, noise(6 * HOUR, seed=5), start=at - back_s)

    missed = min(LATE_MAX, round(back_s / STEP_S) - 1)
    assert results[-1].samples == WARM + 6 * HOUR - missed
    assert not any(result.flag for result in results)
    spike = detector.update(at - back_s + 6 * HOUR_S, 160.0)
    assert (spike.flag, spike.kind) == (True, "spike")


def test_one_moment_from_the_future_costs_ten_values() -> None:
    detector, at = warm()

    ahead = detector.update(at + YEAR_S, 101.0)
    results = judge(detector, noise(6 * HOUR, seed=6), start=at)

    assert ahead.samples == WARM + 1
    assert results[LATE_MAX - 1].samples == WARM + 1
    assert results[LATE_MAX].samples == WARM + 2
    assert not any(result.flag for result in results)


@pytest.mark.parametrize("gap_s", [HOUR_S, DAY_S, 9 * DAY_S, YEAR_S])
def test_after_a_gap_of_any_length_it_goes_on_where_it_was(gap_s: float) -> None:
    """What was usual before is usual after it, and what was not is seen at once."""
    detector, at = warm()

    results = judge(detector, noise(6 * HOUR, seed=7), start=at + gap_s)
    spike = detector.update(at + gap_s + 6 * HOUR_S, 160.0)

    assert not any(result.flag for result in results)
    assert results[0].ready
    assert (spike.flag, spike.kind, spike.level) == (True, "spike", "high")


def test_the_first_value_after_a_gap_may_be_an_event() -> None:
    detector, at = warm()

    assert detector.update(at + 9 * DAY_S, 160.0).flag


def test_the_rate_over_a_gap_is_the_mean_of_it() -> None:
    """10 a second before, in, and after 5 hours without an answer."""
    detector = Detector(kind=COUNTER)
    judge(detector, [300.0 * n for n in range(HOUR)])

    result = detector.update(T0 + STEP_S * (HOUR - 1) + 5 * HOUR_S, 300.0 * (6 * HOUR - 1))

    assert (result.expected, result.zscore, result.samples) == (10.0, 0.0, HOUR)
