"""Prometheus's rule files, one for each group of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.catalogue.alerting import Alert, Recording
from exporter.links import label
from exporter.mixin.documents import to_yaml

if TYPE_CHECKING:
    from exporter.catalogue.alerting import RuleGroup
    from exporter.links import Links


def rule_file(group: RuleGroup, links: Links) -> str:
    """Return the rule file of a group."""
    rules = [_recording(r) if isinstance(r, Recording) else _alert(r, links) for r in group.rules]
    return to_yaml({"groups": [{"name": group.name, "rules": rules}]})


def _recording(rule: Recording) -> dict[str, Any]:
    return {"record": rule.record, "expr": rule.expr}


def _alert(alert: Alert, links: Links) -> dict[str, Any]:
    labels = {name: label(name) for name in alert.linked or alert.by}
    annotations = {
        "summary": alert.summary,
        "description": alert.description,
        "runbook_url": links.runbook(alert),
        "dashboard_url": links.dashboard(alert.panel.dashboard, alert.panel, **labels),
    }
    for route in alert.actions:
        annotations[f"{route.slug.replace('-', '_')}_url"] = links.page(route, **labels)
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold,
        "labels": {"severity": str(alert.severity)},
        "annotations": annotations,
    }
