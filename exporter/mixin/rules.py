"""Prometheus's rule files, one for each group of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.catalogue import actions
from exporter.catalogue.alerting import ENABLED, Recording
from exporter.links import label
from exporter.mixin.documents import to_yaml

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Alert, RuleGroup
    from exporter.links import Links


def rule_file(group: RuleGroup, links: Links) -> str:
    """Return the rule file of a group."""
    return to_yaml({"groups": [rule_group(group, links)]})


def rule_group(group: RuleGroup, links: Links) -> dict[str, Any]:
    """Return a group as it stands in a rule file."""
    rules = [_recording(r) if isinstance(r, Recording) else _alert(r, links) for r in group.rules]
    return {"name": group.name, "rules": rules}


def _recording(rule: Recording) -> dict[str, Any]:
    return {"record": rule.record, "expr": rule.expr}


def _alert(alert: Alert, links: Links) -> dict[str, Any]:
    rule: dict[str, Any] = {"alert": alert.name, "expr": _expr(alert)}
    if alert.hold:
        rule["for"] = alert.hold
    if alert.keep:
        rule["keep_firing_for"] = alert.keep
    rule["labels"] = {"severity": str(alert.severity)}
    rule["annotations"] = _annotations(alert, links)
    return rule


def _expr(alert: Alert) -> str:
    """Return the expression; of an alert that is switched off nothing is left."""
    if not alert.switchable:
        return alert.expr
    inner = "".join(f"  {line}\n" for line in alert.expr.splitlines())
    return f'(\n{inner})\nunless on ()\n{ENABLED}{{alert="{alert.name}"}} == 0\n'


def _annotations(alert: Alert, links: Links) -> dict[str, str]:
    """Return what a person is told: the value and the limit apart too, for titles and tables."""
    linked = {name: label(name) for name in alert.linked or alert.by}
    every = {"alertname": alert.name, **{name: label(name) for name in alert.by}}
    found = {"summary": alert.summary, "description": alert.description}
    if alert.limit is not None:
        if alert.tells_value:
            found["value"] = alert.limit.value_text
        found["threshold"] = alert.limit.text
    found["runbook_url"] = links.runbook(alert)
    found["dashboard_url"] = links.dashboard(alert.panel.dashboard, alert.panel, **linked)
    pages = dict.fromkeys(alert.actions, linked)
    if alert.by:
        # Prometheus does not know the fingerprint that Alertmanager will give the alert.
        pages |= dict.fromkeys((actions.ACKNOWLEDGE, actions.DISMISS), every)
    for route, values in pages.items():
        found[f"{route.slug.replace('-', '_')}_url"] = links.page(route, **values)
    return found
