from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.model import Dialect, Endpoint, Kind, Metric
from exporter.collectors.reading import Reading
from exporter.polling.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable

P, D = Dialect.DEPLOYED, Dialect.DESIGNED
EVERY = frozenset(e.BY_NAME)


def snapshot(enabled: Iterable[str] = EVERY, limit: int = 200) -> Snapshot:
    return Snapshot(frozenset(enabled), limit)


def reading(
    *samples: tuple[Metric, float, tuple[str, ...]],
    dialect: Dialect = D,
    resets: Iterable[Metric] = (),
) -> Reading:
    one = Reading(dialect=dialect, resets=set(resets))
    for metric, value, labels in samples:
        one.add(metric, value, *labels, weight=value)
    return one


def plain(metric: Metric, value: float, dialect: Dialect = D) -> Reading:
    return reading((metric, value, labels_of(metric)), dialect=dialect)


def labels_of(metric: Metric) -> tuple[str, ...]:
    return tuple(
        metric.states[0] if name == "status" and metric.states else "x" for name in metric.labels
    )


def values(one: Snapshot, metric: Metric) -> dict[tuple[str, ...], float]:
    return {sample.labels: sample.value for sample in one.by_metric.get(metric, ())}


def value(one: Snapshot, metric: Metric) -> float | None:
    return values(one, metric).get(labels_of(metric))


def counted(one: Snapshot, metric: Metric) -> dict[str, float]:
    return {s.labels[0]: s.value for s in one.counted() if s.metric is metric}


# owner and fallback


def test_the_owners_and_fallbacks_are_those_of_the_public_interface() -> None:
    fallbacks = {
        (metric.owner.name, metric.fallback.name)
        for metric in m.ALL
        if metric.owner and metric.fallback
    }
    assert fallbacks == {
        ("pool", "database"),
        ("cache", "performance"),
        ("models", "ml"),
        ("performance", "backend_metrics"),
        ("engagement", "events"),
    }
    assert all(metric.owner is not None for metric in m.ALL)
    assert m.COMPONENT_STATUS.owner is e.HEALTH
    assert m.COMPONENT_STATUS.also is e.INGESTION
    assert m.WORKER_STATUS.owner is m.TASKS.owner is e.WORKERS


with_fallback = [metric for metric in m.ALL if metric.fallback]


@pytest.mark.parametrize("metric", with_fallback, ids=str)
def test_the_fallback_speaks_only_while_the_owner_is_not_ok(metric: Metric) -> None:
    assert metric.owner is not None
    assert metric.fallback is not None
    one = snapshot()
    one.replace(metric.fallback, plain(metric, 1))
    assert value(one, metric) is None, "before the owner was asked nobody knows whether it is ok"

    one.replace(metric.owner, plain(metric, 2))
    assert value(one, metric) == 2

    one.replace(metric.fallback, plain(metric, 3))
    assert value(one, metric) == 2

    one.replace(metric.owner, None)
    assert value(one, metric) == 3

    one.replace(metric.fallback, None)
    assert value(one, metric) is None

    one.replace(metric.owner, plain(metric, 4))
    assert value(one, metric) == 4


@pytest.mark.parametrize("metric", with_fallback, ids=str)
def test_the_fallback_speaks_for_an_owner_that_is_switched_off(metric: Metric) -> None:
    assert metric.owner is not None
    assert metric.fallback is not None
    one = snapshot(EVERY - {metric.owner.name})

    one.replace(metric.fallback, plain(metric, 1))

    assert value(one, metric) == 1


def test_an_owner_that_is_ok_and_says_nothing_is_not_spoken_for() -> None:
    one = snapshot()
    one.replace(e.POOL, reading())
    one.replace(e.DATABASE, plain(m.DATABASE_CONNECTIONS_MAX, 15))

    assert value(one, m.DATABASE_CONNECTIONS_MAX) is None


ops_api = [m.API_RESPONSE_TIME, m.API_REQUEST_RATE, m.API_ERROR_RATIO, m.UPTIME]


