"""
Alertmanager's configuration: who hears of what, how soon and how often.

Each severity has one receiver, and so one route. A receiver holds the action service's webhook,
which keeps the history of everything, and whoever else wants to know of that severity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.model import Severity
from exporter.catalogue.rules import INHIBITIONS, monitoring
from exporter.mixin import receivers
from exporter.mixin.documents import to_yaml

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Inhibition
    from exporter.links import Links
    from exporter.settings import AlertmanagerSettings

# From the folder of the configuration.
TEMPLATES: Final = "templates/ops-*.tmpl"
WATCHDOG: Final = monitoring.WATCHDOG.name
WATCHDOG_RECEIVER: Final = "ops-watchdog"
SWITCH_RECEIVER: Final = "ops-dead-mans-switch"
_OURS: Final = 'alertname=~"Ops.+"'
# What shares these labels is one notification.
_GROUP_BY: Final = ("alertname", "backend")


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """How long to wait for more of the same, for news of the group, and before saying it again."""

    group_wait: str
    group_interval: str
    repeat_interval: str


_RHYTHMS: Final = {
    Severity.CRITICAL: _Rhythm("10s", "1m", "1h"),
    Severity.WARNING: _Rhythm("30s", "5m", "4h"),
    Severity.INFO: _Rhythm("1m", "15m", "24h"),
}


def receiver_of(severity: Severity) -> str:
    """Return the name of the receiver of a severity."""
    return f"ops-{severity}"


def configuration(links: Links, settings: AlertmanagerSettings) -> str:
    """Return the configuration of an Alertmanager that is ours alone."""
    return to_yaml(
        {
            "global": {"resolve_timeout": "5m"},
            "templates": [TEMPLATES],
            "route": _route(settings),
            "inhibit_rules": _inhibit_rules(),
            "receivers": _receivers(links, settings),
        }
    )


def drop_in(links: Links, settings: AlertmanagerSettings) -> str:
    """Return what to merge into the configuration of an Alertmanager that serves others too."""
    return to_yaml(
        {
            "templates": [TEMPLATES],
            "route": {"routes": [{"matchers": [_OURS], **_route(settings)}]},
            "inhibit_rules": _inhibit_rules(),
            "receivers": _receivers(links, settings),
        }
    )


def _route(settings: AlertmanagerSettings) -> dict[str, Any]:
    # What has none of our severities is none of our alerts, and worth a look nevertheless.
    return {
        "receiver": receiver_of(Severity.WARNING),
        "group_by": list(_GROUP_BY),
        **_timing(_RHYTHMS[Severity.WARNING]),
        "routes": [
            *_watchdog_routes(settings),
            *(
                _branch(f'severity="{severity}"', receiver_of(severity), rhythm)
                for severity, rhythm in _RHYTHMS.items()
            ),
        ],
    }


def _watchdog_routes(settings: AlertmanagerSettings) -> list[dict[str, Any]]:
    """Return the routes of the alert that always fires: nobody is told, but for machines."""
    matcher = f'alertname="{WATCHDOG}"'
    history = _branch(matcher, WATCHDOG_RECEIVER, _RHYTHMS[Severity.INFO])
    if not settings.dead_mans_switch.configured:
        return [history]
    interval_s = settings.dead_mans_switch.interval
    # Alertmanager looks whether to say it again once in each group_interval. With both the same,
    # it would be too early by a moment each time, and every second heartbeat would be left out.
    rhythm = _Rhythm("0s", _duration(interval_s), _duration(interval_s * 0.9))
    return [_branch(matcher, SWITCH_RECEIVER, rhythm) | {"continue": True}, history]


def _branch(matcher: str, receiver: str, rhythm: _Rhythm) -> dict[str, Any]:
    return {"matchers": [matcher], "receiver": receiver, **_timing(rhythm)}


def _timing(rhythm: _Rhythm) -> dict[str, str]:
    return {
        "group_wait": rhythm.group_wait,
        "group_interval": rhythm.group_interval,
        "repeat_interval": rhythm.repeat_interval,
    }


def _duration(seconds: float) -> str:
    """Return a time as Alertmanager has it: whole milliseconds at the finest."""
    return f"{seconds:.0f}s" if seconds.is_integer() else f"{seconds * 1000:.0f}ms"


def _receivers(links: Links, settings: AlertmanagerSettings) -> list[dict[str, Any]]:
    history = receivers.action_service(links, settings)
    found = [{"name": WATCHDOG_RECEIVER, "webhook_configs": [history]}]
    if settings.dead_mans_switch.configured:
        switch = receivers.dead_mans_switch(settings.dead_mans_switch)
        found.append({"name": SWITCH_RECEIVER, "webhook_configs": [switch]})
    for severity in _RHYTHMS:
        parts = receivers.people(settings, severity)
        parts["webhook_configs"] = [history, *parts.get("webhook_configs", [])]
        found.append({"name": receiver_of(severity), **parts})
    return found


def _inhibit_rules() -> list[dict[str, Any]]:
    return [_inhibit_rule(inhibition) for inhibition in INHIBITIONS]


def _inhibit_rule(inhibition: Inhibition) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "source_matchers": list(inhibition.source_matchers),
        "target_matchers": list(inhibition.target_matchers),
    }
    return rule | ({"equal": list(inhibition.equal)} if inhibition.equal else {})
