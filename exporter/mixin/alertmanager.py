"""
Alertmanager's configuration, valid for 0.25 and later.

Every notification goes to the action service, which keeps the history. How soon and how often
depends on the severity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.actions import WEBHOOK
from exporter.catalogue.model import Severity
from exporter.catalogue.rules import INHIBITIONS
from exporter.mixin.documents import to_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exporter.catalogue.alerting import Alert, Inhibition
    from exporter.links import Links

RECEIVER: Final = "actions"
# What shares these labels is one notification.
_GROUP_BY: Final = ("alertname", "backend")
# One notification larger than this is a flood; the alerts themselves stay in Alertmanager.
_ALERTS_MAX: Final = 1000


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


def configuration(links: Links, *, credentials_file: Path | None = None) -> str:
    """
    Return the configuration.

    Args:
        credentials_file: Holds the bearer token for the webhook; read by Alertmanager, so that no
            secret stands in the configuration. None: it sends no token.
    """
    webhook: dict[str, Any] = {
        "url": links.page(WEBHOOK),
        "send_resolved": True,
        "max_alerts": _ALERTS_MAX,
    }
    if credentials_file is not None:
        webhook["http_config"] = {"authorization": {"credentials_file": str(credentials_file)}}
    return to_yaml(
        {
            "global": {"resolve_timeout": "5m"},
            "route": {
                "receiver": RECEIVER,
                "group_by": list(_GROUP_BY),
                **_timing(_RHYTHMS[Severity.WARNING]),
                "routes": [_route(severity, rhythm) for severity, rhythm in _RHYTHMS.items()],
            },
            "inhibit_rules": [_inhibit_rule(inhibition) for inhibition in INHIBITIONS],
            "receivers": [{"name": RECEIVER, "webhook_configs": [webhook]}],
        }
    )


def _route(severity: Severity, rhythm: _Rhythm) -> dict[str, Any]:
    return {"matchers": [f'severity="{severity}"'], "receiver": RECEIVER, **_timing(rhythm)}


def _timing(rhythm: _Rhythm) -> dict[str, str]:
    return {
        "group_wait": rhythm.group_wait,
        "group_interval": rhythm.group_interval,
        "repeat_interval": rhythm.repeat_interval,
    }


def _inhibit_rule(inhibition: Inhibition) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "source_matchers": [_any_of(inhibition.sources)],
        "target_matchers": [_any_of(inhibition.targets)],
    }
    return rule | ({"equal": list(inhibition.equal)} if inhibition.equal else {})


def _any_of(alerts: Sequence[Alert]) -> str:
    return f'alertname=~"{"|".join(alert.name for alert in alerts)}"'
