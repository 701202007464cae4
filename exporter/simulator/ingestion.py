"""
The ingestion part of the API: edge worker, jobs and dependencies.

Both dialects have the same shapes here but for the jobs: the design lists them, the deployed
backend shows the log of their states.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.answer import Answer, Json, Rejected, naive, utc, whole_number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.jobs import Job
    from exporter.simulator.world import World

    Arguments = Mapping[str, str]

REDIS_REFUSED: Final = "Error 111 connecting to redis.internal.example:6379. Connection refused."
_HEARTBEAT_LIMIT_S: Final = 300


def redis_down(world: World) -> bool:
    """Tell whether the broker and cache of the backend is away."""
    return world.states["components.redis.status"] == "down"


def worker_status(world: World, _: Arguments) -> Json:
    """Return what the edge worker said last that it does."""
    if redis_down(world):
        raise Rejected(503, f"Redis unavailable: {REDIS_REFUSED}")
    if not world.online(quantities.EDGE_WORKER):
        return {"status": "Offline"}
    job = world.jobs.running
    return {"status": f"Training Graph on {job.repository}" if job else "Idle"}


def edge_worker(world: World, _: Arguments) -> Json:
    """Return the edge worker's heartbeat."""
    if redis_down(world):
        raise Rejected(500, "Internal server error")
    worker = quantities.EDGE_WORKER
    seen = world.heartbeat(worker)
    silent_s = world.now - seen
    if silent_s <= _HEARTBEAT_LIMIT_S:
        state = "online"
    else:
        state = "degraded" if silent_s <= 2 * _HEARTBEAT_LIMIT_S else "offline"
    # What the worker said of itself expires sooner than the moment at which it did.
    meta: Json = {
        "worker_id": worker,
        "version": "1.0.0",
        "embedding_model": "nomic-ai/nomic-embed-text-v1",
        "queue_drained_count": len(world.jobs.by_id) - world.jobs.pending,
        "last_seen_iso": utc(seen),
    }
    return {
        "state": state,
        "last_seen_unix": seen,
        "seconds_since_last_seen": silent_s,
        "threshold_seconds": _HEARTBEAT_LIMIT_S,
        "worker_meta": meta if state == "online" else None,
    }


def jobs_log(world: World, arguments: Arguments) -> Json:
    """Return the log of job states, the newest first."""
    limit = whole_number(arguments, "limit", 100, low=-1000, high=1000)
    if redis_down(world):
        raise Rejected(503, f"Queue unavailable: {REDIS_REFUSED}")
    # As a Redis range has it: 0 is everything, -1 everything but the last.
    rows = list(reversed(world.jobs.log))[: limit or None]
    return {"jobs": [_job(job, world.now) for job in rows]}


def _job(job: Job, now: float) -> Json:
    duration_s = job.duration_s
    return {
        "repo_url": job.repository,
        "status": job.status,
        "duration_seconds": None if duration_s is None else round(duration_s, 3),
        "files_processed": job.files,
        "embeddings_generated": job.embeddings,
        "timestamp": naive(job.changed_at),
        "error": job.error,
        "reason": "Repository unchanged" if job.status == "skipped" else None,
        "age_seconds": round(now - job.changed_at, 6),
    }


def jobs(world: World, arguments: Arguments) -> list[Json]:
    """Return the jobs, the newest first: the shape of the design."""
    limit = whole_number(arguments, "limit", 100, low=1, high=1000)
    return [_designed_job(job) for job in world.jobs.newest_first()[:limit]]


def _designed_job(job: Job) -> Json:
    shape: Json = {
        "id": job.id,
        "repo_url": job.repository,
        # The design knows no skipped jobs: to its users they are done.
        "status": "completed" if job.status == "skipped" else job.status,
        "started_at": utc(job.started_at or job.created_at),
    }
    if job.completed_at is not None:
        shape["completed_at"] = utc(job.completed_at)
    if job.duration_s is not None:
        shape["duration_seconds"] = round(job.duration_s, 3)
    if job.error is not None:
        shape["error_message"] = job.error
    return shape


def dependencies(world: World, _: Arguments) -> Answer:
    """Return the health of what ingestion needs."""
    services = {
        "redis": f"unhealthy: {REDIS_REFUSED}" if redis_down(world) else "healthy",
        "database": "unhealthy"
        if world.states["components.database.status"] == "down"
        else "healthy",
        "qdrant": "not configured",
    }
    healthy = services["redis"] == services["database"] == "healthy"
    body: Json = {"status": "healthy" if healthy else "unhealthy", "services": services}
    return Answer(body, 200 if healthy else 503)
