"""
One fault, one notification: what a fault explains keeps quiet while it is there.

From what explains most to what explains least: no exporter, no API, no product, no workers; then
the severe form of a fault over its milder one, and a threshold over an anomaly of the same metric.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.alerting import Inhibition
from exporter.catalogue.model import Severity
from exporter.catalogue.rules import anomalies, health, infrastructure, monitoring, performance
from exporter.catalogue.rules import workers as w

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.catalogue.alerting import Alert, RuleGroup

_PRODUCT: Final = (health.GROUP, performance.GROUP, w.GROUP, infrastructure.GROUP, anomalies.GROUP)


def _alerts(groups: Iterable[RuleGroup]) -> tuple[Alert, ...]:
    return tuple(alert for group in groups for alert in group.alerts)


# What the API tells of the product, and of itself through single endpoints.
_TOLD: Final = (
    *_alerts(_PRODUCT),
    monitoring.ENDPOINT_FAILING,
    monitoring.DATA_STALE,
    monitoring.UNAUTHORIZED,
    monitoring.SCHEMA_DRIFT,
    monitoring.COUNTERS_UNSTEADY,
)
_REPORTED: Final = (*_TOLD, monitoring.API_DOWN, monitoring.EXPORTER_RELOAD_FAILED)
_SEVERE: Final = tuple(
    alert
    for alert in _alerts(_PRODUCT)
    if alert.severity is Severity.CRITICAL and alert.limit is not None
)


def _same_metric() -> Iterable[Inhibition]:
    """Yield what hides anomalies: an alert on the same metric, of the same module or model."""
    seen: set[str] = set()
    for alert in _alerts(_PRODUCT):
        if alert.metrics and alert.name not in seen:
            seen.add(alert.name)
            yield Inhibition(
                sources=(alert,),
                targets=(anomalies.ANOMALY,),
                equal=alert.by,
                # An info, which people are not told by default, hides no warning.
                target_severity=Severity.INFO if alert.severity is Severity.INFO else None,
                target_labels=(("metric", "|".join(metric.name for metric in alert.metrics)),),
            )


INHIBITIONS: Final = (
    # Of one backend only: an Alertmanager may serve several Prometheus.
    Inhibition(
        sources=(monitoring.EXPORTER_DOWN, monitoring.EXPORTER_TARGET_VANISHED),
        targets=_REPORTED,
        equal=("backend",),
    ),
    Inhibition(
        sources=(monitoring.EXPORTER_TARGET_VANISHED,), targets=(monitoring.EXPORTER_ABSENT,)
    ),
    Inhibition(sources=(monitoring.API_DOWN,), targets=_TOLD, equal=("backend",)),
    Inhibition(
        sources=(monitoring.ENDPOINT_FAILING,),
        targets=(monitoring.DATA_STALE,),
        equal=("backend", "endpoint"),
    ),
    Inhibition(
        sources=(health.SYSTEM_DOWN,),
        targets=(
            *(health.SYSTEM_DEGRADED, health.MODULE_DOWN, health.MODULE_DEGRADED),
            w.WORKERS_DEGRADED,
        ),
        equal=("backend",),
    ),
    Inhibition(
        sources=(w.WORKERS_DOWN,),
        targets=(w.WORKERS_DEGRADED, w.WORKER_OFFLINE, w.BACKLOG_CRITICAL, w.BACKLOG),
        equal=("backend",),
    ),
    # The whole is degraded because a part is: the part says more.
    Inhibition(
        sources=(health.MODULE_DOWN, w.WORKERS_DOWN, w.WORKERS_DEGRADED),
        targets=(health.SYSTEM_DEGRADED,),
        equal=("backend",),
    ),
    Inhibition(
        sources=(health.MODULE_DOWN,),
        targets=(health.MODULE_DEGRADED, health.MODULE_SLOW, health.MODULE_ERRORS),
        equal=("backend", "module"),
    ),
    Inhibition(
        sources=_SEVERE,
        targets=_SEVERE,
        equal=("alertname", "backend"),
        source_severity=Severity.CRITICAL,
        target_severity=Severity.WARNING,
    ),
    *_same_metric(),
)
