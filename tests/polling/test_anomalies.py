"""What is made of each answer: once for each, under the labels of the series."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.model import Dialect
from exporter.catalogue.watched import BY_NAME, DOWN, UP, WATCHABLE, WATCHED
from exporter.collectors.reading import Reading
from exporter.polling.anomalies import Anomalies
from exporter.polling.bank import Bank
from exporter.polling.plan import plan
from exporter.polling.snapshot import Snapshot
from exporter.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Endpoint, Metric

Value = tuple["Metric", float] | tuple["Metric", float, str]


class Scene:
    """A target whose endpoints tell what a test says; each answer is 30 s after the last."""

    def __init__(self, **anomaly: Any) -> None:
        limits = {"cardinality": anomaly.pop("cardinality", 200)}
        self.anomalies = Anomalies("default", configured(limits=limits, anomaly=anomaly))
        self.snapshot = Snapshot(frozenset(e.BY_NAME), limits["cardinality"])
        self.now = 1_800_000_000.0

    def answer(self, endpoint: Endpoint, *values: Value, made_at: float | None = None) -> None:
        reading = Reading(dialect=Dialect.DESIGNED, made_at=made_at)
        for metric, value, *labels in values:
            reading.add(metric, value, *labels)
        self._take(endpoint, reading)

    def fail(self, endpoint: Endpoint) -> None:
        self._take(endpoint, None)

    def _take(self, endpoint: Endpoint, reading: Reading | None) -> None:
        self.now += 30.0
        self.snapshot.replace(endpoint, reading)
        told = self.snapshot.told_by(endpoint)
        self.anomalies.take(endpoint, reading, told, self.now)

    def shown(self, metric: Metric) -> dict[tuple[str, ...], float]:
        return {s.labels: s.value for s in self.anomalies.by_metric.get(metric, ())}

    def samples(self, *series: str) -> float | None:
        """Return how many samples of a series were taken in; None when it is not shown."""
        return self.shown(own.ANOMALY_SAMPLES).get(series)

    def active(self) -> set[tuple[str, ...]]:
        return {labels for labels, value in self.shown(own.ANOMALY_ACTIVE).items() if value}


def configured(**tree: Any) -> Settings:
    return Settings(**tree)


QUEUE = "ops_queue_length"


def noisy(number: int) -> float:
    """Return 9, 10 or 11: a mean of 10 and a deviation of 0.8."""
    return 9.0 + number % 3


def queue(scene: Scene, *values: float) -> None:
    for value in values:
        scene.answer(e.WORKERS, (m.QUEUE_LENGTH, value))


# what is watched


def test_each_watched_metric_is_one_of_the_catalogue_and_has_its_side() -> None:
    assert {watched.metric for watched in WATCHED} <= set(WATCHABLE.values())
    assert BY_NAME[m.CACHE_HIT_RATIO.name].direction == DOWN
    assert BY_NAME[m.MODULE_RESPONSE_TIME.name].direction == UP
    assert BY_NAME[m.MODULE_RESPONSE_TIME.name].log
    assert BY_NAME[m.EVENTS_EMITTED.name].counter


@pytest.mark.parametrize("watched", WATCHED, ids=lambda watched: watched.metric.name)
def test_each_watched_metric_has_a_floor_in_its_unit(watched: Any) -> None:
    assert watched.floor > 0
    assert watched.metric.owner is not None
    if watched.metric.unit == "ratio":
        assert watched.high == 1
        assert watched.floor < 1
    assert watched.log == (watched.metric.unit == "seconds")


def test_states_moments_and_jobs_cannot_be_watched() -> None:
    for metric in (m.MODULE_STATUS, m.EVENT_LAST, m.UPTIME, m.INGESTION_JOB_DURATION):
        assert metric.name not in WATCHABLE


def test_the_configuration_changes_what_is_watched_and_how() -> None:
    watch = {
        "ops_queue_length": {"direction": "both", "floor": 25, "window": 60},
        "ops_tasks_failed": {"enabled": False},
        "ops_cache_size_bytes": {"direction": "down"},
    }
    chosen = plan(configured(anomaly={"window": 240, "watch": watch}))

    watched, window = chosen[m.QUEUE_LENGTH]
    assert (watched.direction, watched.floor, window) == (0, 25, 60)
    assert m.TASKS_FAILED not in chosen
    assert (chosen[m.CACHE_SIZE][0].direction, chosen[m.CACHE_SIZE][1]) == (DOWN, 240)
    assert chosen[m.CACHE_HIT_RATIO][0] is BY_NAME["ops_cache_hit_ratio"]


# one answer, one sample


def test_from_the_first_sample_it_is_told_that_nothing_is_known_yet() -> None:
    scene = Scene()
    queue(scene, 5.0)

    assert scene.samples(QUEUE) == 1
    assert scene.shown(own.ANOMALY_READY) == {(QUEUE,): 0}
    for metric in (own.ANOMALY_ZSCORE, own.ANOMALY_SCORE, own.ANOMALY_ACTIVE, own.ANOMALY_UPPER):
        assert not scene.shown(metric)


def test_the_z_score_is_that_of_the_window_before_the_value() -> None:
    """30 values with mean 10 and population variance 2/3, then 14."""
    scene = Scene()
    queue(scene, *map(noisy, range(30)), 14.0)

    assert scene.shown(own.ANOMALY_ZSCORE)[(QUEUE,)] == pytest.approx(4 / (2 / 3) ** 0.5)


def test_a_metric_has_the_window_of_its_own() -> None:
    """The last 30 values are 0: for a window of 30 the next 0 is as usual."""
    scene = Scene(watch={QUEUE: {"window": 30}})
    for value in [*map(noisy, range(30)), *[0.0] * 31]:
        scene.answer(e.WORKERS, (m.QUEUE_LENGTH, value), (m.TASK_RATE, value))

    zscores = scene.shown(own.ANOMALY_ZSCORE)
    assert zscores[(QUEUE,)] == 0
    assert zscores[(m.TASK_RATE.name,)] < -0.5


def test_a_failed_poll_is_no_sample_and_what_was_said_of_its_values_vanishes() -> None:
    scene = Scene()
    queue(scene, *map(noisy, range(30)))
    scene.fail(e.WORKERS)
    assert scene.samples(QUEUE) is None
    assert not scene.shown(own.ANOMALY_ZSCORE)

    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 31


def test_an_answer_whose_own_time_has_not_moved_is_no_new_sample() -> None:
    scene = Scene()
    for made_at in (100.0, 100.0, 100.0, 130.0):
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "search"), made_at=made_at)

    assert scene.samples("ops_module_errors", "search") == 2


def test_an_answer_that_is_back_after_a_failure_and_has_not_moved_is_judged_as_before() -> None:
    scene = Scene()
    series = ("ops_module_errors", "search")
    for number in range(20):
        made_at = 100.0 + 30 * number
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, noisy(number), "search"), made_at=made_at)
    before = dict(scene.anomalies.by_metric)

    scene.fail(e.HEALTH)
    assert scene.samples(*series) is None
    for _ in range(2):
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, noisy(19), "search"), made_at=made_at)
        assert before.items() <= dict(scene.anomalies.by_metric).items()
        assert scene.samples(*series) == 20

    scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "search"), made_at=made_at + 30)
    assert scene.samples(*series) == 21


def test_an_older_answer_than_the_last_is_no_new_sample() -> None:
    """Two caches take turns, and each has been refreshed once."""
    scene = Scene()
    for made_at in (100.0, 70.0, 100.0, 70.0, 130.0, 100.0):
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "search"), made_at=made_at)

    assert scene.samples("ops_module_errors", "search") == 2


def test_who_has_not_moved_does_not_speak_for_what_its_owner_tells_again() -> None:
    """Of the fallback's answers the last repeats the one before; the owner was back in between."""
    scene = Scene()
    pool = m.DATABASE_POOL_USAGE
    scene.fail(e.POOL)
    scene.answer(e.DATABASE, (pool, 0.5), (m.DATABASE_SLOW_QUERIES, 1), made_at=100.0)
    scene.answer(e.POOL, (pool, 0.6))
    assert scene.samples(pool.name) == 2

    scene.answer(e.DATABASE, (pool, 0.5), (m.DATABASE_SLOW_QUERIES, 1), made_at=100.0)
    assert scene.samples(pool.name) == 2
    assert scene.samples(m.DATABASE_SLOW_QUERIES.name) == 1
    scene.fail(e.POOL)
    assert scene.samples(pool.name) is None


