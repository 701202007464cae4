"""Ingestion and its workers, and the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.rules.workers import BACKLOG
from exporter.catalogue.thresholds import (
    HEARTBEAT_AGE_MAX,
    MODEL_ERROR_RATIO_MAX,
    QUEUE_LENGTH_MAX,
)
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Line, limit_of, lines, marks, shares
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import VALUE, detail, linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY, PURPLE, RED, Query
from exporter.mixin.promql import anomalous, known, last, recent, series, state_number, worst
from exporter.mixin.readings import GPU, HEALTH, JOBS, LOADED, SLOWER, WORKERS

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_INGESTION: Final = detail(dashboards.INGESTION)
_JOBS_SHOWN: Final = 20
_JOB: Final = ("backend", "job_id", "repository")
_WORKER: Final = ("backend", "worker")
_MODEL: Final = ("backend", "model")


def ingestion(links: Links) -> RowPanel:
    """Return the row with the queue, jobs and workers."""
    ingest = page(links, actions.INGEST)
    return row(
        60,
        "Ingestion and workers",
        linked(_states(), _INGESTION, ingest),
        linked(_jobs(links), _INGESTION, ingest, page(links, actions.JOBS)),
        linked(_heartbeats(), _INGESTION),
        linked(_queue(), _INGESTION, detail(dashboards.ANOMALIES)),
        linked(_workers(), _INGESTION),
    )


def _states() -> Panel:
    return shares(
        61,
        "Jobs by state",
        "The newest jobs by their state. Many pending: see the queue and the workers; many failed:"
        " their errors are on the page Jobs.",
        Query(expr=worst(f"{last(m.INGESTION_JOBS)} > 0", "status"), legend="{{status}}"),
        size=(6, 9),
        colours={
            "pending": GREY,
            "processing": BLUE,
            "completed": GREEN,
            "failed": RED,
            "skipped": PURPLE,
        },
    )


def _jobs(links: Links) -> Panel:
    newest = f"topk({_JOBS_SHOWN}, {worst(known(m.INGESTION_JOB_STARTED), 'backend', 'job_id')})"
    among = f"and on (backend, job_id)\n{newest}"
    present = "\nor\n".join(_job(place, status) for place, status in enumerate(m.JOB_STATES, 1))
    before = "\nor\n".join(
        f"{place} * {last(m.INGESTION_JOB_INFO, _status(status))}"
        for place, status in enumerate(m.JOB_STATES, 1)
    )
    return grid(
        62,
        "Ingestion jobs",
        f"The {_JOBS_SHOWN} newest jobs. Failed: retry it; processing for far longer than others:"
        " cancel it. Both ask first. While the endpoint fails nothing is offered.",
        Column(title="Repository", label="repository", width=250),
        Column(
            title="State",
            expr=f"(max by ({', '.join((*_JOB, 'retry', 'cancel'))}) ({present})\n"
            f"or on (backend)\n{worst(before, *_JOB)})\n{among}",
            states=JOBS,
            width=115,
        ),
        Column(title="Started", expr=f"1000 * {newest}", unit="dateTimeFromNow", width=135),
        Column(
            title="Took",
            expr=f"{worst(known(m.INGESTION_JOB_DURATION), 'backend', 'job_id')}\n{among}",
            unit="s",
            width=95,
        ),
        Column(
            title="Retry",
            label="retry",
            says="↻ Retry",
            lead=page(links, actions.RETRY_JOB, job_id=VALUE),
            width=85,
        ),
        Column(
            title="Cancel",
            label="cancel",
            says="✖ Cancel",
            lead=page(links, actions.CANCEL_JOB, job_id=VALUE),
            width=85,
        ),
        Column(title="Job", label="job_id"),
        Column(title="Backend", label="backend", width=80),
        w=18,
        h=9,
        sort=("Started",),
        nothing="○ No jobs yet: ingest a repository",
    )


def _status(status: str) -> str:
    return f'status="{status}"'


def _job(place: int, status: str) -> str:
    """Number the jobs in a state; a label offers what can be done about them."""
    jobs = f"{place} * {series(m.INGESTION_JOB_INFO, _status(status))}"
    action = {"failed": "retry", "pending": "cancel", "processing": "cancel"}.get(status)
    return f'label_replace({jobs}, "{action}", "$1", "job_id", "(.*)")' if action else jobs


def _heartbeats() -> Panel:
    return grid(
        63,
        "Worker heartbeat",
        "Each worker, cloud or edge, and when it was last heard of; coloured from"
        f" {HEARTBEAT_AGE_MAX.text} on. Offline: see OpsWorkerOffline in the runbook.",
        Column(title="Worker", label="worker"),
        Column(
            title="State",
            expr=state_number(m.WORKER_STATUS, *_WORKER, "kind", select=known),
            states=WORKERS,
            width=105,
        ),
        Column(
            title="Heard of",
            expr=f"time() - {worst(known(m.WORKER_HEARTBEAT), *_WORKER)}",
            unit="s",
            decimals=0,
            limit=HEARTBEAT_AGE_MAX,
            width=90,
        ),
        Column(title="GPU", expr=worst(known(m.WORKER_GPU), *_WORKER), states=GPU, width=75),
        Column(title="Kind", label="kind", width=70),
        Column(title="Backend", label="backend", width=80),
        w=9,
        h=8,
        sort=("State", "Heard of"),
        nothing="○ No worker is known",
    )


def _queue() -> Panel:
    length = worst(recent(m.QUEUE_LENGTH), "backend")
    return lines(
        64,
        "Queue length",
        "Tasks that wait. Dashed: the threshold in force. Points: unusual for this hour. It grows"
        " without end: too few workers, or one that hangs. Empty for a deployed backend.",
        Line(title="Tasks", expr=length, colour=BLUE),
        limit_of(BACKLOG.name),
        marks(length, f"{anomalous(m.QUEUE_LENGTH)} == 1"),
        unit="short",
        size=(8, 8),
        calm=True,
    )


def _workers() -> Panel:
    return cards(
        65,
        "Workers",
        "Health of the worker pool as the API tells it, active workers, tasks that wait, are"
        f" processed per second, and failed. Backlog: over {QUEUE_LENGTH_MAX.text} tasks.",
        Item(
            title="health",
            expr=f"max({state_number(m.WORKER_POOL_STATUS, 'backend', select=last)})",
            states=HEALTH,
        ),
        Item(title="active", expr=_sum(m.WORKERS)),
        Item(title="waiting", expr=_sum(m.QUEUE_LENGTH), limit=QUEUE_LENGTH_MAX.value),
        Item(title="processed", expr=_sum(m.TASK_RATE), unit="cps", decimals=1),
        Item(title="failed", expr=_sum(m.TASKS_FAILED)),
        size=(7, 8),
    )


def _sum(metric: Metric) -> str:
    return f"sum({worst(last(metric), 'backend')})"


def models() -> RowPanel:
    """Return the row with the models."""
    duration = series(m.MODEL_INFERENCE_DURATION)
    trend = f"""\
{worst(f"avg_over_time({duration}[10m])", *_MODEL)}
/
{worst(f"avg_over_time({duration}[1h])", *_MODEL)}
- 1"""
    panel = grid(
        71,
        "ML models",
        "Each model: whether it is loaded, how long an inference takes, its last ten minutes"
        " against the last hour (trend), its memory, the share of inferences that fail (coloured"
        f" from {MODEL_ERROR_RATIO_MAX.text} on), and when it was last asked.",
        Column(title="Model", label="model"),
        Column(title="State", expr=worst(known(m.MODEL_LOADED), *_MODEL), states=LOADED),
        Column(title="Inference", expr=worst(known(m.MODEL_INFERENCE_DURATION), *_MODEL), unit="s"),
        Column(title="Trend", expr=trend, ranges=SLOWER, unit="percentunit"),
        Column(title="Memory", expr=worst(known(m.MODEL_MEMORY), *_MODEL), unit="decbytes"),
        Column(
            title="Failed",
            expr=worst(known(m.MODEL_ERROR_RATIO), *_MODEL),
            unit="percentunit",
            decimals=2,
            limit=MODEL_ERROR_RATIO_MAX,
        ),
        Column(
            title="Last inference",
            expr=f"1000 * {worst(known(m.MODEL_LAST_INFERENCE), *_MODEL)}",
            unit="dateTimeFromNow",
        ),
        Column(title="Backend", label="backend", width=110),
        h=6,
        sort=("Memory",),
        nothing="○ The backend tells of no models; see the endpoint models on Exporter",
    )
    return row(70, "ML models", linked(panel, detail(dashboards.MODELS)))
