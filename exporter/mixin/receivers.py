"""What stands in Alertmanager's receivers: each kind of people, and the machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.catalogue.actions import WEBHOOK

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.catalogue.model import Severity
    from exporter.links import Links
    from exporter.settings import AlertmanagerSettings
    from exporter.settings.receivers import (
        DeadMansSwitch,
        Email,
        MsTeams,
        PagerDuty,
        Posted,
        Slack,
    )

# Resolved messages too: who was woken wants to know that it is over.
_RESOLVED = {"send_resolved": True}


def action_service(links: Links, settings: AlertmanagerSettings) -> dict[str, Any]:
    """Return the webhook of the action service; it gets every alert, however many there are."""
    return {
        "url": f"{settings.actions_url or links.actions_url}{WEBHOOK.path}",
        **_RESOLVED,
        "max_alerts": 0,
        **_bearer(settings.webhook_token_file),
    }


def dead_mans_switch(switch: DeadMansSwitch) -> dict[str, Any]:
    """Return the webhook of a dead man's switch; a resolved message would be a sign of life."""
    return {**_posted(switch), "send_resolved": False, "max_alerts": 1}


def people(settings: AlertmanagerSettings, severity: Severity) -> dict[str, list[dict[str, Any]]]:
    """Return the parts of the receiver of a severity, by Alertmanager's names for their kinds."""
    kinds: dict[str, list[dict[str, Any]]] = {
        "slack_configs": [_slack(s) for s in settings.slack if severity in s.severities],
        "email_configs": [
            config for e in settings.email if severity in e.severities for config in _email(e)
        ],
        "pagerduty_configs": [
            _pagerduty(p, severity) for p in settings.pagerduty if severity in p.severities
        ],
        "msteamsv2_configs": [_msteams(t) for t in settings.msteams if severity in t.severities],
        "webhook_configs": [
            _posted(w) | _RESOLVED for w in settings.webhook if severity in w.severities
        ],
    }
    return {kind: configs for kind, configs in kinds.items() if configs}


def _slack(slack: Slack) -> dict[str, Any]:
    return {
        "api_url_file": str(slack.api_url_file),
        **({"channel": slack.channel} if slack.channel else {}),
        **_RESOLVED,
        "color": _template("ops.slack.color"),
        "title": _template("ops.slack.title"),
        "title_link": _template("ops.slack.title_link"),
        "text": _template("ops.slack.text"),
        "fallback": _template("ops.slack.fallback"),
        "footer": "",
        # Names and channels in what an alert says call nobody.
        "link_names": False,
    }


def _email(email: Email) -> Iterator[dict[str, Any]]:
    for address in email.to:
        login: dict[str, str] = {}
        if email.auth_username is not None:
            login = {
                "auth_username": email.auth_username,
                "auth_password_file": str(email.auth_password_file),
            }
        yield {
            "to": address,
            "from": email.sender,
            "smarthost": email.smarthost,
            **login,
            "require_tls": email.require_tls,
            **_RESOLVED,
            "headers": {"Subject": _template("ops.email.subject")},
            "html": _template("ops.email.html"),
            "text": _template("ops.email.text"),
        }


def _pagerduty(pagerduty: PagerDuty, severity: Severity) -> dict[str, Any]:
    return {
        "routing_key_file": str(pagerduty.routing_key_file),
        **({"url": pagerduty.url} if pagerduty.url else {}),
        **_RESOLVED,
        "severity": str(severity),
        "class": _template("ops.pagerduty.class"),
        "component": _template("ops.pagerduty.component"),
        "group": _template("ops.pagerduty.group"),
        "description": _template("ops.pagerduty.description"),
        "client": "ops-exporter",
        "client_url": _template("ops.pagerduty.client_url"),
        "details": {
            name: _template(f"ops.pagerduty.{name}")
            for name in ("alerts", "num_firing", "num_resolved")
        },
        "links": [
            {"href": _template("ops.pagerduty.dashboard"), "text": "Dashboard"},
            {"href": _template("ops.pagerduty.runbook"), "text": "Runbook"},
        ],
    }


def _msteams(msteams: MsTeams) -> dict[str, Any]:
    return {
        "webhook_url_file": str(msteams.webhook_url_file),
        **_RESOLVED,
        "title": _template("ops.msteams.title"),
        "text": _template("ops.msteams.text"),
    }


def _posted(posted: Posted) -> dict[str, Any]:
    where = {"url": posted.url} if posted.url else {"url_file": str(posted.url_file)}
    return where | _bearer(posted.credentials_file)


def _bearer(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    return {"http_config": {"authorization": {"credentials_file": str(path)}}}


def _template(name: str) -> str:
    return f'{{{{ template "{name}" . }}}}'