def test_an_equal_value_of_a_newer_answer_is_one() -> None:
    scene = Scene()
    for made_at in (100.0, 130.0, 160.0):
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "search"), made_at=made_at)

    assert scene.samples("ops_module_errors", "search") == 3


def test_without_a_time_of_its_own_each_answer_counts() -> None:
    scene = Scene()
    queue(scene, 1.0, 1.0, 1.0)

    assert scene.samples(QUEUE) == 3


def test_a_series_that_comes_later_is_appended_and_one_that_goes_keeps_its_place() -> None:
    scene = Scene()
    name = "ops_module_errors"
    scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "b"), (m.MODULE_ERRORS, 1, "c"))
    scene.answer(e.HEALTH, (m.MODULE_ERRORS, 1, "a"), (m.MODULE_ERRORS, 1, "c"))
    assert [s[1] for s in scene.shown(own.ANOMALY_SAMPLES)] == ["c", "a"]

    scene.answer(e.HEALTH, *((m.MODULE_ERRORS, 1, module) for module in "abc"))
    counts = scene.shown(own.ANOMALY_SAMPLES)
    assert counts == {(name, "b"): 2, (name, "c"): 3, (name, "a"): 2}


def test_no_more_series_of_a_metric_are_watched_than_the_limit() -> None:
    scene = Scene(cardinality=2)
    for modules in ("ab", "cd"):
        scene.answer(e.HEALTH, *((m.MODULE_ERRORS, 1, module) for module in modules))

    bank = scene.anomalies.state(0.0)["0.recent"]
    assert len(bank) == 2


