"""The deployed dialect: what the backend in production answers today, its warts included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.simulator import celery, components, ingestion, quantities
from exporter.simulator.answer import Answer, Json, Rejected, naive, whole_number
from exporter.simulator.components import wrapped
from exporter.simulator.ingestion import REDIS_REFUSED, redis_down
from exporter.simulator.processes import DAY_S, WEEK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from exporter.simulator.world import World

    Arguments = Mapping[str, str]

_POOL_MISREAD_AS: Final = 60  # the fixed capacity that /db/pool divides by, wrongly
_TOTAL_USERS: Final = 412
_POSITIVE: Final = 0.71


def answers(world: World, endpoint: str, arguments: Arguments | None = None) -> Answer:
    """
    Return what *endpoint* answers now.

    Args:
        arguments: Parameters of the query and of the path.

    Raises:
        Rejected: When an argument is not valid, or a dependency that the endpoint needs is down;
            it holds the answer.
    """
    body = _ANSWERS[endpoint](world, arguments or {})
    return body if isinstance(body, Answer) else Answer(body)


def duration_s(world: World, endpoint: str, rng: Random) -> float:
    """Return for how long the whole backend stands still to answer *endpoint*."""
    slower = redis_down(world)
    match endpoint:
        case "health":
            return rng.uniform(3.6, 4.0) if slower else rng.uniform(2.0, 2.6)
        case "workers":
            return rng.uniform(6.0, 6.1) if slower else rng.uniform(3.0, 3.2)
        case _:
            return 0.0


def _performance(world: World, _: Arguments) -> Json:
    cache = _cache_counts(world)
    metrics: Json = {
        "cache_hit_rate": cache["hit_rate"],
        "cache_hits": cache["hits"],
        "cache_misses": cache["misses"],
        "slow_query_count": world.methods.slow,
        "method_timings": {
            method: {"average_ms": timing.total_ms / timing.count, "count": timing.count}
            for method, timing in world.methods.timings.items()
        },
    }
    return wrapped(world, {"metrics": metrics, "warnings": None})


def _backend_metrics(world: World, _: Arguments) -> Answer:
    kind = "text/plain; version=0.0.4; charset=utf-8"
    return Answer(world.traffic.page(world.now), headers={"content-type": kind})


def _recommendations(world: World, arguments: Arguments) -> Json:
    message = "Recommendations module removed (single-tenant optimization)"
    payload: Json = {"time_window_days": _days(arguments), "metrics": {}, "message": message}
    return wrapped(world, payload, "not_applicable")


def _engagement(world: World, arguments: Arguments) -> Json:
    days = _days(arguments)
    span_s = min(days * DAY_S, WEEK_S)
    by_type = {
        kind: world.bus.windows[event].within(world.now, span_s)
        for kind, event in {
            "annotation": "annotation.created",
            "collection_add": "collection.created",
            "search": "search.executed",
            "view": "resource.updated",
        }.items()
    }
    total = sum(by_type.values())
    positive = int(_POSITIVE * total)
    metrics: Json = {
        "total_users": _TOTAL_USERS,
        "active_users": round(world.numbers["active_users"]),
        "total_interactions": total,
        "positive_interactions": positive,
        "positive_rate": positive / total if total else 0.0,
        "interactions_by_type": by_type,
        "avg_session_duration_seconds": round(7.5 * world.numbers["active_users"], 1),
    }
    return wrapped(world, {"time_window_days": days, "metrics": metrics})


def _days(arguments: Arguments) -> int:
    return whole_number(arguments, "time_window_days", 7, low=1, high=90)


def _database(world: World, _: Arguments) -> Json:
    healthy = world.states["components.database.status"] == "healthy"
    message = "Database connection healthy" if healthy else "Database connection failed"
    payload: Json = {
        "database": {"type": "postgresql", "healthy": healthy, "health_message": message},
        "connection_pool": _pool_numbers(world),
        "warnings": [],
        "error": None,
    }
    return wrapped(world, payload, "ok" if healthy else "unhealthy")


def _pool(world: World, _: Arguments) -> Json:
    pool = _pool_numbers(world)
    active, _idle = world.connections
    misread = round(100 * active / _POOL_MISREAD_AS, 2)
    more: Json = {"max_connections": _POOL_MISREAD_AS, "utilization_percent": misread}
    return wrapped(world, {"pool": pool | more})


def _pool_numbers(world: World) -> Json:
    active, idle = world.connections
    return {
        "database_type": "postgresql",
        "size": quantities.POOL_SIZE,
        "max_overflow": quantities.POOL_MAX - quantities.POOL_SIZE,
        "checked_in": idle,
        "checked_out": active,
        "overflow": active + idle - quantities.POOL_SIZE,
        "total_capacity": quantities.POOL_MAX,
        "pool_usage_percent": round(100 * active / quantities.POOL_MAX, 2),
        "connections_available": quantities.POOL_MAX - active,
    }


def _events(world: World, _: Arguments) -> Json:
    bus, numbers = world.bus, world.numbers
    emitted = bus.counts.total()
    parts = ("p50", "p95", "p99")
    metrics: Json = {
        "events_emitted": emitted,
        "events_delivered": bus.delivered,
        "handler_errors": bus.failed,
        "total_handler_time_ms": 0.05 * bus.delivered,
        "total_emission_time_ms": 0.09 * emitted,
        "event_types": dict(bus.counts),
        # Percentiles are over the latest events: without any since the start there are none.
        **{
            f"{stage}_latency_{part}": round(share * numbers[f"event_{part}"], 2)
            if emitted
            else 0.0
            for stage, share in (("handler", 0.7), ("emission", 1.0))
            for part in parts
        },
    }
    return wrapped(world, {"metrics": metrics, "error": None})


def _event_history(world: World, arguments: Arguments) -> Json:
    limit = whole_number(arguments, "limit", 100, low=1, high=1000)
    events = [
        {
            "name": event.name,
            "data": event.data,
            "timestamp": f"{naive(event.at)}+00:00",
            "priority": event.priority,
            "correlation_id": event.correlation,
        }
        for event in world.bus.latest(limit)
    ]
    return wrapped(world, {"count": len(events), "events": events})


def _cache(world: World, _: Arguments) -> Json:
    return wrapped(world, {"cache_stats": _cache_counts(world), "error": None})


def _cache_counts(world: World) -> Json:
    cache = world.cache
    total = cache.hits + cache.misses
    ratio = cache.hits / total if total else 0.0
    return {
        "hit_rate": ratio,
        "hit_rate_percent": round(100 * ratio, 2),
        "hits": cache.hits,
        "misses": cache.misses,
        "invalidations": cache.invalidations,
        "total_requests": total,
    }


def _workers(world: World, _: Arguments) -> Json:
    if redis_down(world):
        message = "Could not connect to Celery workers. Ensure Redis and workers are running."
        broken: Json = {"workers": None, "error": REDIS_REFUSED, "message": message}
        return wrapped(world, broken, "error")
    payload: Json = {"workers": celery.inspection(world), "error": None, "message": None}
    return wrapped(world, payload)


def _models(_: World, __: Arguments) -> Json:
    raise Rejected(500, "Internal server error")


def _root_health(_: World, __: Arguments) -> Json:
    return {"status": "healthy", "service": "knowledge-api"}


_ANSWERS: Final[dict[str, Callable[[World, Arguments], Json | Answer]]] = {
    "health": components.overall,
    "module": components.one_module,
    "ml": components.machine_learning,
    "performance": _performance,
    "backend_metrics": _backend_metrics,
    "recommendations": _recommendations,
    "engagement": _engagement,
    "database": _database,
    "pool": _pool,
    "events": _events,
    "event_history": _event_history,
    "cache": _cache,
    "workers": _workers,
    "models": _models,
    "worker_status": ingestion.worker_status,
    "edge_worker": ingestion.edge_worker,
    "jobs": ingestion.jobs_log,
    "ingestion": ingestion.dependencies,
    "root_health": _root_health,
}
