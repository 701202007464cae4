"""Which series are remembered: for how long, how many, and for as long as they mean the same."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.watched import BY_NAME, Watched
from exporter.polling.bank import Bank, Series
from tests.polling.test_anomalies import QUEUE, Scene, noisy, queue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.polling.memory import Arrays

RATE = m.TASK_RATE.name
ERRORS = m.MODULE_ERRORS.name
DAY_S = 86_400.0


def errors(scene: Scene, modules: Iterable[str]) -> None:
    scene.answer(e.HEALTH, *((m.MODULE_ERRORS, 1, module) for module in modules))


def both(scene: Scene, *values: float) -> None:
    """Feed the queue's length and the rate of tasks, of one endpoint."""
    for value in values:
        scene.answer(e.WORKERS, (m.QUEUE_LENGTH, value), (m.TASK_RATE, value))


def header(state: Arrays) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(state["header"].tobytes())
    return found


def remembered(scene: Scene) -> list[str]:
    """Return the modules whose errors have a detector."""
    state = scene.anomalies.state(scene.now)
    banks = header(state)["banks"]
    for number, bank in enumerate(banks):
        assert state[f"{number}.detectors.views.count"].shape == (len(bank["series"]),)
    return [labels[0] for bank in banks for name, labels in bank["series"] if name == ERRORS]


def restarted(before: Scene, **anomaly: Any) -> Scene:
    """Return a scene that goes on from the state of *before*, a moment later."""
    after = Scene(**anomaly)
    after.anomalies.restore(before.anomalies.state(before.now))
    after.now = before.now
    return after


# as long as they mean the same


