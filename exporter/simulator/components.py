"""The health part of the deployed dialect: the system, its components, its modules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.answer import Json, naive
from exporter.simulator.ingestion import REDIS_REFUSED, redis_down

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.world import World

    Arguments = Mapping[str, str]

# "down" never occurs in this dialect.
STATUSES: Final = {"healthy": "healthy", "degraded": "degraded", "down": "unhealthy"}


def wrapped(world: World, payload: Json, status: str = "ok") -> Json:
    """Put *payload* into the envelope that every monitoring answer has."""
    return {"status": status, "timestamp": naive(world.now), **payload}


def overall(world: World, _: Arguments) -> Json:
    """Return the status of the system, its components and its modules."""
    components, troubles = _components(world), []
    if redis_down(world):
        troubles.append("Redis unavailable")
    if not components["celery"]["worker_count"]:
        troubles.append("Celery workers unavailable")
    modules = _registered_modules(world)
    if ill := [name for name, module in modules.items() if module["status"] == "unhealthy"]:
        troubles.append(f"modules unhealthy: {', '.join(ill)}")
    if not troubles:
        troubles.append("workers or modules degraded")
    status = STATUSES[world.states["system_status"]]
    message = {
        "healthy": "All systems operational",
        "degraded": f"System operational with degraded functionality: {'; '.join(troubles)}",
        "unhealthy": "Critical components unavailable",
    }[status]
    payload: Json = {"components": components, "modules": modules or None, "error": None}
    return {**wrapped(world, {"message": message}, status), **payload}


def _components(world: World) -> dict[str, Json]:
    count = sum(world.online(worker) for worker in quantities.CLOUD_WORKERS)
    broker_down = redis_down(world)
    database = STATUSES[world.states["components.database.status"]]
    celery_message = f"{count} worker(s) active" if count else "No workers available"
    if broker_down:
        count, celery_message = 0, f"Cannot connect to workers: {REDIS_REFUSED}"
    return {
        "database": {
            "status": database,
            "message": "Connected" if database == "healthy" else "Connection failed",
        },
        "redis": {
            "status": STATUSES[world.states["components.redis.status"]],
            "message": "Connection failed" if broker_down else "Connected",
        },
        "celery": {
            "status": "healthy" if count else "unhealthy",
            "message": celery_message,
            "worker_count": count,
        },
        "ncf_model": {
            "status": "not_applicable",
            "message": "NCF model removed (single-tenant optimization)",
        },
        "api": {"status": "healthy", "message": "API responding"},
    }


def _registered_modules(world: World) -> dict[str, Json]:
    """Return the modules that a fault speaks of: by themselves none registers a health check."""
    return {
        module: {"status": STATUSES[status], "message": "Reported by its health check"}
        for module in quantities.MODULES
        if (status := world.states[f"modules.{module}.status"]) != "healthy"
    }


def one_module(world: World, arguments: Arguments) -> Json:
    """Return the status of any module, also of those that do not exist."""
    name = arguments["name"]
    unknown = {
        "status": "healthy",
        "message": "Module operational (no health check registered)",
    }
    health = _registered_modules(world).get(name, unknown)
    return wrapped(world, {"module": name, "health": health})


def machine_learning(world: World, _: Arguments) -> Json:
    """Return that there is nothing to return."""
    message = "ML classification module removed (single-tenant optimization)"
    payload: Json = {"message": message, "http_status": 200}
    return wrapped(world, payload, "not_applicable")
