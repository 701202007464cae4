from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.anomaly import COUNTER, GAUGE, Detector, Detectors
from exporter.anomaly.zscore import CAP, MIN_SAMPLES, ZScore

if TYPE_CHECKING:
    from exporter.anomaly.arrays import FloatArray

T0 = 1.75e9
STEP_S = 30.0


def scores(values: FloatArray, window: int = 120) -> FloatArray:
    """Return the z-scores of *values*, shape (moments, series), NaN for a missing value."""
    windows = ZScore(values.shape[1], window)
    return np.array([windows.update(row, np.isfinite(row)) for row in values])


def by_definition(values: FloatArray, window: int = 120) -> FloatArray:
    """Return the z-scores of one series by the design's formula, each window summed anew."""
    out = np.full(len(values), np.nan)
    for at, value in enumerate(values):
        before = values[:at]
        before = before[np.isfinite(before)][-window:]
        if np.isfinite(value) and len(before) >= min(MIN_SAMPLES, window):
            out[at] = (value - before.mean()) / before.std()
    return out


def exactly(values: FloatArray, window: int = 120) -> FloatArray:
    """Return the z-scores of one series as `by_definition`, of 28 digits instead of 16."""
    exact = [Decimal(value) for value in values.tolist()]
    out = np.full(len(values), np.nan)
    for at in range(MIN_SAMPLES, len(values)):
        before = exact[max(at - window, 0) : at]
        mean = sum(before, Decimal(0)) / len(before)
        squares = sum(((value - mean) ** 2 for value in before), Decimal(0))
        deviation = (squares / len(before)).sqrt()
        out[at] = max(-CAP, min(CAP, float((exact[at] - mean) / deviation)))
    return out


def test_it_is_the_formula_of_the_design() -> None:
    """
    Population deviation, of the window before the value.

    1 to 10 have the mean 5.5 and the variance (100 - 1) / 12 = 8.25; 7 lies 1.5 above.
    """
    ten = np.arange(1.0, 11.0)

    z = scores(np.append(ten, 7.0)[:, None], window=10)

    assert z[-1, 0] == pytest.approx(1.5 / 8.25**0.5, rel=1e-14)


def test_the_window_leaves_out_what_is_older() -> None:
    """After ten more values the first ten, however large, count no more."""
    values = np.concatenate([np.full(10, 1e6), np.arange(1.0, 11.0), [7.0]])

    z = scores(values[:, None], window=10)

    assert z[-1, 0] == pytest.approx(1.5 / 8.25**0.5, rel=1e-9)


def test_too_few_samples_have_no_score() -> None:
    values = np.arange(12.0)[:, None]

    assert np.isnan(scores(values)[:MIN_SAMPLES]).all()
    assert np.isfinite(scores(values)[MIN_SAMPLES:]).all()


def test_a_window_shorter_than_that_must_be_full() -> None:
    z = scores(np.arange(8.0)[:, None], window=5)[:, 0]

    assert np.isnan(z[:5]).all()
    assert z[5] == pytest.approx(3 / 2**0.5)


def test_without_spread_the_mean_scores_0_and_anything_else_the_cap() -> None:
    """0.1 has no exact double: its sums must not leave a spread of rounding."""
    values = np.full((200, 2), 0.1)
    values[150] = [0.1, 0.1 + 1e-15]
    values[160:] = [0.2, 0.0]

    z = scores(values)

    assert not np.any(z[MIN_SAMPLES:150])
    assert z[150].tolist() == [0.0, CAP]
    assert z[160, 0] == CAP
    assert -CAP <= z[160, 1] < -1e3, "the window now has the tiny spread of one value"
    assert np.isfinite(z[MIN_SAMPLES:]).all()


def test_a_window_that_is_flat_again_scores_0_again() -> None:
    values = np.full((400, 1), 1e9 / 3)
    values[100] = 1e15

    z = scores(values)

    assert not np.any(z[221:])


def test_gaps_are_skipped() -> None:
    """A window is of values, not of moments."""
    noise = np.random.default_rng(1).normal(100, 5, 500)
    with_gaps = noise.copy()
    with_gaps[np.random.default_rng(2).random(500) < 0.3] = np.nan
    values = np.stack([noise, with_gaps], axis=1)

    z = scores(values)

    for series in (0, 1):
        expected = by_definition(values[:, series])
        assert np.array_equal(np.isnan(expected), np.isnan(z[:, series]))
        assert np.allclose(expected, z[:, series], rtol=1e-9, equal_nan=True)


