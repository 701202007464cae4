"""The dashboard *Alerts and history*: what fires, what fired, what is set, and who is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import DEFAULT, ENABLED, THRESHOLD
from exporter.catalogue.model import Severity
from exporter.catalogue.rules import ACTIONS_JOB, ALERTS
from exporter.catalogue.rules.monitoring import ACTIONS_DOWN
from exporter.catalogue.verdicts import Tone
from exporter.mixin import firing, frame
from exporter.mixin.alert_grids import acknowledged, unacknowledged
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import VALUE, linked, page, runbook, runbook_of
from exporter.mixin.panels import row, timeline
from exporter.mixin.parts import (
    BLUE,
    CLEAR,
    GREY,
    IDLE,
    ORANGE,
    PURPLE,
    RED,
    WARN,
    Query,
    defaults,
    override,
)
from exporter.mixin.promql import named, service
from exporter.mixin.readings import SEVERITIES, yes_no
from exporter.mixin.stats import single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_COLOURS: Final = {Severity.INFO: BLUE, Severity.WARNING: ORANGE, Severity.CRITICAL: RED}
_PLACES: Final = {severity: place for place, severity in enumerate(Severity, 1)}
# Above all severities: somebody has taken it on.
_TAKEN_ON: Final = len(_PLACES) + 1
_NO_SERVICE: Final = "○ The action service tells nothing: see the panel Action service"
# Thresholds, by the unit in which they are shown.
_SHARES: Final = ("ratio", "percentunit")
_TIMES: Final = ("seconds", "s")
_COUNTS: Final = ("", "short")


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        dashboards.ALERTS,
        links,
        [
            linked(_now(), page(links, actions.ALERTS), page(links, actions.HISTORY)),
            linked(_firing(links), page(links, actions.ALERTS), runbook(links)),
            linked(_acknowledged(links), page(links, actions.AUDIT), page(links, actions.HISTORY)),
            linked(_history(), page(links, actions.HISTORY)),
            linked(_by_severity(), page(links, actions.HISTORY)),
            linked(_most_frequent(links), page(links, actions.PREFERENCES), runbook(links)),
            _thresholds(links),
            _service(links),
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
    return f"count({firing.severity(acknowledged=False)} == {_PLACES[severity]}) or vector(0)"


def _firing(links: Links) -> Panel:
    return unacknowledged(
        dashboards.ALERTS_FIRING.id,
        dashboards.ALERTS_FIRING.title,
        "What is wrong now, the worst on top, without what somebody has acknowledged. Acknowledge:"
        " somebody takes it on, and it stays quiet until it ends or gets worse. Dismiss: quiet for"
        " a while. Both ask first. Of threshold: the value as a share of what is allowed. A"
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


def _switched_off(links: Links) -> Panel:
    return grid(
        4,
        "Switched off",
        "Alerts that people, or the configuration, have switched off: they never fire. Alert"
        " preferences switches them on again.",
        _alert(links, "alert", 280),
        Column(
            title="State",
            expr=f"max by (alert) ({ENABLED}) == 0",
            states={0: (f"{Tone.WARN.sign} off", WARN)},
        ),
        w=12,
        h=8,
        nothing="✔ Every alert is switched on",
    )


def _alert(links: Links, label: str, width: int) -> Column:
    return Column(title="Alert", label=label, lead=runbook_of(links, VALUE), width=width)


def _history() -> Panel:
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


def _by_severity() -> Panel:
    each = firing.severity(acknowledged=False)
    query = Query(
        expr=named({s: f"(count({each} == {place}))" for s, place in _PLACES.items()}),
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


def _most_frequent(links: Links) -> Panel:
    fired = f"max by (alertname, backend) ({firing.firing()})"
    return grid(
        7,
        "Most frequent alerts",
        "For how long each alert fired within the shown range, of whatever it was. What fires most"
        " is what to fix first, or whose threshold is too tight.",
        _alert(links, "alertname", 205),
        Column(
            title="Fired for",
            expr=f"60 * count_over_time(({fired})[$__range:1m])",
            unit="s",
            decimals=0,
            width=90,
        ),
        Column(title="Backend", label="backend"),
        w=12,
        h=9,
        sort=("Fired for",),
        nothing="✔ No alert fired within the shown range",
    )


def _thresholds(links: Links) -> RowPanel:
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
        _alert(links, "alert", 205),
        Column(title="In force", expr=current, unit=unit, width=75),
        Column(title="Default", expr=default, unit=unit, width=75),
        Column(
            title="Set",
            expr=f"{current} != bool on (alert) ({default})",
            states={0: (f"{Tone.GOOD.sign} as by default", CLEAR), 1: ("▲ changed", IDLE)},
        ),
        w=12,
        h=8,
        nothing="○ No rule tells them: does Prometheus evaluate the rules?",
    )


def _service(links: Links) -> RowPanel:
    scraped = f'max(up{{job="{ACTIONS_JOB}"}}) or vector(-1)'
    state = single(
        dashboards.ALERTS_SERVICE.id,
        dashboards.ALERTS_SERVICE.title,
        "Whether Prometheus reaches the action service. Without it no history is written and the"
        " links of alerts lead nowhere; thresholds stay as they were for a day. See"
        f" {ACTIONS_DOWN.name} in the runbook.",
        Query(expr=scraped),
        states={**yes_no("answers", "no answer"), -1: (f"{Tone.IDLE.sign} not set up", IDLE)},
        size=(6, 8),
    )
    received = graph(
        21,
        "Notifications received",
        "What Alertmanager sent to the action service, by what became of it. None for hours while"
        " alerts fire: look at Alertmanager and at the webhook's token. Red regions: the service"
        " did not answer.",
        _per_minute(own.WEBHOOK_NOTIFICATIONS.name, "status"),
        unit="cpm",
        style=Style.BARS,
        size=(9, 8),
        calm=True,
    )
    run = graph(
        22,
        "Actions run",
        "What people, or programs for them, had the action service do, and whether it went well."
        " The audit says who. Red regions: the service did not answer.",
        _per_minute(own.ACTIONS.name, "action", "result"),
        unit="cpm",
        style=Style.BARS,
        size=(9, 8),
        calm=True,
    )
    for panel in (received, run):
        defaults(panel).no_value = _NO_SERVICE
    return row(
        19,
        "Action service",
        linked(state, page(links, actions.QUICK_ACTIONS), runbook(links)),
        linked(received, page(links, actions.HISTORY)),
        linked(run, page(links, actions.AUDIT)),
    )


def _per_minute(counter: str, *labels: str) -> Query:
    return Query(
        expr=f"60 * sum by ({', '.join(labels)}) (rate({counter}[$__rate_interval]))",
        legend=" ".join(f"{{{{{label}}}}}" for label in labels),
    )
