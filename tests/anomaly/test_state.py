from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.anomaly import COUNTER, GAUGE, Detector, Detectors, Settings

if TYPE_CHECKING:
    from exporter.anomaly.arrays import AnyArray, FloatArray

T0 = 1.75e9
STEP_S = 30.0


def mixed() -> Detectors:
    detectors = Detectors(window=50)
    detectors.append(2, kind=GAUGE)
    detectors.append(log=True, direction=1, floor=0.1, kind=GAUGE)
    detectors.append(kind=COUNTER)
    return detectors


def values(moments: int) -> FloatArray:
    """Return values of the series of `mixed`, shape (moments, 4), with gaps and two faults."""
    rng = np.random.default_rng(11)
    out = np.stack(
        [
            rng.normal(100, 5, moments),
            rng.poisson(8, moments).astype(float),
            rng.lognormal(-2, 0.3, moments),
            np.cumsum(rng.poisson(20, moments)).astype(float),
        ],
        axis=1,
    )
    out[rng.random(out.shape) < 0.05] = np.nan
    out[moments - 40, 0] = 200.0
    out[moments - 20 :, 2] *= 20
    return out


def scores(detectors: Detectors, rows: FloatArray, first: int = 0) -> FloatArray:
    return np.array([detectors.score(T0 + STEP_S * (first + n), row) for n, row in enumerate(rows)])


def test_after_a_restart_it_goes_on_as_if_nothing_had_been() -> None:
    rows = values(2_000)
    without, before, after = mixed(), mixed(), Detectors(window=50)
    expected = scores(without, rows)

    scores(before, rows[:1_700])
    after.restore(before.state())
    got = scores(after, rows[1_700:], first=1_700)

    assert len(after) == 4
    assert np.array_equal(expected[1_700:], got)
    assert got.max() > 0.5, "there was something to find"
    last = T0 + STEP_S * 2_000
    mine, theirs = after.update(last, rows[0]), without.update(last, rows[0])
    assert np.allclose(mine.zscore, theirs.zscore, rtol=1e-9, equal_nan=True)
    for name in ("expected", "lower", "upper", "kind", "samples", "ready"):
        assert np.array_equal(getattr(mine, name), getattr(theirs, name), equal_nan=True), name


def test_the_state_is_a_copy() -> None:
    detectors = mixed()
    state = detectors.state()
    scores(detectors, values(50))

    assert not state["views.count"].any()


def test_series_that_come_later_start_with_nothing_and_disturb_no_other() -> None:
    rows = values(1_200)
    alone, joined = mixed(), mixed()
    expected = scores(alone, rows)

    got = scores(joined, rows[:600])
    joined.append(3)
    more = np.concatenate([rows[600:], np.zeros((600, 3))], axis=1)
    got = np.concatenate([got, scores(joined, more, first=600)[:, :4]])

    assert len(joined) == 7
    assert np.array_equal(expected, got)
    assert joined.update(T0 + STEP_S * 1_200, np.zeros(7)).samples.tolist()[-3:] == [601] * 3


def test_series_can_be_dropped_and_put_into_another_order() -> None:
    rows = values(900)
    alone, kept = mixed(), mixed()
    expected = scores(alone, rows)

    scores(kept, rows[:600])
    kept.keep([3, 0])
    got = scores(kept, rows[600:][:, [3, 0]], first=600)

    assert len(kept) == 2
    assert np.array_equal(expected[600:][:, [3, 0]], got)


def broken(name: str, array: AnyArray | None) -> dict[str, AnyArray]:
    state = mixed().state()
    if array is None:
        del state[name]
    else:
        state[name] = array
    return state


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "version None, not 3"),
        ({"version": np.array([1])}, r"version \[1\], not 3"),
        ({"version": np.array(3)}, "version 3, not 3"),
        (broken("views.means", None), "views.means: not in both"),
        (broken("surprise", np.zeros(4)), "surprise: not in both"),
        (broken("events.peak", np.zeros(5)), "different numbers of series"),
        (broken("events.peak", np.zeros(4, np.float32)), "events.peak: float32"),
        (broken("zscore.ring", np.zeros((120, 4))), r"zscore.ring: float64 \(120, 4\)"),
        (broken("views.best", np.full(4, 5)), "views.best: not all from 0 to 4"),
        (broken("zscore.slot", np.full(4, -1, np.int32)), "zscore.slot: not all from 0 to 49"),
        (broken("views.season.bin", np.full(4, 48)), "views.season.bin: not all from -1 to 47"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    state: dict[str, AnyArray], message: str
) -> None:
    rows = values(300)
    expected, detectors = scores(mixed(), rows), mixed()
    got = scores(detectors, rows[:200])

    with pytest.raises(ValueError, match=message):
        detectors.restore(state)

    got = np.concatenate([got, scores(detectors, rows[200:], first=200)])
    assert np.array_equal(expected, got)


def test_a_state_of_other_settings_is_refused() -> None:
    with pytest.raises(ValueError, match="not float64"):
        Detectors(window=50, settings=Settings(bins=24)).restore(mixed().state())


def test_one_series_takes_over_the_state_of_one_series_only() -> None:
    one = Detector(window=50)

    with pytest.raises(ValueError, match="of 4 series, not one"):
        one.restore(mixed().state())

    other = Detector(window=50)
    for n in range(30):
        other.update(T0 + STEP_S * n, float(n % 5))
    one.restore(other.state())
    assert one.update(T0 + STEP_S * 30, 2.0) == other.update(T0 + STEP_S * 30, 2.0)


def test_what_was_learnt_goes_on_under_other_options_where_the_unit_is_the_same() -> None:
    """Direction and floor are another; of the last three, logarithm, kind and range are too."""
    rows = values(900)
    rows = np.concatenate([rows, rows[:, [0]]], axis=1)
    before = mixed()
    before.append(kind=GAUGE)
    scores(before, rows)
    after = Detectors(window=50)
    after.append(kind=GAUGE)
    after.append(kind=GAUGE, direction=-1, floor=3.0)
    after.append(kind=GAUGE)
    after.append(kind=GAUGE)
    after.append(kind=GAUGE, high=1e6)

    goes_on = after.inherit(before)

    assert goes_on.tolist() == [True, True, False, False, False]
    last = T0 + STEP_S * 900
    row = np.nan_to_num(rows[0], nan=8.0)
    mine, theirs = after.update(last, row), before.update(last, row)
    assert mine.samples[goes_on].tolist() == theirs.samples[goes_on].tolist()
    assert mine.samples[2:].tolist() == [1, 1, 1]
    assert np.allclose(mine.zscore[:2], theirs.zscore[:2])
    assert np.isnan(mine.zscore[2:]).all()
    assert mine.upper[0] == theirs.upper[0]
    assert (mine.upper[1], mine.lower[1] < theirs.lower[1]) == (np.inf, True)


def test_nothing_is_taken_over_from_other_series_or_another_window() -> None:
    for other in (Detectors(window=50), Detectors(window=60)):
        other.append(3, kind=GAUGE)
        with pytest.raises(ValueError, match="of 3 series"):
            mixed().inherit(other)
