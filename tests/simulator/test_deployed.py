"""The recordings were made on a running instance of the real backend, in eight states."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.simulator import deployed
from exporter.simulator.answer import Rejected
from tests.simulator.served import ROOT, START

if TYPE_CHECKING:
    from exporter.simulator.world import World

RECORDINGS = ROOT / "tests/fixtures/deployed"

# Keys that are names from life, not from the API.
FREE = {"event_types", "method_timings", "interactions_by_type", "stats", "total", "data"}
FREE |= {"active_tasks", "scheduled_tasks", "modules"}

HEALTHY = {
    "health": "health",
    "module": "health_module_search",
    "ml": "health_ml",
    "performance": "performance",
    "recommendations": "recommendation-quality",
    "engagement": "user-engagement",
    "database": "database",
    "pool": "db_pool",
    "events": "events",
    "event_history": "events_history",
    "cache": "cache_stats",
    "workers": "workers_status",
    "models": "model-health",
    "worker_status": "ingestion_worker_status",
    "edge_worker": "ingestion_health_worker",
    "jobs": "ingestion_jobs_history",
    "ingestion": "ingestion_health",
    "root_health": "root_health",
}


def recording(state: str, name: str) -> Any:
    return json.loads((RECORDINGS / state / f"{name}.json").read_text("utf-8"))


def answered(world: World, endpoint: str, **arguments: str) -> Any:
    try:
        return deployed.answers(world, endpoint, arguments)
    except Rejected as rejection:
        return rejection.answer


def keys(value: Any, place: str = "") -> set[str]:
    """Return the places of all fields in *value*; a * stands for each free name."""
    if isinstance(value, list):
        return {key for item in value for key in keys(item, f"{place}[]")}
    if not isinstance(value, dict):
        return set()
    free = place.rsplit(".", 1)[-1] in FREE
    found = set()
    for name, item in value.items():
        path = f"{place}.{'*' if free else name}"
        found |= {path} | keys(item, path)
    return found


def down(world: World, component: str) -> None:
    path = f"components.{component}.status"
    world.faults.add({"kind": "set", "path": path, "value": "down"}, START)
    world.refresh()


@pytest.mark.parametrize("endpoint", HEALTHY)
def test_an_answer_has_exactly_the_fields_of_the_recording(world: World, endpoint: str) -> None:
    state = "healthy" if endpoint == "module" else "events_cache_jobs"
    recorded = recording(state, HEALTHY[endpoint])

    answer = answered(world, endpoint, name="search")

    assert recorded["status"] == answer.status
    # Some of the free names were nobody's then.
    ignored = (
        ".workers.active_tasks.*[]",
        ".workers.stats.*.total.",
        ".metrics.interactions_by_type.*",
        ".events[].data.",
    )
    found = {key for key in keys(answer.body) if not key.startswith(ignored)}
    wanted = {key for key in keys(recorded["body"]) if not key.startswith(ignored)}
    assert wanted == found


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [(endpoint, name) for endpoint, name in HEALTHY.items() if endpoint != "module"],
)
def test_without_redis_the_answer_is_the_recorded_one(
    world: World, endpoint: str, name: str
) -> None:
    down(world, "redis")
    recorded = recording("redis_down", name)

    answer = answered(world, endpoint)

    assert recorded["status"] == answer.status
    assert recorded["body"].get("status") == answer.body.get("status")
    assert ("detail" in recorded["body"]) == ("detail" in answer.body)


def test_the_page_has_the_request_metrics_of_the_recording(world: World) -> None:
    recorded = recording("metrics_endpoint_enabled", "metrics")["body"]
    families = {
        family.name: {tuple(sorted(sample.labels)) for sample in family.samples}
        for family in text_string_to_metric_families(world.traffic.page(world.now))
    }
    expected = {
        family.name: {tuple(sorted(sample.labels)) for sample in family.samples}
        for family in text_string_to_metric_families(recorded)
        if family.name
        in {
            "http_requests",
            "http_request_duration_seconds",
            "http_request_duration_highr_seconds",
            "process_start_time_seconds",
        }
    }

    assert len(expected) == 4
    assert expected == {name: families[name] for name in expected}


def test_the_buckets_of_the_page_are_those_of_the_recording_and_cumulative(world: World) -> None:
    recorded = recording("metrics_endpoint_enabled", "metrics")["body"]

    def edges(page: str) -> list[tuple[str, float]]:
        return [
            (sample.labels["le"], sample.value)
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == "http_request_duration_highr_seconds_bucket"
        ]

    ours = edges(world.traffic.page(world.now))
    counts = [count for _, count in ours]

    assert [edge for edge, _ in edges(recorded)] == [edge for edge, _ in ours]
    assert sorted(counts) == counts
    assert counts[-1] == world.traffic.all.count > 100_000


def test_our_own_requests_are_counted_on_the_page(world: World) -> None:
    world.traffic.record("/api/monitoring/health", "GET", 200, 2.2)

    page = world.traffic.page(world.now)

    line = 'http_requests_total{handler="/api/monitoring/health",method="GET",status="2xx"} 1.0'
    assert line in page.splitlines()


def test_a_lost_cloud_worker_is_missing_and_all_lost_are_none(world: World) -> None:
    world.faults.add({"kind": "worker_lost", "worker": "cloud-1"}, START)
    world.refresh()
    assert answered(world, "workers").body["workers"]["worker_count"] == 1

    world.faults.add({"kind": "worker_lost", "worker": "cloud-2"}, START)
    world.refresh()
    workers, health = answered(world, "workers").body, answered(world, "health").body
    assert recording("celery_absent", "workers_status")["body"]["workers"] == workers["workers"]
    assert health["components"]["celery"]["status"] == "unhealthy"
    assert health["status"] == "degraded"


def test_with_the_database_down_only_the_status_tells(world: World) -> None:
    before = answered(world, "database").body["connection_pool"]
    down(world, "database")

    body = answered(world, "database").body

    assert (body["status"], body["database"]["healthy"]) == ("unhealthy", False)
    assert before == body["connection_pool"]
    assert answered(world, "health").body["status"] == "unhealthy"
    assert answered(world, "ingestion").status == 503


def test_modules_are_null_until_one_reports_trouble(world: World) -> None:
    assert answered(world, "health").body["modules"] is None

    world.faults.add({"kind": "set", "path": "modules.graph.status", "value": "down"}, START)
    world.refresh()

    modules = answered(world, "health").body["modules"]
    assert {name: module["status"] for name, module in modules.items()} == {"graph": "unhealthy"}
    assert answered(world, "module", name="graph").body["health"]["status"] == "unhealthy"


def test_any_invented_module_is_healthy(world: World) -> None:
    recorded = recording("healthy", "health_module_no_such_module")["body"]

    body = answered(world, "module", name="no_such_module").body

    assert recorded | {"timestamp": body["timestamp"]} == body


@pytest.mark.parametrize(
    ("silent_s", "state"), [(0, "online"), (301, "degraded"), (601, "offline")]
)
def test_the_edge_worker_fades_with_its_heartbeat(world: World, silent_s: int, state: str) -> None:
    world.faults.add({"kind": "worker_lost", "silent": silent_s}, START)
    world.refresh()

    body = answered(world, "edge_worker").body

    assert state == body["state"]
    assert silent_s == body["seconds_since_last_seen"]
    assert (body["worker_meta"] is None) == (state != "online")


def test_events_are_newest_last_and_jobs_newest_first(world: World) -> None:
    events = [event["timestamp"] for event in answered(world, "event_history").body["events"]]
    jobs = [job["timestamp"] for job in answered(world, "jobs").body["jobs"]]

    assert sorted(events) == events
    assert sorted(jobs, reverse=True) == jobs


def test_limits_of_the_job_log_are_those_of_a_redis_range(world: World) -> None:
    everything = len(answered(world, "jobs", limit="0").body["jobs"])

    assert len(answered(world, "jobs", limit="7").body["jobs"]) == 7
    assert len(answered(world, "jobs", limit="-1").body["jobs"]) == everything - 1


@pytest.mark.parametrize("days", ["0", "91", "400"])
def test_time_windows_outside_1_to_90_days_are_rejected(world: World, days: str) -> None:
    assert answered(world, "engagement", time_window_days=days).status == 422
    assert answered(world, "recommendations", time_window_days=days).status == 422


def test_the_rejection_is_the_recorded_one(world: World) -> None:
    recorded = recording("ingest", "user_engagement_400")["body"]

    assert recorded == answered(world, "engagement", time_window_days="400").body


def test_timestamps_do_not_say_that_they_are_utc(world: World) -> None:
    assert len(answered(world, "cache").body["timestamp"]) == len("2026-11-23T14:50:03.833512")


def test_health_and_workers_take_seconds_and_longer_without_redis(world: World) -> None:
    rng = random.Random(1)  # noqa: S311
    assert 2 <= deployed.duration_s(world, "health", rng) <= 4
    assert 3 <= deployed.duration_s(world, "workers", rng) < 4
    assert deployed.duration_s(world, "cache", rng) == 0

    down(world, "redis")
    assert deployed.duration_s(world, "workers", rng) >= 6
