"""The dashboard *Alerts and history*: what fires, what fired, what is set, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.monitoring import ACTIONS_DOWN
from exporter.mixin import firing, frame
from exporter.mixin.alert_grids import acknowledged, unacknowledged
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.alerts import action_service, history, thresholds
from exporter.mixin.leads import linked, page, runbook
from exporter.mixin.parts import GREY
from exporter.mixin.promql import service

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        dashboards.ALERTS,
        links,
        [
            linked(_now(), page(links, actions.ALERTS), page(links, actions.HISTORY)),
            linked(_firing(links), page(links, actions.ALERTS), runbook(links)),
            linked(_acknowledged(links), page(links, actions.AUDIT), page(links, actions.HISTORY)),
            linked(history.over_time(), page(links, actions.HISTORY)),
            linked(history.by_severity(), page(links, actions.HISTORY)),
            linked(history.most_frequent(links), page(links, actions.PREFERENCES), runbook(links)),
            thresholds.section(links),
            action_service.section(links),
        ],
        layers=[frame.fired("Alerts: action service", ACTIONS_DOWN, on=(21, 22))],
    )


def _now() -> Panel:
    taken_on = f"count({firing.severity(acknowledged=True)}) or vector(0)"
    oldest = f"time() - min({service(own.ACKNOWLEDGEMENTS_OLDEST)})"
    return cards(
        3,
        "Now",
        "Alerts that fire and that nobody has acknowledged, by severity: critical, act now;"
        " warning, within the working day; info, nobody is woken. Then those that somebody has"
        " taken on, and for how long already.",
        *(
            Item(title=severity, expr=_count(severity), colour=GREY, limit=1)
            for severity in reversed(Severity)
        ),
        Item(title="acknowledged", expr=taken_on),
        Item(title="longest acknowledged", expr=oldest, unit="s", decimals=0),
        size=(24, 4),
    )


def _count(severity: Severity) -> str:
    return (
        f"count({firing.severity(acknowledged=False)} == {history.PLACES[severity]}) or vector(0)"
    )


def _firing(links: Links) -> Panel:
    return unacknowledged(
        dashboards.ALERTS_FIRING.id,
        dashboards.ALERTS_FIRING.title,
        "What is wrong now, the worst on top, without what somebody has acknowledged. Acknowledge:"
        " somebody takes it on, and it stays quiet until it ends or gets worse. Dismiss: quiet for"
        " a while. Both ask first. Value: the present one, beside the threshold in force. A"
        " click at a name: what to do.",
        links,
        size=(24, 8),
    )


def _acknowledged(links: Links) -> Panel:
    return acknowledged(
        2,
        "Acknowledged alerts",
        "Alerts that still fire and that somebody has taken on. The audit says who and why.",
        links,
        size=(24, 5),
    )