@pytest.mark.parametrize("metric", ops_api, ids=str)
def test_the_dialect_tells_where_the_api_metrics_come_from(metric: Metric) -> None:
    one = snapshot()
    one.replace(e.BACKEND_METRICS, plain(metric, 1, P))
    one.replace(e.PERFORMANCE, plain(metric, 2, D))
    assert value(one, metric) == 2

    one.replace(e.PERFORMANCE, reading(dialect=P))
    assert value(one, metric) == 1


def test_engagement_of_a_deployed_backend_comes_from_its_events() -> None:
    since_start = ("since_start",)
    one = snapshot()
    one.replace(e.EVENTS, reading((m.SEARCHES, 7, since_start), dialect=P))
    one.replace(e.ENGAGEMENT, reading((m.ACTIVE_USERS, 3, ("7d",)), dialect=P))

    assert values(one, m.SEARCHES) == {since_start: 7}
    assert values(one, m.ACTIVE_USERS) == {("7d",): 3}


def test_ingestion_adds_its_component_to_those_of_health() -> None:
    one = snapshot()
    health = Reading(dialect=P)
    health.add_states(m.COMPONENT_STATUS, "down", "redis")
    ingestion = Reading(dialect=P)
    ingestion.add_states(m.COMPONENT_STATUS, "healthy", "redis")
    ingestion.add_states(m.COMPONENT_STATUS, "healthy", "qdrant")

    one.replace(e.INGESTION, ingestion)
    one.replace(e.HEALTH, health)

    current = {labels for labels, on in values(one, m.COMPONENT_STATUS).items() if on}
    assert current == {("redis", "down"), ("qdrant", "healthy")}


def test_an_older_total_of_the_fallback_does_not_follow_a_newer_one() -> None:
    """Prometheus would take the fall for a restart and count everything again."""
    one = snapshot()
    one.replace(e.PERFORMANCE, plain(m.CACHE_HITS, 100, P))
    one.replace(e.CACHE, plain(m.CACHE_HITS, 110, P))

    one.replace(e.CACHE, None)
    assert value(one, m.CACHE_HITS) is None

    one.replace(e.PERFORMANCE, plain(m.CACHE_HITS, 120, P))
    assert value(one, m.CACHE_HITS) == 120
    assert counted(one, own.RESETS_OBSERVED)["ops_cache_hits_total"] == 0


# no series twice

metric_of: dict[str, list[Metric]] = {
    name: [x for x in m.ALL if endpoint in {x.owner, x.fallback, x.also}]
    for name, endpoint in e.BY_NAME.items()
}
words = st.sampled_from(["a", "b", "c", "d", "e"])


@st.composite
def answers(draw: st.DrawFn) -> tuple[Endpoint, Reading | None]:
    name = draw(st.sampled_from(sorted(e.BY_NAME)))
    if draw(st.booleans()):
        return e.BY_NAME[name], None
    one = Reading(dialect=draw(st.sampled_from(Dialect)))
    for metric in draw(st.lists(st.sampled_from(metric_of[name]), max_size=6)):
        labels = draw(st.tuples(*[words for _ in metric.labels]))
        one.add(metric, draw(st.floats(0, 100)), *labels, weight=draw(st.floats(0, 9)))
    return e.BY_NAME[name], one


@given(st.lists(answers(), max_size=30))
def test_no_series_stands_twice_whatever_comes(
    history: list[tuple[Endpoint, Reading | None]],
) -> None:
    one = snapshot(limit=3)
    for endpoint, told in history:
        one.replace(endpoint, told)

        for metric, samples in one.by_metric.items():
            assert samples
            assert len({s.labels for s in samples}) == len(samples)
            assert all(s.metric is metric for s in samples)
            if metric.free_labels:
                places = [metric.labels.index(name) for name in metric.free_labels]
                assert len({tuple(s.labels[p] for p in places) for s in samples}) <= 3


