"""Values with a badge: beyond their threshold, or unusual for this hour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.mixin.parts import Query
from exporter.mixin.promql import AT_END, anomalous, marked, series, threshold, worst

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Alert
    from exporter.catalogue.model import Metric

_OVER: Final = "▲ over threshold"
_UNDER: Final = "▼ too low"
_ANOMALY: Final = "▲ anomaly"
_USUAL: Final = "✔ usual"


def badged(
    expression: str, metric: Metric, *matchers: str, over: str = "", under: str = ""
) -> Query:
    """
    Ask for *expression*, one series for each backend, named by its badge for ``stats.card``.

    Args:
        metric: What is watched for anomalies, with *matchers*.
        over: When it is too much (``beyond``), which is told rather than an anomaly.
        under: When it is too little.
    """
    marks = {
        _OVER: over,
        _UNDER: under,
        _ANOMALY: f"{anomalous(metric, *matchers, at=AT_END)} == 1",
    }
    told = [(name, condition) for name, condition in marks.items() if condition]
    return Query(expr=marked(expression, *told, usual=_USUAL), legend="{{mark}}")


def beyond(expression: str, alert: Alert, operator: str = ">") -> str:
    """Keep of *expression*, looked at ``AT_END``, what is beyond the threshold of *alert*."""
    return f"{expression} {operator} on () group_left () {threshold(alert.name, AT_END)}"


def at_end(metric: Metric, *matchers: str) -> str:
    """Select the last value of *metric* at the end of the shown range, for each backend."""
    selector = series(metric, *matchers)
    return worst(f"last_over_time({selector}[{metric.window}]{AT_END})", "backend")
