"""What is drawn over a graph whose series name themselves: the threshold, and what is unusual."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from grafana_foundation_sdk.models import prometheus, timeseries

from exporter.catalogue.watched import LABELS
from exporter.mixin.charts import Kind, Line, drawn, limit_of
from exporter.mixin.parts import RED, defaults, override
from exporter.mixin.promql import anomalous

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

    from exporter.catalogue.model import Metric


def with_anomalies(panel: m.Panel, expression: str, metric: Metric, label: str) -> m.Panel:
    """
    Draw points on *expression*, which a panel from ``charts.graph`` shows, where it is unusual.

    Args:
        metric: What is watched.
        label: What tells the series apart, beside the backend; the legend begins with it.
    """
    own = (label,) if label in metric.labels and label in LABELS else ()
    by = ("backend", *own)
    unusual = f"{expression}\nand on ({', '.join(by)})\n({anomalous(metric, by=by)} == 1)"
    expr = f'label_replace({unusual}, "{label}", "Anomaly: $1", "{label}", "(.*)")'
    return _overlaid(panel, Line(title="Anomaly", expr=expr, colour=RED, kind=Kind.MARKS))


def with_limit(panel: m.Panel, alert: str, among: str, label: str) -> m.Panel:
    """Draw the threshold in force while there is anything *among* what it judges."""
    limit = limit_of(alert)
    shown = f"{limit.expr}\nand on ()\n({among})"
    expr = f'label_replace({shown}, "{label}", "{limit.title}", "", "")'
    return _overlaid(panel, replace(limit, expr=expr))


def coloured(panel: m.Panel, **colours: str) -> m.Panel:
    """Give series of a panel from ``charts.graph`` colours by their names, in thicker lines."""
    custom = defaults(panel).custom
    assert isinstance(custom, timeseries.FieldConfig)  # noqa: S101 - for the type checker
    custom.line_width = 2
    for name, colour in colours.items():
        properties = drawn(Line(title=name, expr="", colour=colour))
        override(panel, "byRegexp", f"/^{name}( ·|$)/", properties)
    return panel


def _overlaid(panel: m.Panel, line: Line) -> m.Panel:
    """Add a line to the only query of a panel: a query of its own would mostly bring nothing."""
    targets = panel.targets
    assert targets is not None  # noqa: S101 - for the type checker
    (target,) = targets
    assert isinstance(target, prometheus.Dataquery)  # noqa: S101 - for the type checker
    target.expr = f"{target.expr}\nor\n{line.expr}"
    override(panel, "byRegexp", f"/^{line.title}/", drawn(line))
    return panel
