"""The rules and the scrape jobs as resources of the Prometheus Operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.rules import ACTIONS_JOB, JOB
from exporter.mixin.documents import to_yaml
from exporter.mixin.rules import rule_group

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.catalogue.alerting import RuleGroup
    from exporter.links import Links

_API: Final = "monitoring.coreos.com/v1"
_NAME: Final = "app.kubernetes.io/name"
# The name of the port in the Services; the rules do not depend on it.
_PORT: Final = "http"


def prometheus_rule(groups: Iterable[RuleGroup], links: Links) -> str:
    """Return the PrometheusRule with all groups, the same as in the rule files."""
    spec = {"groups": [rule_group(group, links) for group in groups]}
    return to_yaml(_resource("PrometheusRule", JOB, spec))


def service_monitor(job: str) -> str:
    """
    Return the ServiceMonitor of a job.

    The Operator would name the job after the Service, and knows nothing of `backend`: the rules
    need both as they are in prometheus.yml.
    """
    labels = {"job": job} | ({"backend": "default"} if job == JOB else {})
    spec = {
        "selector": {"matchLabels": {_NAME: job}},
        "endpoints": [
            {
                "port": _PORT,
                "interval": "15s",
                "relabelings": [
                    {"targetLabel": name, "replacement": value} for name, value in labels.items()
                ],
            }
        ],
    }
    return to_yaml(_resource("ServiceMonitor", job, spec))


def resources(groups: Iterable[RuleGroup], links: Links) -> dict[str, str]:
    """Return file name and text of each resource."""
    return {
        "prometheusrule.yaml": prometheus_rule(groups, links),
        "servicemonitor-exporter.yaml": service_monitor(JOB),
        "servicemonitor-actions.yaml": service_monitor(ACTIONS_JOB),
    }


def _resource(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": _API,
        "kind": kind,
        "metadata": {"name": name, "labels": {_NAME: name}},
        "spec": spec,
    }
