"""The designed dialect: bare answers, in percent, milliseconds and megabytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.simulator import ingestion, quantities
from exporter.simulator.answer import Answer, Json, Rejected, utc, whole_number
from exporter.simulator.processes import DAY_S, HOUR_S, WEEK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.simulator.world import World

    Arguments = Mapping[str, str]

_RANGES: Final = {"1h": HOUR_S, "6h": 6 * HOUR_S, "24h": DAY_S, "7d": WEEK_S}
_TOP_KEYS: Final = 10
_MEGABYTE: Final = 1e6


def answers(world: World, endpoint: str, arguments: Arguments | None = None) -> Answer:
    """
    Return what *endpoint* answers now.

    Args:
        arguments: Parameters of the query and of the path.

    Raises:
        Rejected: When an argument is not valid; it holds the answer.
    """
    body = _ANSWERS[endpoint](world, arguments or {})
    return body if isinstance(body, Answer) else Answer(body)


def _health(world: World, _: Arguments) -> Json:
    return {
        "status": world.states["system_status"],
        "timestamp": utc(world.now),
        "modules": {module: _module(world, module) for module in quantities.MODULES},
    }


def _one_module(world: World, arguments: Arguments) -> Json:
    module = arguments["name"]
    if module not in quantities.MODULES:
        raise Rejected(404, "Module not found")
    return {"module": module, "timestamp": utc(world.now), **_module(world, module)}


def _module(world: World, module: str) -> Json:
    path = f"modules.{module}"
    return {
        "status": world.states[f"{path}.status"],
        "response_time_ms": round(world.numbers[f"{path}.response_time"], 2),
        "error_count": round(world.numbers[f"{path}.error_count"]),
    }


def _ml(world: World, _: Arguments) -> Json:
    return {"status": "healthy", "timestamp": utc(world.now)}


def _performance(world: World, _: Arguments) -> Json:
    numbers = world.numbers
    return {
        "api_response_time": {name: round(numbers[name], 2) for name in ("p50", "p95", "p99")},
        "request_rate": round(numbers["request_rate"], 3),
        "error_rate": round(numbers["error_rate"], 3),
        "uptime_seconds": int(world.uptime_s),
    }


def _pool(world: World, _: Arguments) -> Json:
    active, idle = world.connections
    return {
        "active": active,
        "idle": idle,
        "max": quantities.POOL_MAX,
        "utilization": round(100 * active / quantities.POOL_MAX, 2),
    }


def _database(world: World, arguments: Arguments) -> Json:
    numbers = world.numbers
    return {
        "connection_pool": _pool(world, arguments),
        "query_performance": {
            "avg_query_time_ms": round(numbers["avg_query_time"], 3),
            "slow_queries": round(numbers["slow_queries"]),
            "slowest_query_ms": round(numbers["slowest_query"], 1),
        },
        "table_stats": {
            table: {
                "row_count": rows,
                "size_mb": round(world.database.size_bytes(table) / _MEGABYTE, 3),
            }
            for table, rows in world.database.rows.items()
        },
    }


def _events(world: World, _: Arguments) -> Json:
    return {
        "events_emitted": world.bus.counts.total(),
        "events_received": world.bus.delivered,
        "event_latency_ms": {
            name: round(world.numbers[f"event_{name}"], 4) for name in ("p50", "p95", "p99")
        },
        "event_types": dict(world.bus.counts),
        "failed_deliveries": world.bus.failed,
    }


def _event_history(world: World, arguments: Arguments) -> list[Json]:
    limit = whole_number(arguments, "limit", 100, low=1, high=1000)
    return [
        {"type": event.name, "timestamp": utc(event.at)}
        for event in reversed(world.bus.latest(limit))
    ]


def _cache(world: World, _: Arguments) -> Json:
    hit_percent = round(world.numbers["cache_hit_rate"], 2)
    keys = sorted(world.cache.keys, key=lambda key: key.hits, reverse=True)
    return {
        "hit_rate": hit_percent,
        "miss_rate": round(100 - hit_percent, 2),
        "size_mb": round(world.numbers["cache_size"], 3),
        "eviction_rate": round(world.numbers["eviction_rate"], 3),
        "top_keys": [
            {
                "key": key.name,
                "hits": key.hits,
                "size_bytes": int(key.warm_bytes * world.cache.warmth),
            }
            for key in keys[:_TOP_KEYS]
        ],
    }


def _workers(world: World, _: Arguments) -> Json:
    numbers = world.numbers
    return {
        "active_workers": round(numbers["active_workers"]),
        "worker_health": world.states["worker_health"],
        "queue_length": round(numbers["queue_length"]),
        "processing_rate": round(numbers["processing_rate"], 3),
        "failed_tasks": round(numbers["failed_tasks"]),
        "workers": [_worker(world, worker) for worker in quantities.WORKERS],
    }


def _worker(world: World, worker: str) -> Json:
    edge = worker == quantities.EDGE_WORKER
    shape: Json = {
        "id": worker,
        "type": "edge" if edge else "cloud",
        "status": world.states[f"workers.{worker}.status"],
        "last_heartbeat": utc(world.heartbeat(worker)),
    }
    return shape | {"gpu_available": True} if edge else shape


def _models(world: World, _: Arguments) -> Json:
    return {"models": {model: _model(world, model) for model in quantities.MODELS}}


def _model(world: World, model: str) -> Json:
    numbers, path = world.numbers, f"models.{model}"
    loaded = bool(numbers[f"{path}.loaded"])
    return {
        "loaded": loaded,
        "inference_time_ms": round(numbers[f"{path}.inference_time"], 2),
        "memory_mb": round(numbers[f"{path}.memory"], 1) if loaded else 0,
        "error_rate": round(numbers[f"{path}.error_rate"], 3),
        "last_inference": utc(world.last_inference[model]),
    }


def _engagement(world: World, arguments: Arguments) -> Json:
    span = arguments.get("time_range", "24h")
    if span not in _RANGES:
        raise Rejected(422, f"time_range: one of {', '.join(_RANGES)}")

    def count(event: str) -> int:
        return world.bus.windows[event].within(world.now, _RANGES[span])

    return {
        "active_users": round(world.numbers["active_users"]),
        "resources_created": count("resource.created"),
        "resources_updated": count("resource.updated"),
        "searches_performed": count("search.executed"),
        "annotations_created": count("annotation.created"),
        "collections_created": count("collection.created"),
        "time_range": span,
    }


def _recommendations(world: World, _: Arguments) -> Json:
    numbers = world.numbers
    return {
        "accuracy": round(numbers["accuracy"], 3),
        "click_through_rate": round(numbers["click_through_rate"], 3),
        "avg_user_rating": round(numbers["avg_user_rating"], 3),
        "model_performance": {name: _recommender(world, name) for name in quantities.RECOMMENDERS},
    }


def _recommender(world: World, name: str) -> Json:
    precision = world.numbers[f"recommenders.{name}.precision"]
    recall = world.numbers[f"recommenders.{name}.recall"]
    both = precision + recall
    return {
        "precision": round(precision, 4),
        "recall": round(recall, 4),
        "f1_score": round(2 * precision * recall / both if both else 0.0, 4),
    }


_ANSWERS: Final[dict[str, Callable[[World, Arguments], object]]] = {
    "health": _health,
    "module": _one_module,
    "ml": _ml,
    "performance": _performance,
    "database": _database,
    "pool": _pool,
    "events": _events,
    "event_history": _event_history,
    "cache": _cache,
    "workers": _workers,
    "models": _models,
    "engagement": _engagement,
    "recommendations": _recommendations,
    "jobs": ingestion.jobs,
    "worker_status": ingestion.worker_status,
    "edge_worker": ingestion.edge_worker,
    "ingestion": ingestion.dependencies,
}
