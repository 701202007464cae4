"""Panels of several values at once, each with its own unit, asked for with one query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from grafana_foundation_sdk.models import bargauge
from grafana_foundation_sdk.models import common as c

from exporter.mixin.parts import (
    BLUE,
    ORANGE,
    Query,
    States,
    defaults,
    empty,
    lettered,
    override,
    steps,
    words,
)
from exporter.mixin.promql import named
from exporter.mixin.stats import LAST, Rising, blank, options_of

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """
    One of several values in a panel.

    Attributes:
        title: Its name on the card.
        expr: One series, or one for each backend.
        unit: Grafana's id of the unit.
        states: Words for its values.
        limit: From here on the value is coloured.
        colour: Of its letters or its bar.
        top: Where its bar is full.
    """

    title: str
    expr: str
    unit: str = "short"
    decimals: int | None = None
    states: States = field(default_factory=dict)
    limit: float | None = None
    colour: str = BLUE
    top: float | None = None


def cards(
    panel_id: int,
    title: str,
    why: str,
    *items: Item,
    size: tuple[int, int],
    rising: Rising | None = None,
    nothing: str = "",
) -> m.Panel:
    """
    Show a card for each of several quantities, with one query.

    Args:
        rising: Show course and change within the shown range too; None for the present alone.
        nothing: What to say when there is none of them.
    """
    panel = blank(panel_id, title, why, size)
    query = _union(items)
    panel.targets = [query.target(instant=rising is None)]
    options = options_of(panel)
    options.color_mode = c.BigValueColorMode.VALUE
    options.text_mode = c.BigValueTextMode.VALUE_AND_NAME
    options.text = c.VizTextDisplayOptions(title_size=12, value_size=20)
    options.wide_layout = False
    if rising is not None:
        panel.max_data_points = 100
        options.graph_mode = c.BigValueGraphMode.AREA
        options.show_percent_change = True
        options.percent_change_color_mode = rising.value
    settings = defaults(panel)
    settings.unit = "short"
    settings.thresholds = steps(base=BLUE)
    if nothing:
        settings.no_value = nothing
    for item in items:
        properties = _properties(item)
        if rising is not None:
            properties["fieldMinMax"] = True  # or the largest flattens the course of the others
        override(panel, "byName", item.title, properties)
    return panel


def bars(
    panel_id: int,
    title: str,
    why: str,
    *items: Item,
    size: tuple[int, int],
    nothing: str = "",
) -> m.Panel:
    """Show quantities as bars below each other, with one query."""
    panel = empty("bargauge", panel_id, title, why, size)
    panel.targets = [_union(items).target(instant=True)]
    panel.options = bargauge.Options(
        display_mode=c.BarGaugeDisplayMode.BASIC,
        value_mode=c.BarGaugeValueMode.TEXT,
        name_placement=c.BarGaugeNamePlacement.LEFT,
        orientation=c.VizOrientation.HORIZONTAL,
        show_unfilled=True,
        sizing=c.BarGaugeSizing.AUTO,
        text=c.VizTextDisplayOptions(title_size=13, value_size=14),
        reduce_options=LAST,
        legend=c.VizLegendOptions(
            show_legend=False,
            display_mode=c.LegendDisplayMode.LIST,
            placement=c.LegendPlacement.BOTTOM,
        ),
    )
    settings = defaults(panel)
    settings.unit = "short"
    settings.min_val = 0
    if nothing:
        settings.no_value = nothing
    for item in items:
        properties = _properties(item) | {"color": {"mode": "fixed", "fixedColor": item.colour}}
        if item.limit is not None:
            properties["color"] = {"mode": "thresholds"}
        override(panel, "byName", item.title, properties)
    return panel


def _union(items: tuple[Item, ...]) -> Query:
    return Query(expr=named({item.title: item.expr for item in items}), legend="{{series}}")


def _properties(item: Item) -> dict[str, Any]:
    properties: dict[str, Any] = {"unit": item.unit}
    if item.decimals is not None:
        properties["decimals"] = item.decimals
    if item.states:
        properties["mappings"] = words(lettered(item.states))
    if item.top is not None:
        properties["max"] = item.top
    if item.limit is not None or item.colour != BLUE:
        properties["thresholds"] = steps(item.limit, base=item.colour, above=ORANGE)
    return properties
