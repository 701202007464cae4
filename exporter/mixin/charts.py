"""Panels that show how quantities change, and how a whole divides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import piechart, timeseries

from exporter.mixin.parts import BLUE, ORANGE, RED, WARN, Query, defaults, empty, override, steps
from exporter.mixin.promql import named, recent, threshold, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.catalogue.alerting import Threshold
    from exporter.catalogue.model import Metric
    from exporter.mixin.leads import Lead

_LAST: Final = "lastNotNull"


class Style(Enum):
    """How a graph is drawn."""

    LINES = auto()
    LOG = auto()  # lines of which some are a thousand times above the others
    BARS = auto()  # parts of a whole, stacked


class Kind(Enum):
    """How one of several series is drawn."""

    LINE = auto()
    DOTTED = auto()
    DOT_DASHED = auto()
    LIMIT = auto()  # dashed, and not filled
    MARKS = auto()  # large points on another line


# In pixels: a dash, a gap, and so on. No two are alike, also for who sees no colours.
_DASHES: Final = {
    Kind.DOTTED: {"fill": "dot", "dash": [0, 6]},
    Kind.DOT_DASHED: {"fill": "dash", "dash": [14, 5, 2, 5]},
    Kind.LIMIT: {"fill": "dash", "dash": [10, 10]},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A series of ``lines``: one for each backend, or one for all."""

    title: str
    expr: str
    colour: str
    kind: Kind = Kind.LINE


def percentiles(metric: Metric) -> tuple[Line, Line, Line]:
    """Return P50, P95 and P99 of *metric*: each drawn in a way of its own, and in its colour."""
    p50, p95, p99 = (
        worst(recent(metric, f'quantile="{quantile}"'), "backend") for quantile in (0.5, 0.95, 0.99)
    )
    return (
        Line(title="P50", expr=p50, colour=BLUE, kind=Kind.DOTTED),
        Line(title="P95", expr=p95, colour=ORANGE),
        Line(title="P99", expr=p99, colour=RED, kind=Kind.DOT_DASHED),
    )


def limit_of(alert: str, title: str = "Threshold") -> Line:
    """Return the line of the threshold in force, which people can change while it is looked at."""
    return Line(title=title, expr=threshold(alert), colour=WARN, kind=Kind.LIMIT)


def marks(expression: str, condition: str, title: str = "Anomaly") -> Line:
    """Return points on *expression* wherever *condition* holds of the backend."""
    expr = f"{expression}\nand on (backend)\n{condition}"
    return Line(title=title, expr=expr, colour=RED, kind=Kind.MARKS)


def graph(
    panel_id: int,
    title: str,
    why: str,
    *queries: Query,
    unit: str,
    limit: Threshold | None = None,
    style: Style = Style.LINES,
    size: tuple[int, int] = (12, 9),
    calm: bool = False,
) -> m.Panel:
    """
    Show how quantities change.

    Args:
        limit: A dashed line.
        calm: The legend is a list without numbers, for a panel of little height.
    """
    panel = empty("timeseries", panel_id, title, why, size)
    panel.targets = [query.target(place) for place, query in enumerate(queries)]
    panel.options = timeseries.Options(
        legend=_legend(calm=calm),
        tooltip=c.VizTooltipOptions(mode=c.TooltipDisplayMode.MULTI, sort=c.SortOrder.DESCENDING),
    )
    custom = timeseries.FieldConfig(
        draw_style=c.GraphDrawStyle.LINE, line_width=1, show_points=c.VisibilityMode.NEVER
    )
    settings = defaults(panel)
    settings.unit = unit
    settings.min_val = 0
    settings.color = m.FieldColor(mode=m.FieldColorModeId.PALETTE_CLASSIC)
    settings.custom = custom
    if limit is not None:
        settings.thresholds = steps(limit.value)
        custom.thresholds_style = c.GraphThresholdsStyleConfig(
            mode=c.GraphThresholdsStyleMode.DASHED
        )
    if style is Style.LOG:
        settings.min_val = None  # a logarithm has no zero
        custom.scale_distribution = c.ScaleDistributionConfig(
            type_val=c.ScaleDistribution.LOG, log=10
        )
    elif style is Style.BARS:
        custom.draw_style, custom.line_width, custom.fill_opacity = c.GraphDrawStyle.BARS, 0, 80
        custom.stacking = c.StackingConfig(mode=c.StackingMode.NORMAL, group="A")
        panel.max_data_points = 60  # or the bars are hairs
    return panel


