"""The dashboard *Ingestion and workers*: what waits, who works, and what became of the jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import actions, dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import INGESTION, INGESTION_QUEUE, INGESTION_WORKERS
from exporter.catalogue.rules.workers import (
    BACKLOG,
    INGESTION_JOB_STUCK,
    INGESTION_JOBS_FAILING,
    WORKERS_DEGRADED,
    WORKERS_DOWN,
)
from exporter.catalogue.thresholds import QUEUE_LENGTH_MAX
from exporter.mixin import answers, frame
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.ingestion import jobs, work
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.panels import list_of_leads, text
from exporter.mixin.parts import Query
from exporter.mixin.promql import anomalous, last, state_number, worst
from exporter.mixin.readings import HEALTH
from exporter.mixin.stats import Rising, single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel

    from exporter.catalogue.model import Metric
    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        INGESTION,
        links,
        [*_now(links), work.tasks(links), work.workers(links), jobs.section(links)],
        layers=[
            frame.fired("Alerts: queue", BACKLOG),
            frame.fired("Alerts: failed jobs", INGESTION_JOBS_FAILING, on=[jobs.OVER_TIME]),
            frame.fired("Alerts: stuck jobs", INGESTION_JOB_STUCK, on=[jobs.DURATION]),
            _layer("Unusual queue length", m.QUEUE_LENGTH, INGESTION_QUEUE.id),
            _layer("Unusual task rate", m.TASK_RATE, work.TASK_RATE),
            _layer("Unusually many failed tasks", m.TASKS_FAILED, work.TASKS_FAILED),
        ],
        variables=[frame.choice("job_status", "Job status", m.JOB_STATES)],
    )


def _layer(name: str, metric: Metric, panel_id: int) -> AnnotationQuery:
    return frame.layer(name, anomalous(metric, by=("backend", "metric", "kind")), panel_id)


def _now(links: Links) -> list[Panel]:
    return [
        linked(
            single(
                INGESTION_WORKERS.id,
                INGESTION_WORKERS.title,
                "Health of all workers together, as the API tells it; of several backends the"
                " worst. Down: tasks wait and nothing is ingested; see whether the workers run and"
                " reach their broker.",
                Query(
                    expr=f"max({state_number(m.WORKER_POOL_STATUS, 'backend', select=last)})",
                ),
                states=HEALTH,
                size=(5, 5),
            ),
            runbook(links, WORKERS_DOWN),
            runbook(links, WORKERS_DEGRADED),
        ),
        linked(
            cards(
                1,
                "Waiting and failed",
                "Tasks that wait in the queue, and failed ones as the API counts them; their"
                f" change within the shown range. Backlog: over {QUEUE_LENGTH_MAX.text} tasks.",
                Item(
                    title="tasks waiting",
                    expr=_sum(m.QUEUE_LENGTH),
                    limit=QUEUE_LENGTH_MAX.value,
                ),
                Item(title="tasks failed", expr=_sum(m.TASKS_FAILED)),
                size=(5, 5),
                rising=Rising.BAD,
                nothing="○ A deployed backend tells neither",
            ),
            runbook(links, BACKLOG),
            detail(dashboards.ANOMALIES, metric=m.QUEUE_LENGTH.name),
        ),
        linked(
            cards(
                2,
                "At work",
                "Active workers and the tasks that they process per second; their change within"
                " the shown range. Fewer workers than before: one has ended or does not answer.",
                Item(title="active workers", expr=_sum(m.WORKERS), decimals=0),
                Item(title="tasks processed", expr=_sum(m.TASK_RATE), unit="cps", decimals=1),
                size=(5, 5),
                rising=Rising.GOOD,
                nothing="○ The backend tells nothing of its workers",
            ),
            runbook(links, WORKERS_DOWN),
        ),
        answers.banner(3, endpoints.WORKERS, endpoints.EDGE_WORKER, endpoints.JOBS, size=(5, 5)),
        text(
            4,
            "Actions",
            "Each opens a page that asks before it acts; only then something changes.",
            list_of_leads(
                *(page(links, r) for r in (actions.INGEST, actions.JOBS, actions.REFRESH))
            ),
            (4, 5),
        ),
    ]


def _sum(metric: Metric) -> str:
    return f"sum({worst(last(metric), 'backend')})"