@given(st.lists(answers(), max_size=30))
def test_nothing_of_an_endpoint_that_failed_is_left(
    history: list[tuple[Endpoint, Reading | None]],
) -> None:
    one = snapshot()
    for endpoint, told in history:
        one.replace(endpoint, told)
    for endpoint in e.ENDPOINTS:
        one.replace(endpoint, None)

    assert one.by_metric == {}


# the cardinality limit


def many(count: int, metric: Metric = m.CACHE_KEY_SIZE) -> Reading:
    return reading(*((metric, float(n), (f"name{n}",)) for n in range(count)))


def test_ten_thousand_keys_become_two_hundred_and_the_rest_is_counted() -> None:
    one = snapshot()
    one.replace(e.CACHE, many(10_000))

    assert len(one.by_metric[m.CACHE_KEY_SIZE]) == 200
    assert counted(one, own.SERIES_DROPPED)["ops_cache_key_size_bytes"] == 9800


def test_drops_count_once_per_poll_that_brought_too_many() -> None:
    one = snapshot(limit=2)
    workers = reading(*((m.WORKER_HEARTBEAT, 10.0 + n, (f"worker{n}",)) for n in range(5)))
    dropped = m.WORKER_HEARTBEAT.name

    one.replace(e.WORKERS, workers)
    assert counted(one, own.SERIES_DROPPED)[dropped] == 3
    one.replace(e.EDGE_WORKER, reading((m.WORKER_HEARTBEAT, 99.0, ("edge",))))
    assert counted(one, own.SERIES_DROPPED)[dropped] == 3
    one.replace(e.EDGE_WORKER, None)
    assert counted(one, own.SERIES_DROPPED)[dropped] == 3
    one.replace(e.WORKERS, workers)
    assert counted(one, own.SERIES_DROPPED)[dropped] == 6


def test_the_drops_of_a_poll_are_counted_in_series_of_that_poll() -> None:
    one = snapshot(limit=1)
    one.replace(e.WORKERS, reading((m.WORKER_HEARTBEAT, 10.0, ("worker",))))
    one.replace(e.EDGE_WORKER, reading((m.WORKER_HEARTBEAT, 5.0, ("edge",))))

    assert values(one, m.WORKER_HEARTBEAT) == {("worker",): 10}
    assert counted(one, own.SERIES_DROPPED)[m.WORKER_HEARTBEAT.name] == 1


def test_before_anything_was_dropped_the_counters_stand_at_zero() -> None:
    assert set(counted(snapshot(), own.SERIES_DROPPED).values()) == {0}


# resets


def test_a_counter_that_falls_is_a_reset_and_is_passed_on() -> None:
    one = snapshot()
    for total in (10, 20, 3, 4):
        one.replace(e.EVENTS, plain(m.EVENTS_EMITTED, total, P))

    assert value(one, m.EVENTS_EMITTED) == 4
    assert counted(one, own.RESETS_OBSERVED)["ops_events_emitted_total"] == 1


def test_two_processes_that_take_turns_are_a_reset_at_every_second_poll() -> None:
    one = snapshot()
    for n in range(10):
        one.replace(e.EVENTS, plain(m.EVENTS_EMITTED, 1000 + n if n % 2 else n, P))

    assert counted(one, own.RESETS_OBSERVED)["ops_events_emitted_total"] == 4


def test_a_reset_is_noticed_across_failed_polls() -> None:
    one = snapshot()
    one.replace(e.EVENTS, plain(m.EVENTS_EMITTED, 10, P))
    one.replace(e.EVENTS, None)
    one.replace(e.EVENTS, plain(m.EVENTS_EMITTED, 3, P))

    assert counted(one, own.RESETS_OBSERVED)["ops_events_emitted_total"] == 1


def test_one_of_many_series_that_falls_is_one_reset() -> None:
    one = snapshot()
    for first, second in ((5, 5), (6, 1), (7, 0)):
        told = reading((m.EVENTS, first, ("a",)), (m.EVENTS, second, ("b",)), dialect=P)
        one.replace(e.EVENTS, told)

    assert counted(one, own.RESETS_OBSERVED)["ops_events_total"] == 2


