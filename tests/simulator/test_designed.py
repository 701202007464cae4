from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import designed, quantities
from exporter.simulator.answer import Rejected

if TYPE_CHECKING:
    from exporter.simulator.world import World

# The shapes of the design; a type in place of each value, keys with ? may be absent.
HEALTH = {"status": str, "timestamp": str, "modules": {"*": {}}}
MODULE = {"status": str, "response_time_ms": float, "error_count": int}
LATENCY = {"p50": float, "p95": float, "p99": float}
POOL = {"active": int, "idle": int, "max": int, "utilization": float}
JOB = {
    "id": str,
    "repo_url": str,
    "status": str,
    "started_at": str,
    "completed_at?": str,
    "duration_seconds?": float,
    "error_message?": str,
}
SHAPES: dict[str, Any] = {
    "health": HEALTH | {"modules": {"*": MODULE}},
    "module": MODULE | {"module": str, "timestamp": str},
    "ml": {"status": str, "timestamp": str},
    "performance": {
        "api_response_time": LATENCY,
        "request_rate": float,
        "error_rate": float,
        "uptime_seconds": int,
    },
    "database": {
        "connection_pool": POOL,
        "query_performance": {
            "avg_query_time_ms": float,
            "slow_queries": int,
            "slowest_query_ms": float,
        },
        "table_stats": {"*": {"row_count": int, "size_mb": float}},
    },
    "pool": POOL,
    "events": {
        "events_emitted": int,
        "events_received": int,
        "event_latency_ms": LATENCY,
        "event_types": {"*": int},
        "failed_deliveries": int,
    },
    "event_history": [{"type": str, "timestamp": str}],
    "cache": {
        "hit_rate": float,
        "miss_rate": float,
        "size_mb": float,
        "eviction_rate": float,
        "top_keys": [{"key": str, "hits": int, "size_bytes": int}],
    },
    "workers": {
        "active_workers": int,
        "worker_health": str,
        "queue_length": int,
        "processing_rate": float,
        "failed_tasks": int,
        "workers": [
            {
                "id": str,
                "type": str,
                "status": str,
                "last_heartbeat": str,
                "gpu_available?": bool,
            }
        ],
    },
    "models": {
        "models": {
            "*": {
                "loaded": bool,
                "inference_time_ms": float,
                "memory_mb": float,
                "error_rate": float,
                "last_inference": str,
            }
        }
    },
    "engagement": {
        "active_users": int,
        "resources_created": int,
        "resources_updated": int,
        "searches_performed": int,
        "annotations_created": int,
        "collections_created": int,
        "time_range": str,
    },
    "recommendations": {
        "accuracy": float,
        "click_through_rate": float,
        "avg_user_rating": float,
        "model_performance": {"*": {"precision": float, "recall": float, "f1_score": float}},
    },
    "jobs": [JOB],
}


def misfits(shape: Any, value: Any, place: str = "$") -> list[str]:
    """Name the places where *value* has not the *shape*."""
    if isinstance(shape, list):
        return [
            text
            for n, item in enumerate(value)
            for text in misfits(shape[0], item, f"{place}[{n}]")
        ]
    if not isinstance(shape, dict):
        return [] if type(value) is shape else [f"{place}: {value!r}"]
    if "*" in shape:
        return [
            text
            for key, item in value.items()
            for text in misfits(shape["*"], item, f"{place}.{key}")
        ]
    optional = {key.rstrip("?") for key in shape if key.endswith("?")}
    required = set(shape) - {f"{key}?" for key in optional}
    texts = (
        [f"{place}: {sorted(value)}"] if not required <= set(value) <= required | optional else []
    )
    for key, part in shape.items():
        if key.rstrip("?") in value:
            texts += misfits(part, value[key.rstrip("?")], f"{place}.{key}")
    return texts


@pytest.mark.parametrize("endpoint", SHAPES)
def test_an_answer_has_exactly_the_fields_of_the_design(world: World, endpoint: str) -> None:
    body = designed.answers(world, endpoint, {"name": "search"}).body

    assert body
    assert misfits(SHAPES[endpoint], body) == []


def test_all_modules_and_models_are_there(world: World) -> None:
    health: Any = designed.answers(world, "health").body
    models: Any = designed.answers(world, "models").body

    assert set(quantities.MODULES) == set(health["modules"])
    assert len(health["modules"]) == 13
    assert {"embedding", "summarizer", "classifier"} == set(models["models"])


def test_cloud_and_edge_workers_are_there_and_one_has_a_gpu(world: World) -> None:
    body: Any = designed.answers(world, "workers").body

    assert {"cloud", "edge"} == {worker["type"] for worker in body["workers"]}
    assert sum(worker.get("gpu_available", False) for worker in body["workers"]) == 1


def test_timestamps_say_that_they_are_utc(world: World) -> None:
    body: Any = designed.answers(world, "health").body

    assert datetime.fromisoformat(body["timestamp"]).timestamp() == world.now


def test_what_a_user_did_is_counted_over_the_range_asked_for(world: World) -> None:
    hour: Any = designed.answers(world, "engagement", {"time_range": "1h"}).body
    day: Any = designed.answers(world, "engagement", {"time_range": "24h"}).body

    assert 0 < hour["searches_performed"] < day["searches_performed"]
    assert hour["time_range"] == "1h"


def test_a_job_that_has_not_ended_has_no_end(world: World) -> None:
    world.jobs.add("https://github.com/o/r", world.now)

    body: Any = designed.answers(world, "jobs", {"limit": "1"}).body

    assert body[0]["status"] == "pending"
    assert {"id", "repo_url", "status", "started_at"} == set(body[0])


@pytest.mark.parametrize(
    ("endpoint", "arguments", "status"),
    [
        ("module", {"name": "no_such_module"}, 404),
        ("engagement", {"time_range": "1y"}, 422),
        ("event_history", {"limit": "0"}, 422),
        ("jobs", {"limit": "many"}, 422),
    ],
)
def test_bad_arguments_are_rejected(
    world: World, endpoint: str, arguments: dict[str, str], status: int
) -> None:
    with pytest.raises(Rejected) as rejection:
        designed.answers(world, endpoint, arguments)

    assert status == rejection.value.answer.status