@settings(max_examples=60)
@given(
    st.lists(
        st.one_of(
            st.floats(-1e3, 1e3, allow_subnormal=False),
            st.sampled_from([0.0, 1.0, 7.0, 1e9, -1e12, np.nan]),
        ),
        min_size=15,
        max_size=80,
    ),
    st.integers(2, 30),
)
def test_any_values_score_as_by_definition(values: list[float], window: int) -> None:
    """As far as doubles reach: the definition itself loses digits beside a spike of 1e12."""
    series = np.array(values)
    z = scores(series[:, None], window)[:, 0]
    with np.errstate(all="ignore"):
        expected = by_definition(series, window)

    number = np.isfinite(series)
    earlier = np.cumsum(number) - number
    assert np.array_equal(np.isfinite(z), number & (earlier >= min(MIN_SAMPLES, window)))
    for at in np.flatnonzero(np.isfinite(z)):
        before = series[:at][np.isfinite(series[:at])][-window:]
        if before.std() > 1e-6 * np.abs(before).max():
            assert z[at] == pytest.approx(np.clip(expected[at], -CAP, CAP), rel=1e-5, abs=1e-6)
        elif before.min() == before.max():
            assert z[at] in (0.0, CAP, -CAP)
            assert (z[at] == 0.0) == (series[at] == before[0])


def test_a_huge_offset_keeps_its_digits_over_a_million_updates() -> None:
    """
    1e9 + noise of 1, 10,000 updates of 100 series, against windows summed anew from their noise.

    Plain sums of squares near 1e18 hold steps of 128: every digit of a variance of 1 would be lost.
    Doubles near 1e9 hold steps of 1.2e-7, so the noise is taken back from them.
    """
    noise = np.random.default_rng(3).normal(0, 1, (10_000, 100))
    values = 1e9 + noise
    exact = values - 1e9

    z = scores(values)

    for at in (119, 120, 500, 5_555, 9_999):
        before = exact[max(0, at - 120) : at]
        expected = (exact[at] - before.mean(0)) / before.std(0)
        assert np.abs(z[at] / expected - 1).max() < 1e-9


def test_a_level_far_from_the_first_value_keeps_its_digits() -> None:
    """The first value is 0, all others 1e9 + noise of 1: the shift moves after them."""
    noise = np.random.default_rng(4).normal(0, 1, (400, 3))
    values = 1e9 + noise
    values[0] = 0.0

    z = scores(values)

    before = (values - 1e9)[279:399]
    expected = ((values - 1e9)[399] - before.mean(0)) / before.std(0)
    assert np.abs(z[399] / expected - 1).max() < 1e-9


def test_a_spike_that_leaves_takes_its_rounding_with_it() -> None:
    """A spike of 1e9 on noise of 1 has squares of 1e18, which round by 128."""
    values = np.random.default_rng(5).normal(0, 1, (300, 4))
    values[100] = 1e9

    z = scores(values)

    for at in (221, 250, 299):
        before = values[at - 120 : at]
        expected = (values[at] - before.mean(0)) / before.std(0)
        assert np.abs(z[at] / expected - 1).max() < 1e-9


@pytest.mark.parametrize("value", [1e308, -1e308, 5e-324])
def test_no_number_makes_it_infinite(value: float) -> None:
    values = np.random.default_rng(6).normal(0, 1, (300, 1))
    values[100:250:7] = value

    assert np.isfinite(scores(values)[MIN_SAMPLES:]).all()


def test_counters_are_scored_by_their_rate() -> None:
    """A steady counter has a steady rate: a window without spread, and no value off its mean."""
    detector = Detector(kind=COUNTER)
    results = [detector.update(T0 + STEP_S * n, 60.0 * n) for n in range(40)]

    assert np.isnan(results[MIN_SAMPLES].zscore), "the first value has no rate yet"
    assert [result.zscore for result in results[MIN_SAMPLES + 1 :]] == [0.0] * 29
    assert results[-1].expected == 2.0


