"""Graphs of values with the band that the detector of anomalies expected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import own_metrics as own
from exporter.mixin.parts import BLUE, GREY, RED, WARN, override
from exporter.mixin.promql import named, series, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

    from grafana_foundation_sdk.models import dashboard as m

# What the lines are called. The upper edge stands for the whole band: it is filled down to the
# lower one, which the legend leaves out.
VALUE: Final = "Value"
MARKED: Final = "Anomaly"
LIMIT: Final = "Threshold"
_EXPECTED: Final = "Expected"
_BAND: Final = "Expected band"
_LOWER: Final = "Lower edge"
_FILLED: Final = 18
_DRAWN: Final[Mapping[str, dict[str, Any]]] = {
    _BAND: {
        "color": {"mode": "fixed", "fixedColor": BLUE},
        "custom.fillBelowTo": _LOWER,
        "custom.fillOpacity": _FILLED,
        "custom.lineWidth": 0,
    },
    _LOWER: {
        "color": {"mode": "fixed", "fixedColor": BLUE},
        "custom.fillOpacity": 0,
        "custom.lineWidth": 0,
        "custom.hideFrom": {"legend": True, "tooltip": False, "viz": False},
    },
    _EXPECTED: {
        "color": {"mode": "fixed", "fixedColor": GREY},
        "custom.lineStyle": {"fill": "dash", "dash": [4, 6]},
    },
    LIMIT: {
        "color": {"mode": "fixed", "fixedColor": WARN},
        "custom.lineStyle": {"fill": "dash", "dash": [10, 10]},
    },
    MARKED: {
        "color": {"mode": "fixed", "fixedColor": RED},
        "custom.drawStyle": "points",
        "custom.pointSize": 9,
        "custom.showPoints": "always",
    },
}


def band(*matchers: str, by: tuple[str, ...]) -> dict[str, str]:
    """Return what the detector expected of series, by the name of each line."""
    lines = {
        _BAND: own.ANOMALY_UPPER,
        _LOWER: own.ANOMALY_LOWER,
        _EXPECTED: own.ANOMALY_EXPECTED,
    }
    return {name: worst(series(metric, *matchers), *by) for name, metric in lines.items()}


def clipped(lines: Mapping[str, str], highest: str) -> dict[str, str]:
    """Draw no line of *lines* above 1.5 times *highest*: a wide band would hide the values."""
    return {name: f"clamp_max({expr}, 1.5 * scalar({highest}))" for name, expr in lines.items()}


def of_one(lines: Mapping[str, str], counted: str) -> str:
    """Name *lines*, and leave all of them out where there is more than one series *counted*."""
    return f"({named(lines)})\nand on () (count({counted}) == 1)"


def draw(panel: m.Panel) -> m.Panel:
    """Draw the lines of these names in a graph as what they are."""
    for name, properties in _DRAWN.items():
        override(panel, "byName", name, properties)
    return panel
