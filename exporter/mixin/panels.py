"""
The kinds of panels, so that a dashboard's module reads like a table of contents.

Every panel has an id that never changes, a title that names the quantity, a description that says
how to read it and what to do, a unit, and words for the case that there is no data. A state is a
sign and a word; colour comes second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import stat, statetimeline, table, timeseries

from exporter.mixin.parts import CLEAR, Query, States, config, defaults, empty, ref, steps, words

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Threshold

_LAST: Final = "lastNotNull"
_COLOURED: Final = {"type": "color-background", "mode": "basic"}


class Style(Enum):
    """How a graph is drawn."""

    LINES = auto()
    LOG = auto()  # lines of which some are a thousand times above the others
    BARS = auto()  # parts of a whole, stacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    A column of a table.

    Attributes:
        expr: Its values; empty for a column that is a label.
        label: The label that it shows, when it is one.
        unit: Grafana's id of the unit.
        states: Words for its values.
        limit: From here on the value is coloured.
    """

    title: str
    expr: str = ""
    label: str = ""
    unit: str = "short"
    decimals: int | None = None
    states: States = field(default_factory=dict)
    limit: Threshold | None = None


def single(
    panel_id: int,
    title: str,
    why: str,
    query: Query,
    *,
    unit: str = "short",
    states: States | None = None,
    limit: float | None = None,
    by_name: bool = False,
) -> m.Panel:
    """
    Show one value in large letters.

    Args:
        limit: From here on the value is bad.
        by_name: Show the name of the series instead of its value.
    """
    panel = empty("stat", panel_id, title, why, (4, 3))
    panel.targets = [query.target(instant=True)]
    panel.options = stat.Options(
        graph_mode=c.BigValueGraphMode.NONE,
        color_mode=c.BigValueColorMode.NONE if by_name else c.BigValueColorMode.BACKGROUND_SOLID,
        text_mode=c.BigValueTextMode.NAME if by_name else c.BigValueTextMode.VALUE,
        text=c.VizTextDisplayOptions(value_size=18),
        reduce_options=c.ReduceDataOptions(values=False, calcs=[_LAST], fields=""),
    )
    settings = defaults(panel)
    settings.unit = unit
    settings.mappings = words(states or {})
    settings.thresholds = steps(limit)
    return panel


def graph(
    panel_id: int,
    title: str,
    why: str,
    *queries: Query,
    unit: str,
    limit: Threshold | None = None,
    style: Style = Style.LINES,
    w: int = 12,
) -> m.Panel:
    """Show how quantities change; *limit* is a dashed line."""
    panel = empty("timeseries", panel_id, title, why, (w, 9))
    panel.targets = [query.target(place) for place, query in enumerate(queries)]
    panel.options = timeseries.Options(
        legend=c.VizLegendOptions(
            display_mode=c.LegendDisplayMode.TABLE,
            placement=c.LegendPlacement.BOTTOM,
            show_legend=True,
            calcs=[_LAST, "max"],
            sort_by="Last *",
            sort_desc=True,
        ),
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


def timeline(panel_id: int, title: str, why: str, query: Query, states: States) -> m.Panel:
    """Show which state held when, one line for each series; what was not scraped is a gap."""
    panel = empty("state-timeline", panel_id, title, why, (24, 14))
    panel.targets = [query.target()]
    panel.max_data_points = 200
    panel.options = statetimeline.Options(
        show_value=c.VisibilityMode.NEVER,
        legend=c.VizLegendOptions(
            display_mode=c.LegendDisplayMode.LIST,
            placement=c.LegendPlacement.BOTTOM,
            show_legend=True,
        ),
        tooltip=c.VizTooltipOptions(mode=c.TooltipDisplayMode.SINGLE),
    )
    settings = defaults(panel)
    settings.mappings = words(states)
    settings.custom = statetimeline.FieldConfig(line_width=0, fill_opacity=80)
    return panel


def grid(panel_id: int, title: str, why: str, *columns: Column, h: int = 18) -> m.Panel:
    """
    Show the present values of several expressions, joined by the labels they all have.

    Rows are sorted by the columns of states, the worst first.
    """
    panel = empty("table", panel_id, title, why, (24, h))
    valued = [column for column in columns if column.expr]
    panel.targets = [
        Query(expr=column.expr).target(place, instant=True, rows=True)
        for place, column in enumerate(valued)
    ]
    # Grafana's names of the columns; a single query names its value plainly.
    names = {column.title: column.label for column in columns}
    for place, column in enumerate(valued):
        names[column.title] = f"Value #{ref(place)}" if len(valued) > 1 else "Value"
    panel.transformations = [
        m.DataTransformerConfig(id_val="merge", options={}),
        m.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": {"Time": True},
                "indexByName": {names[column.title]: i for i, column in enumerate(columns)},
                "renameByName": {name: title for title, name in names.items()},
            },
        ),
    ]
    panel.options = table.Options(
        show_header=True,
        cell_height=c.TableCellHeight.SM,
        sort_by=[c.TableSortByFieldState(col.title, desc=True) for col in columns if col.states],
    )
    defaults(panel).custom = table.FieldConfig(filterable=False)
    config(panel).overrides = [
        m.DashboardFieldConfigSourceOverrides(
            matcher=m.MatcherConfig(id_val="byName", options=column.title),
            properties=[m.DynamicConfigValue(k, v) for k, v in _properties(column).items()],
        )
        for column in columns
    ]
    return panel


def row(panel_id: int, title: str, *panels: m.Panel, collapsed: bool = False) -> m.RowPanel:
    """Put *panels* below a heading; collapsed, their queries run when someone opens it."""
    return m.RowPanel(id_val=panel_id, title=title, collapsed=collapsed, panels=list(panels))


def _properties(column: Column) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    if column.expr:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.states:
        properties["mappings"] = words(column.states)
        properties["custom.cellOptions"] = _COLOURED
        properties["custom.align"] = "left"
    if column.limit is not None:
        properties["thresholds"] = steps(column.limit.value, base=CLEAR)
        properties["custom.cellOptions"] = _COLOURED
    return properties
