"""Events by their type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue import metrics as m
from exporter.mixin.charts import Style, graph, shares
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import Query, defaults, explained
from exporter.mixin.promql import known, rate, series, total, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_EVENT: Final = ("backend", "event")
_IN_RANGE: Final = worst(f"increase({series(m.EVENTS)}[$__range])", *_EVENT)
_NO_TYPES: Final = "○ The backend tells of no types of events"


def section(links: Links) -> RowPanel:
    """Return the row with the types."""
    over_time = graph(
        31,
        "Types over time",
        "Events per minute, by type. A type that stays away is a part of the product that stands"
        " still; one that floods is a loop or an import.",
        Query(expr=f"60 * {total(worst(rate(m.EVENTS), *_EVENT), 'event')}", legend="{{event}}"),
        unit="cpm",
        style=Style.BARS,
        size=(15, 10),
    )
    divided = shares(
        30,
        "Share of each type",
        "How the events of the shown range divide by type. Compare it with a longer range to see"
        " what has become more or less common.",
        Query(expr=total(_IN_RANGE, "event"), legend="{{event}}"),
        size=(9, 10),
    )
    defaults(divided).decimals = 0
    return row(
        29,
        "Types of events",
        linked(explained(divided, _NO_TYPES), page(links, actions.EVENTS)),
        linked(explained(over_time, _NO_TYPES), page(links, actions.EVENTS)),
        linked(_last_of_each(), page(links, actions.EVENTS)),
    )


def _last_of_each() -> Panel:
    return grid(
        32,
        "Last event of each type",
        "When a type was last seen among the last 100 events (-: not among them), how many there"
        " were within the shown range, and how many a minute now. Long ago for a type that is"
        " common: what emits it stands still.",
        Column(title="Type", label="event", least=150),
        Column(
            title="Last seen",
            expr=f"1000 * {worst(known(m.EVENT_LAST), *_EVENT)}",
            unit="dateTimeFromNow",
        ),
        Column(title="In range", expr=_IN_RANGE, decimals=0),
        Column(
            title="Now",
            expr=f"60 * {worst(rate(m.EVENTS), *_EVENT)}",
            unit="cpm",
            decimals=1,
        ),
        Column(
            title="Share",
            expr=f"{_IN_RANGE}\n/ on (backend) group_left ()\n({total(_IN_RANGE, 'backend')} > 0)",
            unit="percentunit",
            decimals=1,
            full=1,
        ),
        Column(title="Backend", label="backend", width=80),
        h=11,
        sort=("Last seen", "In range"),
        nothing=_NO_TYPES,
    )
