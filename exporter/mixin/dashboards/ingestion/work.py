"""What waits and what is done, and the workers that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import INGESTION_HEARTBEATS, INGESTION_QUEUE
from exporter.catalogue.rules.workers import BACKLOG, WORKER_OFFLINE
from exporter.mixin import product_grids
from exporter.mixin.charts import Line, Style, graph, limit_of, lines, marks
from exporter.mixin.leads import Lead, detail, linked, runbook
from exporter.mixin.panels import row, timeline
from exporter.mixin.parts import BLUE, GREEN, RED, Query, explained
from exporter.mixin.promql import anomalous, known, recent, series, state_number, total, worst
from exporter.mixin.readings import HEALTH, WORKERS

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

# The ids of panels that are marked from outside of this module.
TASK_RATE, TASKS_FAILED = 13, 14
# Added to the place of a worker's state: in one panel with that of all workers.
_ONE: Final = 10
_ENDPOINTS: Final = detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)
# A rate over less than the pace at which workers are asked would be nothing but peaks.
_GROWN: Final = f"increase({series(m.TASKS)}[10m])"


def tasks(links: Links) -> RowPanel:
    """Return the row with the queue and the tasks."""
    length = worst(recent(m.QUEUE_LENGTH), "backend")
    speed = worst(recent(m.TASK_RATE), "backend")
    failed = worst(recent(m.TASKS_FAILED), "backend")
    limit = limit_of(BACKLOG.name)
    told = worst(known(m.QUEUE_LENGTH))
    queue = lines(
        INGESTION_QUEUE.id,
        INGESTION_QUEUE.title,
        "Tasks that wait. Dashed: the threshold in force. Points and violet regions: unusual for"
        " this hour. Red regions: an alert fired. It grows without end: too few workers, or one"
        " that hangs.",
        Line(title="Waiting", expr=length, colour=BLUE),
        # Without a queue the line alone would look like one.
        Line(
            title=limit.title,
            expr=f"{limit.expr}\nand on ()\n{told}",
            colour=limit.colour,
            kind=limit.kind,
        ),
        marks(length, f"{anomalous(m.QUEUE_LENGTH)} == 1"),
        unit="short",
        size=(12, 8),
    )
    return row(
        9,
        "Queue and tasks",
        linked(
            explained(queue, "○ The backend tells no queue length: a deployed one never does"),
            runbook(links, BACKLOG),
            _unusual(m.QUEUE_LENGTH),
        ),
        linked(
            explained(
                lines(
                    TASK_RATE,
                    "Tasks processed per second",
                    "How fast tasks are done; of a deployed backend, how many were done between two"
                    " answers. Points and violet regions: unusual for this hour. It falls while the"
                    " queue grows: workers hang; both fall: there is less to do.",
                    Line(title="Processed", expr=speed, colour=GREEN),
                    marks(speed, f"{anomalous(m.TASK_RATE)} == 1"),
                    unit="cps",
                    size=(12, 8),
                ),
                "○ The backend has told of no tasks yet: it takes two answers",
            ),
            _unusual(m.TASK_RATE),
        ),
        linked(
            explained(
                lines(
                    TASKS_FAILED,
                    "Failed tasks",
                    "Failed tasks as the API counts them. Points and violet regions: unusual for"
                    " this hour. A step: what was deployed then; the workers' own log tells why a"
                    " task failed.",
                    Line(title="Failed", expr=failed, colour=RED),
                    marks(failed, f"{anomalous(m.TASKS_FAILED)} == 1"),
                    unit="short",
                    size=(12, 7),
                ),
                "○ The backend tells no failed tasks: a deployed one never does",
            ),
            _unusual(m.TASKS_FAILED),
        ),
        linked(
            explained(
                graph(
                    15,
                    "Tasks by name",
                    "Tasks done per minute, by name, on average of the ten minutes before:"
                    " workers are asked rarely. One that stays away is work that is not done; one"
                    " that takes over leaves no time for the others.",
                    Query(
                        expr=f"{total(worst(_GROWN, 'backend', 'task'), 'task')} / 10",
                        legend="{{task}}",
                    ),
                    unit="cpm",
                    style=Style.BARS,
                    size=(12, 7),
                ),
                "○ The backend does not name its tasks: a designed one never does",
            ),
            _ENDPOINTS,
        ),
    )


def workers(links: Links) -> RowPanel:
    """Return the row with each worker."""
    pool = state_number(m.WORKER_POOL_STATUS, "backend")
    each = state_number(m.WORKER_STATUS, "backend", "worker")
    return row(
        19,
        "Workers",
        linked(
            product_grids.workers(
                INGESTION_HEARTBEATS.id, INGESTION_HEARTBEATS.title, size=(12, 8)
            ),
            runbook(links, WORKER_OFFLINE),
        ),
        linked(
            explained(
                timeline(
                    16,
                    "Workers over time",
                    "Which state held when: of all workers together, and of each. One alone: its"
                    " own fault. All at once: their broker, or the way to it. A gap: the API gave"
                    " no answer.",
                    Query(
                        expr=f'label_replace({pool}, "worker", "all workers", "", "")\n'
                        f"or\n{_ONE} + {each}",
                        legend="{{worker}} · {{backend}}",
                    ),
                    HEALTH | {_ONE + place: read for place, read in WORKERS.items()},
                    size=(12, 8),
                ),
                "○ No worker is known",
            ),
            runbook(links, WORKER_OFFLINE),
        ),
    )


def _unusual(metric: Metric) -> Lead:
    return detail(dashboards.ANOMALIES, metric=metric.name)