def test_a_fallback_is_judged_in_the_place_of_the_owner_and_never_beside_it() -> None:
    scene = Scene()
    pool = m.DATABASE_POOL_USAGE
    scene.answer(e.POOL, (pool, 0.5))
    scene.answer(e.DATABASE, (pool, 0.6))
    assert scene.samples(pool.name) == 1

    scene.fail(e.POOL)
    assert scene.samples(pool.name) is None
    scene.answer(e.DATABASE, (pool, 0.6))
    assert scene.samples(pool.name) == 2
    scene.fail(e.POOL)
    assert scene.samples(pool.name) == 2

    scene.answer(e.POOL, (pool, 0.5))
    scene.fail(e.DATABASE)
    assert scene.samples(pool.name) == 3


def test_what_an_endpoint_no_longer_tells_vanishes() -> None:
    scene = Scene()
    queue(scene, 1.0)
    scene.answer(e.WORKERS, (m.WORKERS, 2))

    assert not scene.shown(own.ANOMALY_SAMPLES)


def test_a_failure_within_costs_neither_polling_nor_more_than_one_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    scene = Scene()

    def broken() -> Iterator[Any]:
        yield from ()
        raise RuntimeError

    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            scene.anomalies.take(e.WORKERS, Reading(dialect=None), broken(), 0.0)

    assert len(caplog.records) == 1


def test_what_could_not_be_judged_begins_anew_and_nothing_old_is_said_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    queue(scene, 1.0, 1.0)
    scene.answer(e.CACHE, (m.CACHE_HIT_RATIO, 0.9))
    with monkeypatch.context() as patch:
        patch.setattr(Bank, "update", lambda *_: 1 / 0)
        queue(scene, 1.0)
    assert {labels[0] for labels in scene.shown(own.ANOMALY_SAMPLES)} == {m.CACHE_HIT_RATIO.name}

    queue(scene, 1.0)
    scene.answer(e.CACHE, (m.CACHE_HIT_RATIO, 0.9))
    assert (scene.samples(QUEUE), scene.samples(m.CACHE_HIT_RATIO.name)) == (1, 2)


# events


