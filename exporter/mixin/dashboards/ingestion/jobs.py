"""The jobs that ingest repositories: each of the newest, and how they went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import INGESTION, INGESTION_JOBS
from exporter.catalogue.rules.workers import INGESTION_JOB_STUCK, INGESTION_JOBS_FAILING
from exporter.mixin import product_grids
from exporter.mixin.charts import Line, Style, graph, lines, shares
from exporter.mixin.leads import detail, label, linked, page, runbook
from exporter.mixin.overlays import coloured
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, Query, explained
from exporter.mixin.promql import last, recent, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

# The ids of graphs that are marked from outside of this module.
OVER_TIME, DURATION = 22, 23
_JOBS_SHOWN: Final = 50
# Of a graph that looks through all jobs at each of them.
_POINTS: Final = 200
_NO_JOBS: Final = "○ No jobs yet: ingest a repository"
_COLOURS: Final = {
    "pending": GREY,
    "processing": BLUE,
    "completed": GREEN,
    "failed": RED,
    "skipped": PURPLE,
}


def section(links: Links) -> RowPanel:
    """Return the row with the jobs and their course."""
    ingest, all_jobs = page(links, actions.INGEST), page(links, actions.JOBS)
    unfinished = worst(recent(m.INGESTION_JOBS, 'status!="completed"'), "status")
    return row(
        29,
        "Ingestion jobs",
        linked(
            product_grids.jobs(
                INGESTION_JOBS.id,
                INGESTION_JOBS.title,
                f"The {_JOBS_SHOWN} newest jobs that the exporter tells of, newest first. Failed:"
                " retry it; processing for far longer than others: cancel it. Both ask first."
                " While the endpoint fails nothing is offered. Job status above, or a click at a"
                " part of Jobs by state, leaves the others out.",
                links,
                'status=~"$job_status"',
                newest=_JOBS_SHOWN,
                size=(24, 12),
                nothing="○ No job is in a state that is chosen above, or there is none yet",
            ),
            ingest,
            all_jobs,
            runbook(links, INGESTION_JOBS_FAILING),
            runbook(links, INGESTION_JOB_STUCK),
        ),
        linked(
            explained(
                shares(
                    21,
                    "Jobs by state",
                    "The last 100 jobs by their state. A click at a part leaves the others out of"
                    " the table above. Many pending: see the queue and the workers; many failed:"
                    " their errors are on the page Jobs.",
                    Query(
                        expr=worst(f"{last(m.INGESTION_JOBS)} > 0", "status"), legend="{{status}}"
                    ),
                    size=(6, 8),
                    colours=_COLOURS,
                    lead=detail(INGESTION, job_status=label("status")),
                ),
                _NO_JOBS,
            ),
            all_jobs,
        ),
        linked(
            explained(
                coloured(
                    graph(
                        OVER_TIME,
                        "Jobs by state over time",
                        "Of the last 100 jobs those that are not completed: completed ones are the"
                        " rest, and would hide the others. Pending for long: no worker takes them."
                        " Red regions: an alert fired. Failed goes down again when newer jobs take"
                        " their place.",
                        Query(expr=unfinished, legend="{{status}}"),
                        unit="short",
                        size=(9, 8),
                    ),
                    **{name: hue for name, hue in _COLOURS.items() if name != "completed"},
                ),
                _NO_JOBS,
            ),
            all_jobs,
            runbook(links, INGESTION_JOBS_FAILING),
        ),
        linked(
            _durations(),
            all_jobs,
            runbook(links, INGESTION_JOB_STUCK),
        ),
    )


def _durations() -> Panel:
    each = recent(m.INGESTION_JOB_DURATION)
    panel = lines(
        DURATION,
        "Duration of jobs",
        "How long the newest jobs took: half of them less than the median, and the longest one. Ten"
        " times as long is one line higher. Red regions: an alert fired. Both rise: the workers are"
        " short of something.",
        Line(
            title="Median",
            expr=f"quantile by (backend) (0.5, {worst(each, 'backend', 'job_id')})",
            colour=BLUE,
        ),
        Line(title="Longest", expr=worst(each, "backend"), colour=ORANGE),
        unit="s",
        size=(9, 8),
        style=Style.LOG,
    )
    # In a week there are thousands of jobs.
    panel.max_data_points = _POINTS
    return explained(panel, "○ No job has ended yet")