@pytest.mark.parametrize(
    "change",
    [{"log": True}, {"low": -5.0}, {"high": 1e6}],
    ids=["logarithm", "least value", "largest value"],
)
def test_a_series_whose_unit_or_range_is_another_now_begins_anew_and_no_other_does(
    change: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = Scene()
    both(before, *map(noisy, range(60)))
    monkeypatch.setitem(BY_NAME, QUEUE, replace(BY_NAME[QUEUE], **change))

    with caplog.at_level(logging.INFO):
        after = restarted(before)
    both(after, 10.0)

    assert (after.samples(QUEUE), after.samples(RATE)) == (1, 61)
    assert QUEUE not in {labels[0] for labels in after.shown(own.ANOMALY_ZSCORE)}
    [record] = caplog.records
    assert record.getMessage() == "anomalies begin anew: judged otherwise than before"
    assert record.fields == {"target": "default", "series": 1, "metrics": QUEUE}  # type: ignore[attr-defined]


def test_a_gauge_that_is_a_counter_now_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Scene()
    both(before, *map(noisy, range(60)))
    counter = property(lambda watched: watched.metric is m.QUEUE_LENGTH)
    monkeypatch.setattr(Watched, "counter", counter)

    after = restarted(before)
    both(after, 10.0, 40.0)

    assert (after.samples(QUEUE), after.samples(RATE)) == (1, 62)
    assert after.samples(QUEUE) == 1, "the first value of a counter has no rate"


def test_with_another_window_only_the_z_score_begins_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The judgement does without it, and the other metric of the endpoint keeps its own."""
    before = Scene()
    both(before, *(100 * noisy(number) for number in range(300)))

    with caplog.at_level(logging.INFO):
        after = restarted(before, watch={QUEUE: {"window": 10}})
    both(after, 1_000.0)
    both(before, 1_000.0)

    for metric in (own.ANOMALY_SAMPLES, own.ANOMALY_EXPECTED, own.ANOMALY_UPPER):
        assert after.shown(metric) == before.shown(metric)
    assert [labels[0] for labels in after.shown(own.ANOMALY_ZSCORE)] == [RATE]
    both(after, *(100 * noisy(number) for number in range(9)), 1_200.0)
    zscore = after.shown(own.ANOMALY_ZSCORE)[(QUEUE,)]
    assert zscore == pytest.approx(200 / (100 * 0.6**0.5)), "ten values with a mean of 1000"
    assert not caplog.records


def test_metrics_that_get_the_same_window_again_are_judged_together_again() -> None:
    before = Scene(watch={QUEUE: {"window": 60}})
    both(before, *map(noisy, range(60)))
    series = [bank["series"] for bank in header(before.anomalies.state(0.0))["banks"]]
    assert series == [[[QUEUE, []]], [[RATE, []]]]

    after = restarted(before)
    both(after, 10.0)

    assert (after.samples(QUEUE), after.samples(RATE)) == (61, 61)
    series = [bank["series"] for bank in header(after.anomalies.state(0.0))["banks"]]
    assert series == [[[QUEUE, []], [RATE, []]]]


def test_another_floor_or_side_holds_at_once_and_nothing_begins_anew(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A bound lies the floor further out: of 10 instead of 4, about 6; now there is one below."""
    before = Scene()
    both(before, *(100 * noisy(number) for number in range(300)))

    with caplog.at_level(logging.INFO):
        after = restarted(before, watch={QUEUE: {"floor": 4, "direction": "both"}})
    both(after, 1_000.0)
    both(before, 1_000.0)

    assert after.samples(QUEUE) == before.samples(QUEUE) == 301
    upper, lower = (
        [scene.shown(metric)[(QUEUE,)] for scene in (before, after)]
        for metric in (own.ANOMALY_UPPER, own.ANOMALY_LOWER)
    )
    assert upper[0] - upper[1] == pytest.approx(6.0, abs=1.0)
    assert upper[1] > 1_100
    assert lower[0] == 0 < lower[1] < 900
    assert before.shown(own.ANOMALY_ZSCORE) == after.shown(own.ANOMALY_ZSCORE)
    assert not caplog.records


def test_by_the_other_rule_the_series_go_on_and_nothing_is_active_any_more() -> None:
    before = Scene(mode="literal")
    queue(before, *map(noisy, range(60)), 14.0)
    assert before.active()

    assert restarted(before, mode="literal").anomalies.state(0.0)["0.left"].any()
    after = restarted(before)
    queue(after, 10.0)

    assert after.samples(QUEUE) == 62
    assert not after.anomalies.state(0.0)["0.left"].any()


def test_what_the_catalogue_does_not_know_any_more_is_left_out_and_costs_no_other() -> None:
    before = Scene()
    both(before, *map(noisy, range(60)))
    state = before.anomalies.state(before.now)
    found = header(state)
    assert found["banks"][0]["series"][0] == [QUEUE, []]

    for unknown in (["ops_of_another_version", []], [QUEUE, ["one label too many"]]):
        found["banks"][0]["series"][0] = unknown
        state["header"] = np.frombuffer(json.dumps(found).encode(), np.uint8)
        after = Scene()
        after.anomalies.restore(state)
        after.now = before.now
        both(after, 10.0)
        assert (after.samples(QUEUE), after.samples(RATE)) == (1, 61)


# for how long


def test_a_label_that_has_not_come_for_a_week_is_dropped_and_begins_anew_when_it_does() -> None:
    scene = Scene()
    errors(scene, "abc")
    scene.now += 6.9 * DAY_S
    errors(scene, "ac")
    assert remembered(scene) == ["a", "b", "c"]

    scene.now += 0.2 * DAY_S
    errors(scene, "ca")
    assert remembered(scene) == ["a", "c"]
    errors(scene, "cb")
    counts = scene.shown(own.ANOMALY_SAMPLES)
    assert counts == {(ERRORS, "c"): 4, (ERRORS, "b"): 1}


def test_those_that_are_all_back_after_a_long_silence_go_on() -> None:
    """The backend was away for ten days, or the clock was wrong: no label has vanished."""
    scene = Scene()
    errors(scene, "ab")
    scene.now += 10 * DAY_S
    errors(scene, "ab")

    assert scene.shown(own.ANOMALY_SAMPLES) == {(ERRORS, "a"): 2, (ERRORS, "b"): 2}


def test_a_restart_does_not_begin_the_week_anew() -> None:
    before = Scene()
    errors(before, "ab")
    before.now += 4 * DAY_S
    errors(before, "b")

    after = restarted(before)
    assert remembered(after) == ["a", "b"]
    after.now += 4 * DAY_S
    errors(after, "b")
    assert remembered(after) == ["b"]


def test_what_nobody_feeds_any_more_is_not_read_again_after_a_week() -> None:
    """Once switched off, the queue's length is in the state for a week of restarts."""
    watch = {QUEUE: {"enabled": False}}
    before = Scene()
    both(before, 10.0)
    off = restarted(before, watch=watch)
    off.now += 6 * DAY_S
    both(off, 10.0)
    assert restarted(off).anomalies.state(0.0)["0.seen"].shape == (2,)

    off = restarted(off, watch=watch)
    off.now += 2 * DAY_S
    both(off, 10.0)
    assert restarted(off).anomalies.state(0.0)["0.seen"].shape == (1,)


# how many


def test_a_new_label_takes_the_place_of_the_one_that_was_longest_not_seen() -> None:
    scene = Scene(cardinality=3)
    for modules in ("abc", "bc", "ac", "cd"):
        errors(scene, modules)

    assert remembered(scene) == ["a", "c", "d"]
    assert scene.shown(own.ANOMALY_SAMPLES) == {(ERRORS, "c"): 4, (ERRORS, "d"): 1}


def test_what_is_there_now_makes_room_for_nobody() -> None:
    bank = Bank({m.MODULE_ERRORS: BY_NAME[ERRORS]}, window=120, limit=2, by_design=False)
    a, b, c = (Series(m.MODULE_ERRORS, (module,)) for module in "abc")

    list(bank.update(0.0, {a: 1.0, b: 1.0}))
    list(bank.update(30.0, {a: 1.0, b: 1.0, c: 1.0}))

    assert bank.series == [a, b]


def test_however_many_labels_come_and_go_the_memory_has_the_size_of_the_limit() -> None:
    scene = Scene(cardinality=5)
    errors(scene, ["steady", "0"])
    sizes = set()
    for number in range(1, 200):
        errors(scene, ["steady", f"{number}"])
        assert scene.samples(ERRORS, f"{number}") == 1
        if number > 5:
            sizes.add(sum(array.nbytes for array in _numbers(scene)))

    assert len(sizes) == 1
    assert scene.samples(ERRORS, "steady") == 200
    assert sorted(remembered(scene)) == ["196", "197", "198", "199", "steady"]


def _numbers(scene: Scene) -> list[Any]:
    return [array for name, array in scene.anomalies.state(0.0).items() if name != "header"]


def test_a_lower_limit_keeps_those_that_were_seen_last() -> None:
    before = Scene()
    for modules in ("abcd", "bcd", "bd"):
        errors(before, modules)
    both(before, 10.0)

    after = restarted(before, cardinality=2)
    both(after, 10.0)

    assert remembered(after) == ["b", "d"]
    assert after.samples(QUEUE) == 2