def test_a_fallback_that_counts_something_of_its_own_is_no_reset() -> None:
    """The recordings show 75 hits of the cache beside 0 of performance."""
    one = snapshot()
    for hits, instead in ((75, 0), (80, 1), (85, 2)):
        one.replace(e.CACHE, plain(m.CACHE_HITS, hits, P))
        one.replace(e.CACHE, None)
        one.replace(e.PERFORMANCE, plain(m.CACHE_HITS, instead, P))

    assert counted(one, own.RESETS_OBSERVED) == {"ops_cache_hits_total": 0}


def test_a_series_that_was_away_and_comes_back_lower_is_a_reset() -> None:
    one = snapshot()
    for totals in ({"a": 10, "b": 5}, {"a": 12}, {"a": 12, "b": 2}):
        told = reading(*((m.TASKS, total, (task,)) for task, total in totals.items()), dialect=P)
        one.replace(e.WORKERS, told)

    assert counted(one, own.RESETS_OBSERVED) == {"ops_tasks_total": 1}


def test_a_restart_is_one_reset_however_late_each_series_comes_back() -> None:
    one = snapshot()
    for totals in ({"a": 10, "b": 5, "c": 7}, {"a": 1}, {"a": 2, "b": 1}, {"a": 3, "b": 2, "c": 1}):
        told = reading(*((m.TASKS, total, (task,)) for task, total in totals.items()), dialect=P)
        one.replace(e.WORKERS, told)

    assert counted(one, own.RESETS_OBSERVED) == {"ops_tasks_total": 1}


def test_a_counter_that_was_seen_and_never_fell_stands_at_zero() -> None:
    one = snapshot()
    one.replace(e.EVENTS, plain(m.EVENTS_EMITTED, 10, P))

    assert counted(one, own.RESETS_OBSERVED) == {"ops_events_emitted_total": 0}


def test_resets_that_only_a_collector_can_see_count_too() -> None:
    one = snapshot()
    one.replace(e.BACKEND_METRICS, reading(dialect=P, resets=[m.API_REQUEST_RATE]))

    assert counted(one, own.RESETS_OBSERVED) == {"ops_api_requests_per_second": 1}


# what did not change


def test_a_family_that_did_not_change_keeps_the_same_list() -> None:
    one = snapshot()
    one.replace(e.CACHE, reading((m.CACHE_HIT_RATIO, 0.5, ()), (m.CACHE_SIZE, 10, ())))
    hit_ratio, size = one.by_metric[m.CACHE_HIT_RATIO], one.by_metric[m.CACHE_SIZE]

    one.replace(e.CACHE, reading((m.CACHE_HIT_RATIO, 0.5, ()), (m.CACHE_SIZE, 11, ())))

    assert one.by_metric[m.CACHE_HIT_RATIO] is hit_ratio
    assert one.by_metric[m.CACHE_SIZE] is not size


def test_a_weight_that_changed_is_not_shown_and_changes_nothing() -> None:
    one = snapshot()
    lists = []
    for weight in (1.0, 2.0):
        told = Reading(dialect=D)
        told.add(m.CACHE_KEY_HITS, 5.0, "key", weight=weight)
        one.replace(e.CACHE, told)
        lists.append(one.by_metric[m.CACHE_KEY_HITS])

    assert lists[0] is lists[1]


def test_every_counter_of_the_catalogue_is_watched() -> None:
    one = snapshot()
    counters = [metric for metric in m.ALL if metric.kind is Kind.COUNTER]
    for total in (2, 1):
        for metric in counters:
            assert metric.owner is not None
            one.replace(metric.owner, plain(metric, total, P))
            one.replace(metric.owner, None)

    assert counted(one, own.RESETS_OBSERVED) == {metric.name: 1 for metric in counters}
