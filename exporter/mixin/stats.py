"""Panels of single values: in large letters, as tiles of states, with their course."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import stat

from exporter.mixin.parts import (
    BLUE,
    GOOD,
    ORANGE,
    Query,
    States,
    defaults,
    empty,
    override,
    steps,
    words,
)

if TYPE_CHECKING:
    from exporter.mixin.leads import Lead


LAST: Final = c.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")


# In pixels. Larger ones are cut on a narrow screen.
_LETTERS_MAX: Final = 22


class Rising(Enum):
    """What it means that a value rises; the colour of its trend."""

    GOOD = c.PercentChangeColorMode.STANDARD
    BAD = c.PercentChangeColorMode.INVERTED
    NEITHER = c.PercentChangeColorMode.SAME_AS_VALUE


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
    size: tuple[int, int] = (4, 3),
) -> m.Panel:
    """
    Show one present value in large letters on its colour.

    Args:
        limit: From here on the value is bad.
        by_name: Show the name of the series instead of its value.
    """
    panel = blank(panel_id, title, why, size)
    panel.targets = [query.target(instant=True)]
    options = options_of(panel)
    if by_name:
        options.color_mode = c.BigValueColorMode.NONE
        options.text_mode = c.BigValueTextMode.NAME
    options.text = c.VizTextDisplayOptions(value_size=min(6 * size[1], _LETTERS_MAX))
    settings = defaults(panel)
    settings.unit = unit
    settings.mappings = words(states or {})
    settings.thresholds = steps(limit)
    return panel


def tiles(
    panel_id: int,
    title: str,
    why: str,
    *queries: Query,
    size: tuple[int, int],
    unit: str = "short",
    states: States | None = None,
    base: str = GOOD,
    lead: Lead | None = None,
    nothing: str = "",
) -> m.Panel:
    """
    Show a tile for each series, its name and its value on the colour of its state.

    Args:
        base: The colour of a value that is none of the *states*.
        lead: Where a click at a tile leads to.
        nothing: What to say when there is no series.
    """
    panel = blank(panel_id, title, why, size)
    panel.targets = [query.target(place, instant=True) for place, query in enumerate(queries)]
    options = options_of(panel)
    options.text_mode = c.BigValueTextMode.VALUE_AND_NAME
    options.text = c.VizTextDisplayOptions(title_size=11, value_size=14)
    settings = defaults(panel)
    settings.unit = unit
    settings.mappings = words(states or {})
    settings.thresholds = steps(base=base)
    if nothing:
        settings.no_value = nothing
    if lead is not None:
        override(panel, "byRegexp", "/.*/", {"links": [lead.from_value]})
    return panel


def card(
    panel_id: int,
    title: str,
    why: str,
    query: Query,
    *,
    unit: str,
    rising: Rising,
    decimals: int | None = None,
    limit: float | None = None,
    size: tuple[int, int] = (5, 5),
) -> m.Panel:
    """
    Show a value with its course and its change within the shown range.

    The name of the series stands with it, when its query has a legend: the place for a badge.
    """
    panel = blank(panel_id, title, why, size)
    panel.targets = [query.target()]
    panel.max_data_points = 100
    options = options_of(panel)
    options.color_mode = c.BigValueColorMode.VALUE
    options.graph_mode = c.BigValueGraphMode.AREA
    options.show_percent_change = True
    options.percent_change_color_mode = rising.value
    badge = query.legend != "__auto"
    options.text_mode = c.BigValueTextMode.VALUE_AND_NAME if badge else c.BigValueTextMode.VALUE
    options.wide_layout = False
    options.text = c.VizTextDisplayOptions(title_size=13, value_size=26)
    settings = defaults(panel)
    settings.unit = unit
    settings.decimals = decimals
    settings.thresholds = steps(limit, base=BLUE, above=ORANGE)
    return panel


def blank(panel_id: int, title: str, why: str, size: tuple[int, int]) -> m.Panel:
    """Return a panel of the present value alone, to be made into one of the kinds above."""
    panel = empty("stat", panel_id, title, why, size)
    panel.options = stat.Options(
        graph_mode=c.BigValueGraphMode.NONE,
        color_mode=c.BigValueColorMode.BACKGROUND_SOLID,
        text_mode=c.BigValueTextMode.VALUE,
        reduce_options=LAST,
    )
    return panel


def options_of(panel: m.Panel) -> stat.Options:
    """Return the options of a panel from ``blank``."""
    assert isinstance(panel.options, stat.Options)  # noqa: S101 - for the type checker
    return panel.options
