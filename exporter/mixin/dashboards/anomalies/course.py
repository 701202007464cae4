"""How unusual the chosen series were, over the shown range."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.mixin.charts import Style, graph
from exporter.mixin.dashboards.anomalies.selection import (
    CHOSEN,
    NAMED,
    UNWATCHED,
    active,
    among,
    told,
)
from exporter.mixin.parts import Query, defaults
from exporter.mixin.promql import series

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

# So many of the chosen series are drawn beside each other: those that stand out most.
DRAWN: Final = 10
# To find out at each point which series to draw is what these graphs cost. So many are enough for
# one in a minute of six hours, and for one in half an hour of a week.
_POINTS: Final = 300


def beside_each_other(
    panel_id: int, title: str, why: str, expression: str, unit: str = "short"
) -> Panel:
    """Show how some of the chosen series went, each by its name."""
    query = Query(expr=told(expression), legend=NAMED)
    panel = graph(panel_id, title, why, query, unit=unit, calm=True)
    panel.max_data_points = _POINTS
    settings = defaults(panel)
    settings.min_val = None  # the lower side counts as well
    settings.no_value = UNWATCHED
    return panel


def scores() -> Panel:
    """Show what the detector says of them."""
    return beside_each_other(
        11,
        "Score",
        f"How unusual what is new is, 0 to 1, of the {DRAWN} chosen series that stood out most."
        " From 0.5 on it is an anomaly; 0.6 comes by chance about once in a year.",
        among(DRAWN, series(own.ANOMALY_SCORE, CHOSEN)),
    )


def zscores() -> Panel:
    """Show how many standard deviations away they were."""
    shown = among(DRAWN, series(own.ANOMALY_ZSCORE, CHOSEN))
    return beside_each_other(
        12,
        "z-score",
        f"Distance from the mean of the values before, in standard deviations, of the {DRAWN}"
        " chosen series that stood out most. It is the rule of the design and gives an anomaly its"
        " level: high from 3 on, medium from 2 on. Cut at 20.",
        f"clamp({shown}, -20, 20)",
    )


def kinds() -> Panel:
    """Count the anomalies that there were."""
    panel = graph(
        13,
        "Active anomalies by kind",
        "How many series have an anomaly, by its kind. Several from the same moment on have one"
        " cause: look at what they stand on, and at what changed then.",
        Query(expr=f"count by (kind) ({active('kind')})", legend="{{kind}}"),
        unit="short",
        style=Style.BARS,
        calm=True,
    )
    defaults(panel).no_value = "✔ Nothing that is watched was unusual"
    return panel