def test_an_answer_whose_timestamp_has_not_moved_is_no_new_sample() -> None:
    """One that says the same with a newer timestamp is."""
    detector = Detector(kind=GAUGE)
    for n in range(30):
        fresh = detector.update(T0 + STEP_S * n, float(n % 3))
        again = detector.update(T0 + STEP_S * n, float(n % 3))

        assert fresh.samples == again.samples == n + 1
        assert np.isnan(again.zscore)

    equal = detector.update(T0 + STEP_S * 30, float(29 % 3))
    assert equal.samples == 31
    assert np.isfinite(equal.zscore)


def test_a_latency_judged_by_its_logarithm_keeps_the_z_score_of_its_value() -> None:
    values = np.random.default_rng(7).lognormal(-3, 0.5, 200)
    detectors = Detectors()
    detectors.append(log=True, kind=GAUGE)
    detectors.append(log=False, kind=GAUGE)

    for n, value in enumerate(values):
        z = detectors.update(T0 + STEP_S * n, [value, value]).zscore

    assert z[0] == z[1]
    assert z[0] == pytest.approx(by_definition(values)[-1], rel=1e-9)


@pytest.mark.parametrize("window", [0, 1, 10_001])
def test_a_window_that_cannot_be_is_refused(window: int) -> None:
    with pytest.raises(ValueError, match=f"window: {window}: write a whole number from 2 to 10000"):
        Detectors(window=window)


def test_a_restart_amid_a_new_level_keeps_its_digits() -> None:
    """The turn in which windows are summed anew begins anew; the moved mean is seen at once."""
    noise = np.random.default_rng(8).normal(0, 1, (121, 1))
    usable = np.ones(1, np.bool_)
    before, after = ZScore(1), ZScore(1)
    for _ in range(120):
        before.update(np.zeros(1), usable)
    for row in noise[:60]:
        before.update(1e9 + row, usable)

    after.restore(dict(before.arrays()))
    for row in noise[60:]:
        z = after.update(1e9 + row, usable)

    exact = (1e9 + noise - 1e9)[:, 0]
    expected = (exact[120] - exact[:120].mean()) / exact[:120].std()
    assert z[0] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("largest", [1e9, 1e100])
def test_ever_smaller_spikes_take_no_digits_with_them(largest: float) -> None:
    """Each leaves a window in which the next is still large beside the noise, but not beside it."""
    values = np.random.default_rng(9).normal(0, 1, 500)
    values[150:155] = largest ** (np.array([9.0, 7.1, 5.2, 3.3, 2.7]) / 9)

    assert scores(values[:, None])[MIN_SAMPLES:, 0] == pytest.approx(
        exactly(values)[MIN_SAMPLES:], rel=1e-8, abs=1e-9
    )


@pytest.mark.parametrize("window", [2, 10, 120])
def test_what_fades_away_keeps_its_digits(window: int) -> None:
    """By e^-0.5 with each sample: 26 orders of magnitude within 120 of them, and no noise."""
    values = np.exp(-0.5 * np.arange(400.0))

    z = scores(values[:, None], window)[MIN_SAMPLES:, 0]

    assert z == pytest.approx(exactly(values, window)[MIN_SAMPLES:], rel=1e-8)


@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e-160, 1e-100, 1e100, 1e140])
def test_the_unit_of_a_series_does_not_matter(unit: float) -> None:
    """Squares of such values are no doubles any more, or no normal ones."""
    noise = np.random.default_rng(10).normal(0, 1, 300)
    noise[100:110] = 3.0
    noise[200] = 1e6

    z = scores(noise[:, None] * np.array([1.0, unit]))

    assert z[MIN_SAMPLES:, 1] == pytest.approx(z[MIN_SAMPLES:, 0], rel=1e-9, abs=1e-9)


def test_tiny_noise_is_itself_again_after_a_huge_value() -> None:
    noise = np.random.default_rng(11).normal(0, 1e-200, 400)
    values = np.stack([noise, noise], axis=1)
    values[:200, 1] = 0.0
    values[200, 1] = 1e100

    z = scores(values)

    assert z[200, 1] == CAP
    assert z[321:, 1] == pytest.approx(z[321:, 0], rel=1e-9)
