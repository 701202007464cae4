"""What alerts are judged by, and which are switched off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue.alerting import DEFAULT, ENABLED, THRESHOLD
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.verdicts import Tone
from exporter.mixin.alert_grids import name
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import CLEAR, IDLE, WARN

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

# Thresholds, by the unit in which they are shown.
_SHARES: Final = ("ratio", "percentunit")
_TIMES: Final = ("seconds", "s")
_COUNTS: Final = ("", "short")


def section(links: Links) -> RowPanel:
    """Return the row with thresholds and switches."""
    preferences = page(links, actions.PREFERENCES)
    return row(
        14,
        "Preferences: thresholds in force, and what is switched off",
        linked(_of_unit(15, "Thresholds: shares", links, *_SHARES), preferences),
        linked(_of_unit(16, "Thresholds: durations", links, *_TIMES), preferences),
        linked(_of_unit(17, "Thresholds: counts", links, *_COUNTS), preferences),
        linked(_switched_off(links), preferences),
    )


def _of_unit(panel_id: int, title: str, links: Links, kind: str, unit: str) -> Panel:
    limits = [alert.limit for alert in ALERTS if alert.limit is not None]
    names = "|".join(dict.fromkeys(one.alert for one in limits if one.threshold.unit == kind))
    current, default = (
        f'max by (alert) ({recorded}{{alert=~"{names}"}})' for recorded in (THRESHOLD, DEFAULT)
    )
    return grid(
        panel_id,
        title,
        "What each alert is judged by now, and its default: what is built in, or what the setting"
        " alerts of the configuration says. Changed: by people, on the page Alert preferences.",
        name(links, "alert", least=160),
        Column(title="In force", expr=current, unit=unit, width=74),
        Column(title="Default", expr=default, unit=unit, width=74),
        Column(
            title="Set",
            expr=f"{current} != bool on (alert) ({default})",
            states={0: (f"{Tone.GOOD.sign} default", CLEAR), 1: ("▲ changed", IDLE)},
        ),
        w=12,
        h=8,
        nothing="○ No rule tells them: does Prometheus evaluate the rules?",
    )


def _switched_off(links: Links) -> Panel:
    return grid(
        4,
        "Switched off",
        "Alerts that people, or the configuration, have switched off: they never fire. Alert"
        " preferences switches them on again.",
        name(links, "alert", least=160),
        Column(
            title="State",
            expr=f"max by (alert) ({ENABLED}) == 0",
            states={0: (f"{Tone.WARN.sign} off", WARN)},
        ),
        w=12,
        h=8,
        nothing="✔ Every alert is switched on",
    )