def lines(
    panel_id: int,
    title: str,
    why: str,
    *series: Line,
    unit: str,
    size: tuple[int, int],
    calm: bool = False,
    style: Style = Style.LINES,
) -> m.Panel:
    """Show named series in their colours, with one query."""
    query = Query(
        expr=named({line.title: line.expr for line in series}), legend="{{series}} · {{backend}}"
    )
    panel = graph(panel_id, title, why, query, unit=unit, size=size, calm=calm, style=style)
    custom = defaults(panel).custom
    assert isinstance(custom, timeseries.FieldConfig)  # noqa: S101 - for the type checker
    if style is not Style.BARS:
        custom.line_width, custom.fill_opacity = 2, 6
    for line in series:
        override(panel, "byRegexp", f"/^{line.title} ·/", drawn(line))
    return panel


def shares(
    panel_id: int,
    title: str,
    why: str,
    query: Query,
    *,
    size: tuple[int, int],
    colours: Mapping[str, str] | None = None,
    unit: str = "short",
    hole: bool = True,
    lead: Lead | None = None,
) -> m.Panel:
    """
    Show how a whole divides now, as a ring or (without *hole*) as a pie.

    Args:
        colours: By the name of a part. Without it there can be many: the legend is a table beside
            them, and not a line or two below.
        lead: Where a click at a part leads to.
    """
    panel = empty("piechart", panel_id, title, why, size)
    panel.targets = [query.target(instant=True)]
    panel.options = piechart.Options(
        pie_type=piechart.PieChartType.DONUT if hole else piechart.PieChartType.PIE,
        reduce_options=c.ReduceDataOptions(values=False, calcs=[_LAST], fields=""),
        # Of what is a share already the value says it.
        display_labels=[] if unit == "percentunit" else [piechart.PieChartLabels.PERCENT],
        tooltip=c.VizTooltipOptions(mode=c.TooltipDisplayMode.SINGLE),
        legend=piechart.PieChartLegendOptions(
            show_legend=True,
            display_mode=c.LegendDisplayMode.LIST if colours else c.LegendDisplayMode.TABLE,
            placement=c.LegendPlacement.BOTTOM if colours else c.LegendPlacement.RIGHT,
            values=[piechart.PieChartLegendValues.VALUE],
        ),
    )
    settings = defaults(panel)
    settings.custom = piechart.FieldConfig()
    settings.unit = unit
    settings.color = m.FieldColor(mode=m.FieldColorModeId.PALETTE_CLASSIC)
    for name, colour in (colours or {}).items():
        override(panel, "byName", name, {"color": _fixed(colour)})
    if lead is not None:
        override(panel, "byRegexp", "/.*/", {"links": [lead.from_value]})
    return panel


def _legend(*, calm: bool) -> c.VizLegendOptions:
    if calm:
        return c.VizLegendOptions(
            display_mode=c.LegendDisplayMode.LIST,
            placement=c.LegendPlacement.BOTTOM,
            show_legend=True,
        )
    return c.VizLegendOptions(
        display_mode=c.LegendDisplayMode.TABLE,
        placement=c.LegendPlacement.BOTTOM,
        show_legend=True,
        calcs=[_LAST, "max"],
        sort_by="Last *",
        sort_desc=True,
    )


def drawn(line: Line) -> dict[str, Any]:
    """Return how a line is drawn, as the properties of an override."""
    properties: dict[str, Any] = {"color": _fixed(line.colour)}
    if line.kind in _DASHES:
        properties["custom.lineStyle"] = _DASHES[line.kind]
    if line.kind is Kind.LIMIT:
        # It has no backend, or rather all of them.
        properties |= {
            "displayName": line.title,
            "custom.lineWidth": 1,
            "custom.fillOpacity": 0,
        }
    elif line.kind is Kind.MARKS:
        properties |= {
            "custom.drawStyle": "points",
            "custom.showPoints": "always",
            "custom.pointSize": 9,
        }
    return properties


def _fixed(colour: str) -> dict[str, str]:
    return {"mode": "fixed", "fixedColor": colour}
