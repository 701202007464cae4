"""What users do, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.mixin.charts import graph
from exporter.mixin.leads import Lead, detail, linked
from exporter.mixin.overlays import with_anomalies
from exporter.mixin.panels import row
from exporter.mixin.parts import Query, defaults, explained
from exporter.mixin.promql import recent, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric

_EVENTS: Final = detail(dashboards.EVENTS)
# What each number says that the others do not.
COUNTED: Final = (
    (m.ACTIVE_USERS, "Active users", "People who did anything at all."),
    (m.RESOURCES_CREATED, "Resources created", "What people and ingestion add to the product."),
    (m.RESOURCES_UPDATED, "Resources updated", "Work on what is there already."),
    (
        m.SEARCHES,
        "Searches",
        "What people look for; none although they are active: see the search.",
    ),
    (m.ANNOTATIONS_CREATED, "Annotations created", "How closely people read."),
    (m.COLLECTIONS_CREATED, "Collections created", "How people put things in order."),
)
_WINDOW: Final = (
    " Counted over the window in the legend; since_start (a deployed backend): a line that climbs"
    " from each start on, of which only the steepness tells. A fall at an hour when there is none:"
    " look at the alerts, then at the calendar."
)


def unusual(metric: Metric) -> Lead:
    """Lead to what was expected of *metric*."""
    return detail(dashboards.ANOMALIES, metric=metric.name)


def section() -> RowPanel:
    """Return the row with a graph for each number."""
    return row(
        9,
        "What users do, over time",
        *(
            _counted(place, metric, title, says)
            for place, (metric, title, says) in enumerate(COUNTED, 10)
        ),
    )


def _counted(panel_id: int, metric: Metric, title: str, says: str) -> Panel:
    expr = worst(recent(metric), "backend", "window")
    panel = graph(
        panel_id,
        title,
        says + _WINDOW,
        Query(expr=expr, legend="{{window}} · {{backend}}"),
        unit="locale",  # thousands told apart: short would write the same on each line
        size=(8, 7),
        calm=True,
    )
    if metric is m.ACTIVE_USERS:
        with_anomalies(panel, expr, metric, "window")
        return linked(panel, unusual(metric))
    panel = explained(panel, f"○ The backend does not tell of {title.lower()}")
    return linked(close(panel), _EVENTS)


def close(panel: Panel) -> Panel:
    """Let the axis begin where the values do: small changes of large numbers matter here."""
    defaults(panel).min_val = None
    return panel
