from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.anomaly import (
    COUNTER,
    DEFAULT_THRESHOLD,
    GAUGE,
    KINDS,
    LEVELS,
    Detector,
    Detectors,
    literal,
)
from exporter.anomaly.detectors import STATE_VERSION
from exporter.anomaly.store import Store

T0 = 1.75e9 // 86_400 * 86_400
STEP_S = 30.0
DAY = 2_880


def test_no_series_is_no_error() -> None:
    detectors = Detectors()

    judgement = detectors.update(T0, [])

    assert len(detectors) == 0
    assert judgement.score.shape == judgement.upper.shape == judgement.flag.shape == (0,)


def test_every_array_of_a_judgement_has_one_place_per_series() -> None:
    detectors = Detectors()
    detectors.append(5)

    judgement = detectors.update(T0, np.arange(5.0))

    for name in judgement.__slots__:
        assert getattr(judgement, name).shape == (5,), name
    assert not judgement.ready.any()
    assert np.isnan(judgement.zscore).all()
    assert judgement.expected.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert np.isneginf(judgement.lower).all()
    assert np.isposinf(judgement.upper).all()


def test_one_series_is_judged_as_among_many() -> None:
    rows = np.random.default_rng(1).normal(50, 4, (1_500, 3))
    rows[1_400, 1] = 120
    detectors, one = Detectors(), Detector()
    detectors.append(3)

    for n, row in enumerate(rows):
        judgement = detectors.update(T0 + STEP_S * n, row)
        result = one.update(T0 + STEP_S * n, row[1])
        assert result.score == judgement.score[1]
        assert result.flag == judgement.flag[1] == (n == 1_400)
        assert result.kind == KINDS[judgement.kind[1]]
        assert result.level == LEVELS[judgement.level[1]]
        assert result.upper == judgement.upper[1]
        assert result.reason == judgement.reason(1)


def test_each_series_may_have_its_own_moment() -> None:
    """Two series whose answers come 15 s apart are as two detectors."""
    rows = np.random.default_rng(2).normal(50, 4, (600, 2))
    together, apart = Detectors(), [Detector(), Detector()]
    together.append(2)

    for n, row in enumerate(rows):
        moments = T0 + STEP_S * n + np.array([0.0, 15.0])
        score = together.score(moments, row)
        assert score.tolist() == [
            detector.update(moments[i], row[i]).score for i, detector in enumerate(apart)
        ]


