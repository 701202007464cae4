"""Celery workers, their queue, and the edge worker's heartbeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.growth import Growth
from exporter.collectors.labels import worker_name, worker_names
from exporter.collectors.parts import (
    ENVELOPE,
    OPTIONAL,
    Amount,
    Many,
    MaybeAmount,
    MaybeFlag,
    MaybeText,
    Nested,
    Part,
    Row,
    Text,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import health_state, plausible_time, plus, unix_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context

_EDGE = "edge"
_KINDS = ("cloud", _EDGE)


class _Worker(Part):
    id: Text = None
    type: Text = None
    status: Text = None
    last_heartbeat: Text = None
    gpu_available: MaybeFlag = None


class _Designed(Part):
    active_workers: Amount = None
    worker_health: Text = None
    queue_length: Amount = None
    processing_rate: Amount = None
    failed_tasks: Amount = None
    workers: Annotated[Row[_Worker], OPTIONAL] = None


class _Stats(Part):
    """What Celery tells of a worker; only the task counts have a metric."""

    total: Many[Amount] = None
    free: ClassVar[bool] = True

    @property
    def answered(self) -> bool:
        """Whether the worker told of itself, and not another one why it did not."""
        return (self.model_extra or {}).get("error") is None


class _Workers(Part):
    worker_count: Amount = None
    stats: Many[_Stats] = None
    ignored: ClassVar[dict[str, str]] = {
        "total_active_tasks": "no metric asks for it",
        "total_scheduled_tasks": "no metric asks for it",
        "active_tasks": "user data",
        "scheduled_tasks": "user data",
    }


class _Deployed(Part):
    workers: Nested[_Workers] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _EdgeMeta(Part):
    worker_id: MaybeText = None
    free: ClassVar[bool] = True


class _EdgeWorker(Part):
    state: Text = None
    last_seen_unix: MaybeAmount = None
    worker_meta: Annotated[Nested[_EdgeMeta], OPTIONAL] = None
    ignored: ClassVar[dict[str, str]] = {
        "seconds_since_last_seen": "time() - the heartbeat's timestamp",
        "threshold_seconds": "a setting of the backend",
        "timestamp": ENVELOPE["timestamp"],
    }


def read_workers(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/workers/status``.

        ops_workers 3.0
        ops_worker_pool_status{status="healthy"} 1.0
        ops_queue_length 12.0
        ops_worker_status{worker="w1",kind="cloud",status="online"} 1.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/workers/status``
    """
    if isinstance(payload, dict) and isinstance(payload.get("workers"), dict):
        return _deployed(payload, context)
    if isinstance(payload, dict) and payload.keys() & (_Designed.model_fields.keys() - {"workers"}):
        return _designed(payload, context)
    message = "expected workers, or active_workers, worker_health, queue_length, processing_rate"
    raise SchemaError(message)


def _designed(payload: dict[str, Any], context: Context) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    answer = _Designed.model_validate(payload)
    reading.add(m.WORKERS, answer.active_workers)
    reading.add_states(m.WORKER_POOL_STATUS, health_state(answer.worker_health))
    reading.add(m.QUEUE_LENGTH, answer.queue_length)
    reading.add(m.TASK_RATE, answer.processing_rate)
    reading.add(m.TASKS_FAILED, answer.failed_tasks)
    known = [worker.id for worker in answer.workers or [] if worker and worker.id is not None]
    names = worker_names(dict.fromkeys(known), context.memory.setdefault("ambiguous_names", set()))
    for worker in answer.workers or []:
        if worker is None or worker.id is None:
            continue
        name = names[worker.id]
        if worker.type in _KINDS and worker.status in m.WORKER_STATES:
            reading.add_states(m.WORKER_STATUS, worker.status, name, worker.type)
        if worker.type is not None and worker.type not in _KINDS:
            reading.missing.append("workers[*].type")
        if worker.status is not None and worker.status not in m.WORKER_STATES:
            reading.missing.append("workers[*].status")
        heartbeat = unix_time(worker.last_heartbeat)
        if heartbeat is None and worker.last_heartbeat is not None:
            reading.missing.append("workers[*].last_heartbeat")
        reading.add(m.WORKER_HEARTBEAT, heartbeat, name)
        reading.add(m.WORKER_GPU, worker.gpu_available, name)
    audit(answer, payload, reading)
    return reading


def _deployed(payload: dict[str, Any], context: Context) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    answer = _Deployed.model_validate(payload)
    if (workers := answer.workers) is not None:
        reading.add(m.WORKERS, workers.worker_count)
        if workers.worker_count is not None:
            # No worker is `status: ok` there, though nobody works.
            reading.add_states(m.WORKER_POOL_STATUS, "healthy" if workers.worker_count else "down")
        stats = workers.stats or {}
        ambiguous = context.memory.setdefault("ambiguous_names", set())
        for full, name in worker_names(stats, ambiguous).items():
            worker = stats[full]
            # What is listed has answered Celery's inspection just now, unless it says otherwise.
            if worker is not None and worker.answered:
                reading.add_states(m.WORKER_STATUS, "online", name, "cloud")
            elif worker is not None and worker.total is not None:
                reading.missing.append("workers.stats.*")
        if workers.stats is not None:
            _add_tasks(reading, stats, context)
    audit(answer, payload, reading)
    return reading


def _add_tasks(reading: Reading, stats: dict[str, _Stats | None], context: Context) -> None:
    by_task: dict[str, float | None] = {}
    by_worker: dict[str, float] = {}
    for name, worker in stats.items():
        if worker is None or worker.total is None:
            continue
        by_worker[name] = sum(runs or 0.0 for runs in worker.total.values())
        for task, runs in worker.total.items():
            by_task[task] = plus(by_task.get(task, 0.0), runs)
    for task, total in by_task.items():
        reading.add(m.TASKS, total, task, weight=total or 0.0)
    # A worker too busy to answer brings all its past runs with it when it is back: between two
    # answers of different workers nothing is known of the time between.
    same = context.memory.get("workers") == by_worker.keys()
    context.memory["workers"] = set(by_worker)
    growth = Growth.since(context, by_worker)
    if growth and same:
        reading.add(m.TASK_RATE, sum(growth.values()) / growth.elapsed_s)


def read_edge_worker(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/v1/ingestion/health/worker``.

        ops_worker_status{worker="edge-1",kind="edge",status="online"} 1.0
        ops_worker_last_heartbeat_timestamp_seconds{worker="edge-1"} 1795445530.95

    By hand: ``curl -s $OPS_API_URL/api/v1/ingestion/health/worker``
    """
    if not isinstance(payload, dict) or "state" not in payload:
        message = "expected state"
        raise SchemaError(message)
    reading = Reading(dialect=None)
    edge = _EdgeWorker.model_validate(payload)
    meta = edge.worker_meta
    # A late worker is told of without its id; it is still the one last heard of.
    name = meta.worker_id if meta else None
    name = worker_name(name) if name else context.memory.get("worker_id", _EDGE)
    context.memory["worker_id"] = name
    state = edge.state.strip().lower() if edge.state is not None else None
    if state is not None and state not in m.WORKER_STATES:
        reading.missing.append("state")
        state = None
    reading.add_states(m.WORKER_STATUS, state, name, _EDGE)
    reading.add(m.WORKER_HEARTBEAT, plausible_time(edge.last_seen_unix), name)
    audit(edge, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {
    "workers": read_workers,
    "edge_worker": read_edge_worker,
}
