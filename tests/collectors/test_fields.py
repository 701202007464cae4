"""Every field of both dialects: what it becomes, and what a bad one costs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics
from exporter.catalogue.model import Dialect
from tests.collectors import deployed, designed
from tests.collectors.reading import read, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.model import Endpoint

ANSWERS = [
    *((Dialect.DESIGNED, endpoint, payload) for endpoint, payload in designed.DESIGNED.items()),
    *((Dialect.DEPLOYED, endpoint, payload) for endpoint, payload in deployed.DEPLOYED.items()),
]
SAMPLES = {Dialect.DESIGNED: designed.SAMPLES, Dialect.DEPLOYED: deployed.SAMPLES}
each_answer = pytest.mark.parametrize(
    ("dialect", "endpoint", "payload"), ANSWERS, ids=[f"{d}-{x.name}" for d, x, _ in ANSWERS]
)


@each_answer
def test_a_whole_answer_is_recognised_and_every_field_of_it_read_or_ignored_knowingly(
    dialect: Dialect, endpoint: Endpoint, payload: Any
) -> None:
    reading = read(endpoint, payload)

    one_shape = endpoint in {e.EDGE_WORKER, e.INGESTION}
    assert reading.dialect is (None if one_shape else dialect)
    assert shown(reading) == pytest.approx(SAMPLES[dialect][endpoint])
    assert reading.missing == []
    assert reading.unknown == []


@pytest.mark.parametrize("dialect", list(Dialect))
def test_the_answers_here_bring_every_metric_of_their_dialect(dialect: Dialect) -> None:
    """Of the two dialects together nothing that the catalogue has is without a source."""
    brought = {
        sample.metric
        for spoken, endpoint, payload in ANSWERS
        if spoken is dialect
        for sample in read(endpoint, payload).samples
    }
    # From what grew between two answers, or from the backend's own page: tests of their own.
    derived = {
        metrics.API_RESPONSE_TIME,
        metrics.API_REQUEST_RATE,
        metrics.API_ERROR_RATIO,
        metrics.UPTIME,
        metrics.TASK_RATE,
    }
    other = Dialect.DEPLOYED if dialect is Dialect.DESIGNED else Dialect.DESIGNED
    expected = {m for m in metrics.ALL if m.dialect is not other}
    if dialect is Dialect.DEPLOYED:
        expected -= derived
        absent = {m.name for m in expected - brought}
        assert absent == {
            # the deployed backend has the feature switched off, or does not tell it
            "ops_recommendation_accuracy_ratio",
            "ops_recommendation_click_through_ratio",
            "ops_recommendation_f1_ratio",
            "ops_recommendation_precision_ratio",
            "ops_recommendation_rating",
            "ops_recommendation_recall_ratio",
            "ops_model_error_ratio",
            "ops_model_inference_duration_seconds",
            "ops_model_last_inference_timestamp_seconds",
            "ops_model_memory_bytes",
            "ops_engagement_resources_updated",
            "ops_engagement_annotations_created",
            "ops_engagement_collections_created",
        }
    else:
        assert {m.name for m in expected - brought} == set()


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each field that is no object or list."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in items:
            yield from leaves(inner, (*path, key))
    else:
        yield path


def with_value(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(payload)
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


FIELDS = [
    (endpoint, payload, path)
    for _, endpoint, payload in ANSWERS
    for path in leaves(payload)
    # The envelope is judged before, and a wrong one is none of the collectors' business.
    if path not in {("timestamp",), ("error",), ("message",), ("warnings",)}
]
# Where a bad field takes more along than its own series, or leaves another value: with the reason.
MORE = {
    (e.JOBS, (0, "status")): "the job is not counted under any status",
    (e.JOBS, (1, "status")): "the job is not counted under any status",
    (e.JOBS, ("jobs", 0, "status")): "the job is not counted under any status",
    (e.JOBS, ("jobs", 0, "repo_url")): "the row cannot be told to be of that job",
    (e.JOBS, (0, "id")): "the repository stands in for it, as where the API tells none",
    (e.JOBS, (1, "id")): "the repository stands in for it, as where the API tells none",
    (e.ENGAGEMENT, ("time_range",)): "the window that was asked for stands in for it",
    (e.EVENT_HISTORY, (0, "type")): "an older event is the newest known one of its type",
    (e.EVENT_HISTORY, (0, "timestamp")): "an older event is the newest known one of its type",
    (e.CACHE, ("top_keys", 0, "key")): "it cannot be told which pattern it belongs to",
    (e.CACHE, ("top_keys", 1, "key")): "it cannot be told which pattern it belongs to",
    (
        e.EDGE_WORKER,
        ("worker_meta", "worker_id"),
    ): "it is named after its kind, as while it is late",
}


@pytest.mark.parametrize("wrong", [{"a": [1]}, [], {}], ids=["object", "list", "empty"])
@pytest.mark.parametrize(
    ("endpoint", "payload", "path"),
    FIELDS,
    ids=[f"{n}-{x.name}-{'.'.join(map(str, path))}" for n, (x, _, path) in enumerate(FIELDS)],
)
def test_a_field_of_a_wrong_type_costs_itself_alone(
    endpoint: Endpoint, payload: Any, path: tuple[Any, ...], wrong: Any
) -> None:
    was = shown(read(endpoint, payload))
    after = read(endpoint, with_value(payload, path, wrong))
    now = shown(after)

    names = [str(part) for part in path]
    changed = {name: value for name, value in now.items() if was.get(name) != value}
    assert after.unknown == []
    if after.missing:
        assert len(after.missing) == 1
        assert after.missing[0].rpartition(".")[2] in {names[-1], "*"}
    else:
        assert now == was, "a field that is not missed is one that nobody reads"
    assert bool(changed) == ((endpoint, path) in MORE)


def test_what_a_bad_field_takes_along_is_written_down() -> None:
    """The whole effect of a few, so that the property above cannot pass with empty answers."""

    def lost(endpoint: Endpoint, answers: Any, *path: Any) -> set[str]:
        was = shown(read(endpoint, answers[endpoint]))
        now = shown(read(endpoint, with_value(answers[endpoint], path, [])))
        return {name.partition("{")[0] for name in was if now.get(name) != was[name]}

    new, old = designed.DESIGNED, deployed.DEPLOYED
    assert lost(e.PERFORMANCE, new, "error_rate") == {"ops_api_error_ratio"}
    assert lost(e.PERFORMANCE, new, "api_response_time") == {"ops_api_response_time_seconds"}
    assert lost(e.CACHE, new, "hit_rate") == {"ops_cache_hit_ratio"}
    assert lost(e.CACHE, new, "top_keys", 0, "hits") == {"ops_cache_key_hits"}
    assert lost(e.CACHE, old, "cache_stats", "hits") == {"ops_cache_hits_total"}
    assert lost(e.CACHE, old, "cache_stats", "hit_rate") == {"ops_cache_hit_ratio"}
    assert lost(e.EVENTS, old, "metrics", "events_emitted") == {"ops_events_emitted_total"}
    assert lost(e.WORKERS, new, "workers", 0, "gpu_available") == {"ops_worker_gpu"}
    assert lost(e.WORKERS, old, "workers", "stats", "w1@host", "total", "ingest") == {
        "ops_tasks_total"
    }
    assert lost(e.HEALTH, old, "modules", "mcp", "status") == {"ops_module_status"}
    assert lost(e.JOBS, new, 0, "repo_url") == {"ops_ingestion_job_info"}
    assert lost(e.JOBS, new, 0, "status") == {"ops_ingestion_job_info", "ops_ingestion_jobs"}
    assert lost(e.JOBS, old, "jobs", 1, "status") == {"ops_ingestion_job_started_timestamp_seconds"}
    assert lost(e.ENGAGEMENT, old, "time_window_days") == {"ops_engagement_active_users"}
    assert lost(e.POOL, old, "pool", "checked_in") == {"ops_database_connections"}
