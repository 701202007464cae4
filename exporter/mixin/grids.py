"""Tables: the present values of several things, with words for states and links for actions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import table

from exporter.mixin.parts import (
    CLEAR,
    GOOD,
    Query,
    States,
    defaults,
    empty,
    override,
    ref,
    steps,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.catalogue.alerting import Threshold
    from exporter.mixin.leads import Lead

# On a narrow screen columns shrink to what is read in them, before they leave the picture: in
# pixels, a letter of a table and what stands around a text; in letters, a name, a number, a bar
# with its number, and a time such as "a few seconds ago".
_LETTER, _AROUND = 8, 12
_NAME, _NUMBER, _BAR, _TIME = 12, 8, 11, 16
_COLOURED: Final = {"type": "color-background", "mode": "basic"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """
    A column of a table.

    Attributes:
        expr: Its values; empty for a column that is a label.
        label: The label that it shows, when it is one. With *expr* it is brought by that alone,
            and its number is left out.
        unit: Grafana's id of the unit.
        states: Words for its values.
        limit: From here on the value is coloured.
        ranges: Words for ranges of its values: from, to, and what is read.
        full: Draw the value as a bar that is full here.
        lead: Where a click at a value leads to.
        says: What stands there instead of the value, for a link that acts on it.
        texts: What stands there instead of each value.
        width: In pixels; without it the columns share what is left of the room.
        least: In pixels, for a column without width: no narrower than this.
    """

    title: str
    expr: str = ""
    label: str = ""
    unit: str = "short"
    decimals: int | None = None
    states: States = field(default_factory=dict)
    limit: Threshold | None = None
    ranges: tuple[tuple[float | None, float | None, tuple[str, str]], ...] = ()
    full: float | None = None
    lead: Lead | None = None
    says: str = ""
    texts: Mapping[str, str] = field(default_factory=dict)
    width: int = 0
    least: int = 0


def grid(
    panel_id: int,
    title: str,
    why: str,
    *columns: Column,
    w: int = 24,
    h: int = 18,
    nothing: str = "",
    sort: Sequence[str] = (),
) -> m.Panel:
    """
    Show the present values of several expressions, joined by the labels they all have.

    Args:
        nothing: What to say when there is no row.
        sort: Titles of columns, the largest value first; without it those of states, so that the
            worst is on top.
    """
    panel = empty("table", panel_id, title, why, (w, h))
    valued = [column for column in columns if column.expr]
    panel.targets = [
        Query(expr=column.expr).target(place, instant=True, rows=True)
        for place, column in enumerate(valued)
    ]
    # Grafana's names of the columns; a single query names its value plainly.
    names = {column.title: column.label for column in columns}
    left_out = {"Time": True}
    for place, column in enumerate(valued):
        number = f"Value #{ref(place)}" if len(valued) > 1 else "Value"
        if column.label:
            left_out[number] = True
        else:
            names[column.title] = number
    panel.transformations = [
        m.DataTransformerConfig(id_val="merge", options={}),
        m.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": left_out,
                "indexByName": {names[column.title]: i for i, column in enumerate(columns)},
                "renameByName": {name: title for title, name in names.items()},
            },
        ),
    ]
    order = sort or [column.title for column in columns if column.states]
    panel.options = table.Options(
        show_header=True,
        cell_height=c.TableCellHeight.SM,
        sort_by=[c.TableSortByFieldState(column, desc=True) for column in order],
    )
    settings = defaults(panel)
    settings.custom = table.FieldConfig(filterable=False)
    if nothing:
        settings.no_value = nothing
    for column in columns:
        override(panel, "byName", column.title, _properties(column))
    return panel


def hide(panel: m.Panel, *labels: str) -> None:
    """Leave out columns of a panel from ``grid`` that are labels and no column of it."""
    (organize,) = [t for t in panel.transformations or () if t.id_val == "organize"]
    assert isinstance(organize.options, dict)  # noqa: S101 - for the type checker
    organize.options["excludeByName"] |= dict.fromkeys(labels, True)


def _properties(column: Column) -> dict[str, Any]:
    # Of the panel it says why there are no rows; in a cell it would say so of a single value.
    properties: dict[str, Any] = {"noValue": "-" if column.expr else " "}
    if column.label and column.expr:
        properties["custom.align"] = "right"
    if column.expr:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.width:
        properties["custom.width"] = column.width
    else:
        properties["custom.minWidth"] = column.least or _least(column)
    if column.states:
        # What is well stays quiet, so that the eye finds what is not.
        calm = {
            number: (says, CLEAR if colour == GOOD else colour)
            for number, (says, colour) in column.states.items()
        }
        properties["mappings"] = words(calm)
        properties["thresholds"] = steps(base=CLEAR)
        properties["custom.cellOptions"] = _COLOURED
        properties["custom.align"] = "left"
    if column.limit is not None:
        properties["thresholds"] = steps(column.limit.value, base=CLEAR)
        properties["custom.cellOptions"] = _COLOURED
    if column.full is not None:
        properties |= {"min": 0, "max": column.full}
        properties["custom.cellOptions"] = {
            "type": "gauge",
            "mode": "basic",
            "valueDisplayMode": "text",
        }
    if column.lead is not None:
        properties["links"] = [column.lead.from_value]
    return properties | _words(column)


def _least(column: Column) -> int:
    """Return how many pixels it takes to read a column."""
    read = [says for says, _ in column.states.values()]
    read += [says for _, _, (says, _) in column.ranges]
    usual = _NUMBER if column.expr else _NAME
    if column.unit == "dateTimeFromNow":
        usual = _TIME
    elif column.full is not None:
        usual = _BAR
    letters = max(len(column.title), usual, *map(len, read))
    return _LETTER * letters + _AROUND


def _words(column: Column) -> dict[str, Any]:
    """Return what stands there instead of values that are no states."""
    if column.ranges:
        return {
            "mappings": [_range(*one) for one in column.ranges],
            "custom.cellOptions": {"type": "color-text"},
            "custom.align": "left",
        }
    if column.says:
        return {"mappings": [_instead(column.says)]}
    if column.texts:
        return {"mappings": [_each(column.texts)]}
    return {}


def _range(low: float | None, high: float | None, reading: tuple[str, str]) -> m.ValueMapping:
    words_, colour = reading
    result = m.ValueMappingResult(text=words_, color=colour, index=0)
    return m.RangeMap(options=m.DashboardRangeMapOptions(from_val=low, to=high, result=result))


def _each(texts: Mapping[str, str]) -> m.ValueMapping:
    results = {
        value: m.ValueMappingResult(text=says, index=place)
        for place, (value, says) in enumerate(texts.items())
    }
    return m.ValueMap(options=results)


def _instead(says: str) -> m.ValueMapping:
    result = m.ValueMappingResult(text=says, index=0)
    return m.RegexMap(options=m.DashboardRegexMapOptions(pattern=".+", result=result))