def test_by_the_design_a_value_beyond_two_deviations_is_active_for_ten_samples_more() -> None:
    scene = Scene(mode="literal")
    queue(scene, *map(noisy, range(60)), 14.0)
    assert scene.active() == {(QUEUE, "spike", "high")}

    queue(scene, *map(noisy, range(10)))
    assert scene.active() == {(QUEUE, "spike", "high")}
    queue(scene, 10.0)
    assert scene.active() == set()


def test_by_the_design_a_value_between_two_and_three_deviations_is_of_medium_level() -> None:
    scene = Scene(mode="literal")
    queue(scene, *map(noisy, range(60)), 8.0)

    assert scene.active() == {(QUEUE, "drop", "medium")}
    assert scene.shown(own.ANOMALY_READY) == {(QUEUE,): 1}


def test_each_series_has_every_kind_and_level_at_zero_or_one() -> None:
    scene = Scene(mode="literal")
    for number in range(20):
        scene.answer(e.HEALTH, (m.MODULE_ERRORS, noisy(number), "a"))

    shown = scene.shown(own.ANOMALY_ACTIVE)
    assert len(shown) == 9
    assert set(shown.values()) <= {0.0, 1.0}
    assert {(kind, level) for _, kind, level, _ in shown} == {
        (kind, level)
        for kind in ("spike", "drop", "pattern")
        for level in ("low", "medium", "high")
    }
    [names] = {s.names for s in scene.anomalies.by_metric[own.ANOMALY_ACTIVE]}
    assert names == ("module",)


def test_a_missing_answer_does_not_shorten_an_anomaly() -> None:
    scene = Scene(mode="literal")
    queue(scene, *map(noisy, range(60)), 14.0)
    for _ in range(20):
        scene.fail(e.WORKERS)
    queue(scene, 10.0)

    assert scene.active() == {(QUEUE, "spike", "high")}


def test_what_did_not_change_stays_the_same_object() -> None:
    scene = Scene(mode="literal")
    queue(scene, *map(noisy, range(60)))
    before = scene.anomalies.by_metric[own.ANOMALY_ACTIVE]
    queue(scene, 10.0)

    assert scene.anomalies.by_metric[own.ANOMALY_ACTIVE] is before


def counted(metric: Metric, endpoint: Endpoint, usual: list[float], then: list[float]) -> list[Any]:
    """Return what is active after each of *then*, of one series that was *usual* for long."""
    scene = Scene()

    def answer(value: float) -> None:
        scene.answer(endpoint, (metric, value, "search") if metric.labels else (metric, value))

    for value in usual:
        answer(value)
    assert scene.active() == set()
    found = []
    for value in then:
        answer(value)
        found.append({labels[1] for labels in scene.active()})
    return found


def test_errors_that_become_thirty_an_hour_are_a_spike_within_a_quarter_of_an_hour() -> None:
    """One or none a day, then one more every 4 answers: 5 and more is 3 beyond what was usual."""
    usual = [float(number // 100 % 2) for number in range(600)]

    found = counted(m.MODULE_ERRORS, e.HEALTH, usual, [1.0 + n // 4 for n in range(30)])

    assert found[:15] == [set()] * 15
    assert found[29] == {"spike"}


def test_rare_bad_things_that_become_the_rule_are_a_level_shift() -> None:
    """20 slow queries once in 20 minutes were usual; 19 at every answer never were."""
    usual = [20.0 if number % 40 == 0 else float(number % 2) for number in range(2_000)]

    found = counted(m.DATABASE_SLOW_QUERIES, e.DATABASE, usual, [19.0] * 40)

    assert {"pattern"} in found
    assert {"spike"} not in found


def test_a_count_that_stands_still_or_varies_otherwise_is_no_anomaly() -> None:
    """None at all for hours, and then 2 and 4 in turn, is chance: no value is 5 off."""
    usual = [float(number % 3) for number in range(600)]
    then = [*[0.0] * 200, *(2.0 + 2 * (number % 2) for number in range(200))]

    assert not any(counted(m.DATABASE_SLOW_QUERIES, e.DATABASE, usual, then))
