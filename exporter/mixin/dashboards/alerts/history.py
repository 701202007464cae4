"""What fired within the shown range: when, how bad, how often and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.model import Severity
from exporter.catalogue.verdicts import Tone
from exporter.mixin import firing
from exporter.mixin.alert_grids import name
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.panels import timeline
from exporter.mixin.parts import BLUE, ORANGE, PURPLE, RED, Query, defaults, override
from exporter.mixin.promql import named
from exporter.mixin.readings import SEVERITIES

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.links import Links

_COLOURS: Final = {Severity.INFO: BLUE, Severity.WARNING: ORANGE, Severity.CRITICAL: RED}
PLACES: Final = {severity: place for place, severity in enumerate(Severity, 1)}
# Above all severities: somebody has taken it on.
_TAKEN_ON: Final = len(PLACES) + 1


def over_time() -> Panel:
    """Return when each alert fired."""
    taken_on = f"{_TAKEN_ON} * ({firing.severity(acknowledged=True)} > bool 0)"
    panel = timeline(
        5,
        "Alerts over time",
        "When each alert fired, how bad it was, and from when on somebody had taken it on. Several"
        " that begin together have one cause: begin with the worst. Alert history has each single"
        " notification.",
        Query(
            expr=f"{firing.severity(acknowledged=False)}\nor\n{taken_on}",
            legend="{{alertname}} {{source}} {{backend}}",
        ),
        SEVERITIES | {_TAKEN_ON: (f"{Tone.GOOD.sign} acknowledged", PURPLE)},
        size=(24, 12),
    )
    defaults(panel).no_value = "✔ No alert fired within the shown range"
    return panel


def by_severity() -> Panel:
    """Return how many fired at the same time."""
    each = firing.severity(acknowledged=False)
    query = Query(
        expr=named({s: f"(count({each} == {place}))" for s, place in PLACES.items()}),
        legend="{{series}}",
    )
    panel = graph(
        6,
        "Alerts by severity",
        "How many alerts fired at the same time, without those that somebody had acknowledged. A"
        " level that stays for days: alerts that nobody heeds; fix or switch off.",
        query,
        unit="short",
        style=Style.BARS,
        calm=True,
    )
    for severity, colour in _COLOURS.items():
        fixed = {"mode": "fixed", "fixedColor": colour}
        override(panel, "byName", str(severity), {"color": fixed})
    defaults(panel).no_value = "✔ No alert fired within the shown range"
    return panel


def most_frequent(links: Links) -> Panel:
    """Return for how long each alert fired."""
    fired = f"max by (alertname, backend) ({firing.firing()})"
    return grid(
        7,
        "Most frequent alerts",
        "For how long each alert fired within the shown range, of whatever it was. What fires most"
        " is what to fix first, or whose threshold is too tight.",
        name(links, least=160),
        Column(
            title="Fired for",
            expr=f"60 * count_over_time(({fired})[$__range:1m])",
            unit="s",
            decimals=0,
            width=90,
        ),
        Column(title="Backend", label="backend", width=80),
        w=12,
        h=9,
        sort=("Fired for",),
        nothing="✔ No alert fired within the shown range",
    )
