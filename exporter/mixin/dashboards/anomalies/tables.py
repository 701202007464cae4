"""What is unusual now, and what is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules.anomalies import ACTIVE, OUTSIDE
from exporter.catalogue.thresholds import ANOMALY_SAMPLES_MIN
from exporter.catalogue.verdicts import Tone
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.anomalies import selection
from exporter.mixin.dashboards.anomalies.selection import CHOSEN, SAME, UNWATCHED, told
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, field
from exporter.mixin.panels import row
from exporter.mixin.parts import BAD, GOOD, IDLE, WARN
from exporter.mixin.promql import recorded, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric

_LEVELS: Final = {
    1: (f"{Tone.IDLE.sign} low", IDLE),
    2: (f"{Tone.WARN.sign} medium", WARN),
    3: (f"{Tone.BAD.sign} high", BAD),
}
# To learn is nothing bad.
_JUDGED: Final = {1: (f"{Tone.GOOD.sign} judged", GOOD), 0: (f"{Tone.IDLE.sign} learning", IDLE)}


def now() -> Panel:
    """Count what is unusual now."""
    outside, ready = (selection.now(metric) for metric in (own.ANOMALY_OUTSIDE, own.ANOMALY_READY))
    return cards(
        2,
        "Now",
        "Series of the chosen metrics that have an anomaly now, those of which most recent values"
        " lie outside of their band, those that are judged, and those of which too little was seen"
        " yet. An anomaly is told once, when it begins; one that lasts stays outside.",
        Item(title="with anomaly", expr=f"count({selection.active()}) or vector(0)", limit=1),
        Item(
            title="outside",
            expr=f"count({outside} >= {ANOMALY_SAMPLES_MIN}) or vector(0)",
            limit=1,
        ),
        Item(title="judged", expr=f"count({ready} == 1) or vector(0)"),
        Item(
            title="still learning",
            expr=f"count({ready} == 0) or vector(0)",
        ),
        size=(24, 4),
    )


def active() -> Panel:
    """Tell of each anomaly that is active."""
    levels = "\nor\n".join(
        f"{place} * {recorded(ACTIVE, CHOSEN, level)}"
        for place, level in enumerate(('level="low"', 'level="medium"', 'level="high"'), 1)
    )
    by = ("backend", "metric", "where", "kind")
    kinds = selection.active("kind")

    def beside(expression: str) -> str:
        return worst(told(f"{kinds} * {SAME} group_left () ({expression})"), *by)

    return grid(
        3,
        "Active anomalies",
        "What began within the last ten values. Spike and drop: a value too far off; pattern: a"
        " level, a rhythm or a spread that is new, or a value that is stuck. An alert fires once"
        f" {ANOMALY_SAMPLES_MIN.text} of ten are outside, of a pattern at once. A click shows the"
        " metric alone.",
        Column(title="Level", expr=worst(told(f"({levels})"), *by), states=_LEVELS, width=105),
        Column(
            title="Metric",
            label="metric",
            lead=detail(dashboards.ANOMALIES, metric=field("Metric")),
            least=260,
        ),
        Column(title="Labels", label="where"),
        Column(title="Kind", label="kind", width=90),
        Column(
            title="Outside of 10",
            expr=beside(recorded(OUTSIDE, CHOSEN)),
            decimals=0,
            limit=ANOMALY_SAMPLES_MIN,
            width=110,
        ),
        Column(title="Score", expr=beside(selection.now(own.ANOMALY_SCORE)), decimals=2, width=85),
        Column(
            title="z-score", expr=beside(selection.now(own.ANOMALY_ZSCORE)), decimals=1, width=85
        ),
        Column(title="Backend", label="backend", width=85),
        h=6,
        nothing="✔ Nothing that is watched is unusual now",
    )


def readiness() -> RowPanel:
    """Tell of each series whether it is judged, once somebody wants to know."""
    by = ("backend", "metric", "where")

    def of(metric: Metric) -> str:
        return worst(told(selection.now(metric)), *by)

    panel = grid(
        20,
        "Watched series",
        "Every watched series of the chosen metrics: whether enough was seen of it to judge, how"
        " many values that were, and what is said of the last one. Learning takes a few hours;"
        " one that never ends: its values do not come.",
        Column(title="Metric", label="metric", least=260),
        Column(title="Labels", label="where"),
        Column(title="Judged", expr=of(own.ANOMALY_READY), states=_JUDGED),
        Column(title="Values seen", expr=of(own.ANOMALY_SAMPLES), decimals=0),
        Column(title="Outside of 10", expr=of(own.ANOMALY_OUTSIDE), limit=ANOMALY_SAMPLES_MIN),
        Column(title="Score", expr=of(own.ANOMALY_SCORE), decimals=2),
        Column(title="z-score", expr=of(own.ANOMALY_ZSCORE), decimals=1),
        Column(title="Backend", label="backend", width=85),
        h=16,
        sort=("Outside of 10", "Score"),
        nothing=UNWATCHED,
    )
    return row(19, "Readiness: every watched series", panel, collapsed=True)
