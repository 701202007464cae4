"""Ingestion and its workers, and the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.rules.workers import BACKLOG
from exporter.catalogue.thresholds import QUEUE_LENGTH_MAX
from exporter.mixin import product_grids
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Line, limit_of, lines, marks, shares
from exporter.mixin.leads import detail, label, linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY, PURPLE, RED, Query
from exporter.mixin.promql import anomalous, last, recent, state_number, worst
from exporter.mixin.readings import HEALTH

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_INGESTION: Final = detail(dashboards.INGESTION)
# The id of a graph that is marked from outside of this module.
QUEUE: Final = 64
_JOBS_SHOWN: Final = 20


def ingestion(links: Links) -> RowPanel:
    """Return the row with the queue, jobs and workers."""
    ingest = page(links, actions.INGEST)
    return row(
        60,
        "Ingestion and workers",
        linked(_states(), _INGESTION, ingest),
        linked(_jobs(links), _INGESTION, ingest, page(links, actions.JOBS)),
        linked(product_grids.workers(63, "Worker heartbeat", (9, 8), gpu=False), _INGESTION),
        linked(_queue(), _INGESTION, detail(dashboards.ANOMALIES)),
        linked(_workers(), _INGESTION),
    )


def _states() -> Panel:
    return shares(
        61,
        "Jobs by state",
        "The newest jobs by their state. A click at a part opens those jobs. Many pending: see the"
        " queue and the workers; many failed: their errors are on the page Jobs.",
        Query(expr=worst(f"{last(m.INGESTION_JOBS)} > 0", "status"), legend="{{status}}"),
        size=(6, 9),
        colours={
            "pending": GREY,
            "processing": BLUE,
            "completed": GREEN,
            "failed": RED,
            "skipped": PURPLE,
        },
        lead=detail(dashboards.INGESTION, job_status=label("status")),
    )


def _jobs(links: Links) -> Panel:
    return product_grids.jobs(
        62,
        "Ingestion jobs",
        f"The {_JOBS_SHOWN} newest jobs. Failed: retry it; processing for far longer than others:"
        " cancel it. Both ask first. While the endpoint fails nothing is offered.",
        links,
        newest=_JOBS_SHOWN,
        size=(18, 9),
    )


def _queue() -> Panel:
    length = worst(recent(m.QUEUE_LENGTH), "backend")
    return lines(
        QUEUE,
        "Queue length",
        "Tasks that wait. Dashed: the threshold in force. Points: unusual for this hour. Red"
        " regions: an alert fired. It grows"
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
    panel = product_grids.models(71, "ML models", (24, 6))
    return row(70, "ML models", linked(panel, detail(dashboards.MODELS)))
