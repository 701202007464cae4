"""
Faults that the detector must see, and what looks like one and is none.

Unless a test says otherwise: 20 series of normal noise around 100 with a deviation of 5, one value
in 30 s, and two days of it behind them. Blocks are then 3 hours long, so the marks are about the
highest of 1,440 to 2,880 values, 3.2 to 3.5 deviations from the mean: 116 to 118 and 82 to 84.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest

from exporter.anomaly import COUNTER, GAUGE, KINDS, LEVELS, Detectors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly import Judgement
    from exporter.anomaly.arrays import AnyArray, BoolArray, FloatArray

SERIES = 20
STEP_S = 30.0
T0 = 1.75e9 // 86_400 * 86_400
DAY = 2_880
HOUR = 120
WARM = 2 * DAY
BEGIN = 60  # the moment at which each fault begins, after half an hour without
MEAN, SIGMA = 100.0, 5.0


class Run(NamedTuple):
    """Judgements of some moments, in order."""

    judgements: list[Judgement]

    @property
    def flags(self) -> BoolArray:
        """Shape (moments, series)."""
        return np.array([judgement.flag for judgement in self.judgements])

    def delays(self) -> list[int]:
        """Return how many samples after BEGIN each series is flagged; -1 for never."""
        flags = self.flags[BEGIN:]
        first, found = np.argmax(flags, axis=0).tolist(), np.any(flags, axis=0).tolist()
        return [n if hit else -1 for n, hit in zip(first, found, strict=True)]

    def kinds(self) -> list[tuple[str, str]]:
        """Return kind and level of each series at its first flag after BEGIN."""
        return [
            (KINDS[at.kind[series]], LEVELS[at.level[series]])
            for series, delay in enumerate(self.delays())
            if delay >= 0
            for at in [self.judgements[BEGIN + delay]]
        ]

    def reasons(self) -> set[str]:
        """Return what is said at the first flags."""
        return {
            self.judgements[BEGIN + delay].reason(series)
            for series, delay in enumerate(self.delays())
            if delay >= 0
        }


def noise(moments: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).normal(MEAN, SIGMA, (moments, SERIES))


def judge(detectors: Detectors, values: FloatArray, first: int = 0, step_s: float = STEP_S) -> Run:
    return Run(
        [detectors.update(T0 + step_s * (first + n), moment) for n, moment in enumerate(values)]
    )


@pytest.fixture(scope="module")
def warm() -> Mapping[str, AnyArray]:
    """Return the state after two days without a fault, in which nothing is flagged."""
    detectors = Detectors()
    detectors.append(SERIES, kind=GAUGE)
    run = judge(detectors, noise(WARM, seed=1))
    assert not run.flags.any()
    return detectors.state()


@pytest.fixture
def detectors(warm: Mapping[str, AnyArray]) -> Detectors:
    restored = Detectors()
    restored.restore(warm)
    return restored


def test_flat_series_are_never_flagged_from_the_first_sample_on() -> None:
    """
    Three days of one value: no view ever leaves its mark, and the mark is the value.

    z is 0 for a value that equals the mean of a window without spread, at an offset of 1e9 too, and
    at a third, which no double holds.
    """
    flat = np.array([0.0, 42.0, -1 / 3, 1e9, 1e-9])
    constant = Detectors()
    constant.append(len(flat), kind=GAUGE)

    for n in range(3 * DAY):
        judgement = constant.update(T0 + STEP_S * n, flat)
        assert not judgement.score.any()
        assert not judgement.outside.any()
        assert not np.nan_to_num(judgement.zscore).any()

    assert judgement.ready.all()
    assert np.array_equal(judgement.expected, flat)


def test_the_first_step_of_a_flat_series_is_flagged() -> None:
    """42 for half a day, then 43: nothing of the kind was ever seen; z is at its cap."""
    flat = Detectors()
    flat.append(1, kind=GAUGE)

    run = judge(flat, np.r_[np.full(DAY // 2, 42.0), 43.0][:, None])

    assert np.flatnonzero(run.flags).tolist() == [DAY // 2]
    assert run.judgements[-1].zscore.tolist() == [1e6]


def test_a_single_spike_is_one_event_and_poisons_nothing(detectors: Detectors) -> None:
    """
    10 deviations up for one sample, 150, which is 6 beyond the mark.

    It is flagged at once and once, high since z is about 10, as a spike. The bounds move by less
    than a deviation, because what enters the means is clipped; so the same spike 6 hours later is
    flagged just so.
    """
    values = noise(BEGIN + 7 * HOUR, seed=2)
    values[[BEGIN, BEGIN + 6 * HOUR]] = MEAN + 10 * SIGMA

    run = judge(detectors, values)

    assert set(run.kinds()) == {("spike", "high")}
    moments = np.flatnonzero(run.flags.any(1)).tolist()
    assert moments == [BEGIN, BEGIN + 6 * HOUR]
    assert run.flags[moments].all()
    before, after = run.judgements[BEGIN - 1], run.judgements[BEGIN + 10]
    assert np.abs(after.expected - before.expected).max() < SIGMA
    assert np.median(np.abs(after.upper - before.upper)) < SIGMA


def test_a_single_low_value_is_a_drop(detectors: Detectors) -> None:
    values = noise(BEGIN + HOUR, seed=3)
    values[BEGIN] = MEAN - 10 * SIGMA

    run = judge(detectors, values)

    assert run.delays() == [0] * SERIES
    assert run.kinds().count(("drop", "high")) >= SERIES - 1
    assert run.flags.sum() == SERIES


def test_a_level_shift_is_found_within_four_samples(detectors: Detectors) -> None:
    """
    5 deviations up to stay: values are around 125, beyond the mark of 117 in 19 of 20.

    One value alone may not be evidence enough; the mean of the last minutes is by the third. It
    is then told a few times more while the evidence grows, and no more once it does not.
    """
    values = noise(BEGIN + DAY // 2, seed=4)
    values[BEGIN:] += 5 * SIGMA

    run = judge(detectors, values)

    assert max(run.delays()) <= 4
    assert min(run.delays()) >= 0
    assert {kind for kind, _ in run.kinds()} <= {"spike", "pattern"}
    assert run.flags.sum(0).max() <= 4
    assert not run.flags[BEGIN + 2 * HOUR :].any()


def test_a_new_level_is_learnt_in_bounded_time(detectors: Detectors) -> None:
    """
    Blocks are 3 hours long: after the first whole one, the highest is left out as an incident.

    After the second it is the level. So 12 hours later nothing is outside its bounds any more,
    and what is expected is the new level.
    """
    values = noise(BEGIN + DAY, seed=5)
    values[BEGIN:] += 5 * SIGMA

    run = judge(detectors, values)

    outside = np.array([judgement.outside for judgement in run.judgements[BEGIN:]])
    assert outside[:HOUR].mean() > 0.2
    assert outside[12 * HOUR :].mean() < 0.01
    assert np.abs(run.judgements[-1].expected - MEAN - 5 * SIGMA).max() < SIGMA


def test_a_step_is_found_and_the_way_back_is_no_event(detectors: Detectors) -> None:
    """5 deviations up for half an hour: what comes after it is what had been usual for two days."""
    values = noise(BEGIN + 4 * HOUR, seed=6)
    values[BEGIN : BEGIN + HOUR // 2] += 5 * SIGMA

    run = judge(detectors, values)

    assert max(run.delays()) <= 4
    assert not run.flags[BEGIN + HOUR // 2 :].any()


def test_a_ramp_is_found_before_its_end(detectors: Detectors) -> None:
    """
    5 deviations in 240 samples, a tenth of one in 5: no value stands out from the one before.

    The mean of the last half hour (25 values) keeps within 1 deviation of 100 for two days; the
    ramp takes it there in 50 samples and half of 25 later: 60 to 90 samples, long before 240.
    """
    values = noise(BEGIN + 2 * HOUR, seed=7)
    values[BEGIN:] += 5 * SIGMA * np.arange(2 * HOUR)[:, None] / (2 * HOUR)

    run = judge(detectors, values)

    assert min(run.delays()) >= 20
    assert max(run.delays()) <= 120
    assert [kind for kind, _ in run.kinds()].count("pattern") >= SERIES - 4


def test_a_drop_to_zero_is_found_at_once(detectors: Detectors) -> None:
    """20 deviations below: the first sample is a drop, high."""
    values = noise(BEGIN + 40, seed=8)
    values[BEGIN:] = 0.0

    run = judge(detectors, values)

    assert run.delays() == [0] * SERIES
    assert run.kinds() == [("drop", "high")] * SERIES


def test_a_stuck_value_is_a_pattern_within_twelve_samples(detectors: Detectors) -> None:
    """
    A usual value that does not change any more: z never speaks, so the level is low mostly.

    Two normal doubles are never equal, so the longest run so far is 0, and each further sample is
    an excess of one; 1.7 of evidence takes 4 to 8 of them.
    """
    values = noise(BEGIN + HOUR, seed=9)
    values[BEGIN:] = np.clip(values[BEGIN - 1], MEAN - SIGMA, MEAN + SIGMA)

    run = judge(detectors, values)

    assert min(run.delays()) >= 2
    assert max(run.delays()) <= 12
    assert set(run.kinds()) == {("pattern", "low")}
    assert run.reasons() == {"stuck value"}


def test_a_series_that_repeats_its_values_is_not_stuck() -> None:
    """Whole numbers around 2, as queues are: runs of 4 and 5 are usual, and none is flagged."""
    queue = Detectors()
    queue.append(SERIES, kind=GAUGE)

    run = judge(queue, np.random.default_rng(10).poisson(2.0, (DAY, SERIES)).astype(float))

    assert run.flags.sum() <= 1


def test_a_changed_variance_is_found_both_ways(detectors: Detectors) -> None:
    """
    Three times the deviation: each third value lies beyond the marks, so 40 samples are enough.

    A tenth of it: no value is unusual; the mean forecast error falls by half in 17 samples (its
    weight is 2/49), and was never below two thirds: found within 60, as a pattern.
    """
    values = noise(BEGIN + HOUR, seed=11)
    factor = np.where(np.arange(SERIES) < SERIES // 2, 3.0, 0.1)
    values[BEGIN:] = MEAN + factor * (values[BEGIN:] - MEAN)

    run = judge(detectors, values)

    louder, quieter = run.delays()[: SERIES // 2], run.delays()[SERIES // 2 :]
    assert min(louder) >= 0
    assert max(louder) <= 40
    assert min(quieter) >= 5
    assert max(quieter) <= 60
    assert {kind for kind, _ in run.kinds()[SERIES // 2 :]} == {"pattern"}
    assert "less variance" in run.reasons()


def test_a_missing_hour_is_no_event_and_changes_nothing(detectors: Detectors) -> None:
    """Neither NaN nor no update at all: time alone is no fault, and the window goes on after it."""
    values = noise(BEGIN + 2 * HOUR, seed=12)
    values[BEGIN : BEGIN + HOUR] = np.nan

    run = judge(detectors, values)

    assert not run.flags.any()
    last, during = run.judgements[BEGIN - 1], run.judgements[BEGIN + HOUR - 1]
    assert np.array_equal(last.samples, during.samples)
    assert np.isnan(during.zscore).all()
    assert np.isfinite(run.judgements[BEGIN + HOUR].zscore).all()
    assert np.isfinite(during.expected).all()


def test_a_counter_reset_is_no_event() -> None:
    """
    20 requests in 30 s, counted; the backend starts anew after a day, and again 2 hours later.

    The rate across a reset is unknown, so that sample is missing: no z-score, no score. The rate
    goes on as it was. The same when the detector found out by itself that it is a counter.
    """
    steps = np.random.default_rng(13).poisson(20, (DAY + 4 * HOUR, 2))
    values = np.cumsum(steps, axis=0).astype(float)
    for reset in (DAY, DAY + 2 * HOUR):
        values[reset:] -= values[reset]
    counters = Detectors()
    counters.append(1, kind=COUNTER)
    counters.append(1)

    run = judge(counters, values)

    assert not run.flags.any()
    for reset in (DAY, DAY + 2 * HOUR):
        assert np.isnan(run.judgements[reset].zscore).all()
        assert np.abs(run.judgements[reset + 1].zscore).max() < 5
    assert np.abs(run.judgements[-1].expected - 20 / 30).max() < 0.2


def test_after_a_restart_a_fault_is_found_as_without(detectors: Detectors) -> None:
    """The state of now, in a new process: the same spike has the same score."""
    values = noise(BEGIN + 5, seed=14)
    values[BEGIN] = MEAN + 8 * SIGMA
    other = Detectors()

    judge(detectors, values[:BEGIN])
    other.restore(detectors.state())
    mine, theirs = judge(detectors, values[BEGIN:], BEGIN), judge(other, values[BEGIN:], BEGIN)

    assert mine.flags[0].all()
    for one, another in zip(mine.judgements, theirs.judgements, strict=True):
        assert np.array_equal(one.score, another.score)
        assert np.array_equal(one.upper, another.upper)


def test_a_huge_offset_changes_no_judgement() -> None:
    """
    1e9 + noise of 1 against the same noise around 0: a million updates, 200 series of 5,000 values.

    Doubles near 1e9 are 1.2e-7 apart, so both see the same noise but for its eighth digit: z agrees
    to 1e-5, and no sample is flagged in one and not in the other, but for a spike of 12 in both.
    """
    moments, series = 2_500, 200
    rng = np.random.default_rng(15)
    both = Detectors()
    both.append(2 * series, kind=GAUGE)
    spike = 2_000
    worst = 0.0
    found = np.zeros(2 * series)

    for n in range(moments):
        plain = rng.normal(0, 1, series)
        if n == spike:
            plain[:] = 12.0
        judgement = both.update(T0 + STEP_S * n, np.concatenate([plain, 1e9 + plain]))
        mine, shifted = judgement.zscore[:series], judgement.zscore[series:]
        if n > 10:
            worst = max(worst, float(np.abs(mine - shifted).max()))
        assert np.array_equal(judgement.flag[:series], judgement.flag[series:]), n
        found += judgement.flag

    assert worst < 1e-5
    assert found.min() >= 1
    assert np.abs(judgement.expected[series:] - 1e9).max() < 5


def test_a_broken_daily_rhythm_is_found_within_the_morning() -> None:
    """
    Ten days of a daily wave of 40 around 100, every 5 minutes; on the eleventh it is 6 hours early.

    At midnight the wave is at 140 instead of 100, a value of every day, only not at this hour.
    """
    rhythm = Detectors()
    rhythm.append(SERIES, kind=GAUGE)
    per_day = 288
    day = np.arange(11 * per_day)
    day[10 * per_day :] += per_day // 4
    wave = 100 + 40 * np.sin(2 * np.pi * day / per_day)
    values = wave[:, None] + np.random.default_rng(16).normal(0, 4, (len(day), SERIES))

    flags = judge(rhythm, values, step_s=300.0).flags

    assert flags[: 10 * per_day].sum() <= 10, "of 20 series in 10 days"
    assert flags[10 * per_day : 10 * per_day + 144].any(0).all()


def test_the_first_weekend_that_is_quieter_is_told_no_more_than_once_a_day() -> None:
    """
    Weekdays between 20 and 100, a Saturday and a Sunday that stay at 20, in the first week.

    The rhythm is broken, and it is told, since it might be a fault; but a week that was not seen
    yet is weak evidence: the score is just above the threshold, and does not rise by the hour.
    """
    quiet = Detectors()
    quiet.append(SERIES, kind=GAUGE)
    per_day = 288
    monday = 4 * 86_400.0 + 2_800 * 7 * 86_400.0
    hours = np.arange(7 * per_day) * (24 / per_day)
    bell = np.exp(-(((hours % 24 - 13) / 4.0) ** 2)) * (hours < 5 * 24)
    values = 20 + 80 * bell[:, None] + np.random.default_rng(17).normal(0, 3, (len(hours), SERIES))

    run = Run([quiet.update(monday + 300.0 * n, moment) for n, moment in enumerate(values)])

    assert run.flags[2 * per_day : 5 * per_day].sum() <= 2, "of 20 series on 3 days"
    for day in (5, 6):
        today = slice(day * per_day, (day + 1) * per_day)
        assert run.flags[today].sum(0).max() <= 2
        assert max(float(judgement.score.max()) for judgement in run.judgements[today]) < 0.6
    assert run.flags[5 * per_day :].any(0).mean() > 0.5