@pytest.mark.parametrize("shape", [(2,), (4,), (3, 1), ()])
def test_values_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    detectors = Detectors()
    detectors.append(3)

    with pytest.raises(ValueError, match="values: shape"):
        detectors.update(T0, np.zeros(shape))


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"kind": 3}, "kind: 3"),
        ({"direction": 2}, "direction: 2"),
        ({"floor": -1.0}, "floor: -1.0"),
        ({"floor": math.nan}, "floor: nan"),
        ({"low": 1.0, "high": 1.0}, "low: 1.0"),
    ],
)
def test_options_that_cannot_be_are_refused(option: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Detectors().append(**option)  # type: ignore[arg-type] # wrong on purpose


def judged(values: list[float], **options: float) -> list[float]:
    """Return the scores of 4 hours of noise around 100, deviation 5, and then of *values*."""
    detector = Detector(kind=GAUGE, **options)  # type: ignore[arg-type]
    noise = np.random.default_rng(3).normal(100, 5, 480)
    return [
        detector.update(T0 + STEP_S * n, float(value)).score
        for n, value in enumerate([*noise, *values])
    ][480:]


def test_only_the_side_that_is_wrong_counts() -> None:
    """30 deviations down is a drop for direction -1 and 0, and nothing for 1; and vice versa."""
    assert judged([-50])[0] > DEFAULT_THRESHOLD
    assert judged([-50], direction=-1)[0] > DEFAULT_THRESHOLD
    assert judged([-50], direction=1) == [0.0]
    assert judged([250], direction=1)[0] > DEFAULT_THRESHOLD
    assert judged([250], direction=-1) == [0.0]


def test_the_side_that_does_not_count_has_no_bound() -> None:
    detector = Detector(kind=GAUGE, direction=-1, low=0.0, high=1.0)
    for n, value in enumerate(np.random.default_rng(4).normal(0.9, 0.02, 480)):
        result = detector.update(T0 + STEP_S * n, float(value))

    assert 0.0 <= result.lower < 0.9 < result.upper == 1.0
    free = Detector(kind=GAUGE, direction=-1)
    for n, value in enumerate(np.random.default_rng(4).normal(0.9, 0.02, 480)):
        result = free.update(T0 + STEP_S * n, float(value))
    assert result.upper == math.inf


def test_what_is_nearer_than_the_floor_is_no_spike() -> None:
    """150 is 10 deviations up; with a floor of 60 it is within what does not matter."""
    assert judged([150])[0] > DEFAULT_THRESHOLD
    assert judged([150], floor=60)[0] < DEFAULT_THRESHOLD
    assert judged([250], floor=60)[0] > DEFAULT_THRESHOLD


def test_a_level_that_moves_less_than_the_floor_has_not_shifted() -> None:
    """
    20 values 4 deviations up, at 120: the mean of the last minutes was never above 108 before.

    That is a level shift. With a floor of 30 the mean must pass 138 and a value 143, and with the
    noise of 5 neither ever does; of a shift by 60 both do within minutes.
    """
    up = np.random.default_rng(3).normal(120, 5, 20)

    assert max(judged([*up])) > DEFAULT_THRESHOLD
    assert max(judged([*up], floor=30)) < DEFAULT_THRESHOLD
    assert max(judged([*(up + 40)], floor=30)) > DEFAULT_THRESHOLD


def test_a_slow_rise_within_the_floor_is_no_drift() -> None:
    """Three deviations in two hours: the mean of half an hour drifts, and by no more than 15."""
    rise = np.random.default_rng(4).normal(100, 5, 240) + np.arange(240) / 16

    assert max(judged([*rise])) > DEFAULT_THRESHOLD
    assert max(judged([*rise], floor=20)) < DEFAULT_THRESHOLD


def test_the_floor_says_nothing_of_a_value_that_stands_still() -> None:
    """How long a value has not changed is not measured in its unit."""
    assert max(judged([100.0] * 20, floor=1_000)) > DEFAULT_THRESHOLD


def test_a_value_that_cannot_be_is_a_missing_one() -> None:
    detector = Detector(kind=GAUGE, low=0.0, high=1.0)
    for n, value in enumerate(np.random.default_rng(5).uniform(0.4, 0.6, 480)):
        result = detector.update(T0 + STEP_S * n, float(value))
    assert result.samples == 480

    for n, value in enumerate((1.5, -0.1, math.nan, math.inf)):
        result = detector.update(T0 + STEP_S * (480 + n), value)
        assert (result.score, result.flag, result.outside, result.samples) == (
            0.0,
            False,
            False,
            480,
        )
        assert math.isnan(result.zscore)


def test_a_logarithm_is_judged_in_ratios_and_shown_in_the_unit_of_the_series() -> None:
    """Latencies around 0.1 s: the bounds are seconds, above 0, and around what is expected."""
    detector = Detector(kind=GAUGE, log=True)
    for n, value in enumerate(np.random.default_rng(6).lognormal(math.log(0.1), 0.3, DAY)):
        result = detector.update(T0 + STEP_S * n, float(value))

    assert 0.07 < result.expected < 0.14
    assert 0.0 < result.lower < 0.05
    assert 0.2 < result.upper < 1.0
    assert detector.update(T0 + STEP_S * DAY, 5.0).outside
    assert math.isfinite(detector.update(T0 + STEP_S * (DAY + 1), 0.0).expected)


def test_the_level_is_the_severity_of_the_design() -> None:
    """Of 0 and 2 in turn the mean is 1 and the deviation 1: 3 is at 2, 4 at 3, as literal says."""
    for value, level in ((2.9, "low"), (3.1, "medium"), (3.9, "medium"), (4.1, "high")):
        detector = Detector(kind=GAUGE)
        for n in range(120):
            detector.update(T0 + STEP_S * n, 2.0 * (n % 2))

        result = detector.update(T0 + STEP_S * 120, value)
        rule = literal.events(np.array([result.zscore, -result.zscore]))

        assert result.zscore == pytest.approx(value - 1)
        assert result.level == level
        assert [LEVELS[at] for at in rule.level] == [level, level]
        assert rule.flag.tolist() == [level != "low"] * 2
        expected = ["", ""] if level == "low" else ["spike", "drop"]
        assert [KINDS[at] for at in rule.kind] == expected


def test_the_literal_rule_knows_its_edges() -> None:
    rule = literal.events(np.array([2.0, -2.0, 2.0001, 3.0, 3.0001, np.nan]))

    assert rule.flag.tolist() == [False, False, True, True, True, False]
    assert [LEVELS[at] for at in rule.level] == ["low", "low", "medium", "medium", "high", "low"]


def test_a_counter_found_out_is_judged_anew() -> None:
    """After 60 steps without a fall it is one; what was learnt of its values is of no use then."""
    detectors = Detectors()
    detectors.append()
    steps = np.cumsum(np.random.default_rng(7).poisson(600, 300)).astype(float)

    for n, value in enumerate(steps):
        judgement = detectors.update(T0 + STEP_S * n, [value])

    assert judgement.samples[0] == 240
    assert judgement.expected[0] == pytest.approx(20, rel=0.05)


def test_the_memory_of_a_series_is_at_most_8_kilobytes_and_stays_so() -> None:
    detectors = Detectors()
    detectors.append(100, kind=COUNTER)

    def held() -> int:
        return sum(array.nbytes for array in detectors.state().values()) // 100

    at_first = held()
    for n in range(300):
        detectors.score(T0 + STEP_S * n * 100, np.full(100, float(n)))

    assert held() == at_first <= 8_192


def test_shift_and_scale_change_no_score() -> None:
    """Multiplied by 1,024 and moved by 2**20, doubles round alike enough: the unit is no matter."""
    values = np.random.default_rng(8).integers(0, 2**20, 1_500).astype(float)
    values[1_300:1_320] *= 3
    detectors = Detectors()
    detectors.append(2, kind=GAUGE)

    found = np.array(
        [
            detectors.score(T0 + STEP_S * n, [value, 1_024 * value + 2**20])
            for n, value in enumerate(values)
        ]
    )

    assert found.max() > DEFAULT_THRESHOLD
    assert np.allclose(found[:, 0], found[:, 1], rtol=1e-6)


numbers = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, 1.0, 42.0, 1e308, -1e308, 5e-324, math.nan]),
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(-1e9, 1e11), numbers), min_size=1, max_size=60),
    st.booleans(),
    st.sampled_from([-1, 0, 1]),
)
def test_whatever_comes_the_answer_is_a_number(
    samples: list[tuple[float, float]],
    log: bool,  # noqa: FBT001 - drawn, not called
    direction: int,
) -> None:
    """Also after 200 sound values, and with time running backwards."""
    detector = Detector(log=log, direction=direction)
    sound = [(T0 + 600 * n, float(n % 7)) for n in range(200)]

    for timestamp, value in [*sound, *samples]:
        result = detector.update(timestamp, value)
        assert 0.0 <= result.score < 1.0
        assert result.kind in KINDS
        assert not math.isnan(result.expected) or result.samples == 0
        assert math.isnan(result.zscore) or abs(result.zscore) <= 1e6
        assert not result.lower > result.upper


def test_the_rhythm_of_huge_values_stays_finite() -> None:
    """Two weeks of ±1e90 by the hour: the rest of the week is kept in single precision."""
    detector = Detector(kind=GAUGE)
    for n in range(15 * 24):
        result = detector.update(T0 + 3_600 * n, 1e90 if n // 24 % 7 < 5 else -1e90)
        assert math.isfinite(result.expected)
        assert math.isfinite(result.score)


@pytest.mark.parametrize("timestamp", [math.nan, math.inf])
def test_a_value_without_a_moment_is_a_missing_one(timestamp: float) -> None:
    detector = Detector()

    assert detector.update(timestamp, 1.0).samples == 0


def test_what_a_part_remembers_has_the_series_as_its_last_axis() -> None:
    detectors = Detectors()
    detectors.append(3)
    state = detectors.state()

    assert state.pop("version").tolist() == [STATE_VERSION]
    assert {array.shape[-1] for array in state.values()} == {3}
    assert Store().limits() == {}
