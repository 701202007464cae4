"""
The present value of an alert beside its threshold, in words: ``820 ms (500 ms)``.

In a table one column has alerts of every unit, and Grafana knows one unit for a column: so
Prometheus writes the numbers, as a label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules.health import MODULE_ERRORS, MODULE_SLOW
from exporter.catalogue.rules.infrastructure import (
    DATABASE_POOL_SATURATED,
    EVENT_DELIVERIES_FAILING,
    EVENT_LATENCY_HIGH,
    MODEL_ERRORS_HIGH,
    SLOW_QUERIES,
)
from exporter.catalogue.rules.monitoring import DATA_STALE
from exporter.catalogue.rules.performance import (
    CACHE_HIT_RATE_LOW,
    CACHE_HIT_RATIO,
    ERROR_RATE,
    ERROR_RATIO,
    RESPONSE_TIME,
    RESPONSE_TIME_HIGH,
)
from exporter.catalogue.rules.workers import (
    BACKLOG,
    INGESTION_JOB_STUCK,
    INGESTION_JOBS_FAILING,
    QUEUE_LENGTH,
)
from exporter.mixin.promql import recent, recorded, series, threshold, total, worst

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Alert
    from exporter.catalogue.model import Metric

_P95: Final = 'quantile="0.95"'


def _age(metric: Metric, label: str) -> str:
    return f"(time() - {worst(recent(metric), 'backend', label)})"


def _grown(metric: Metric) -> str:
    inner = total(f"increase({series(metric)}[10m])", "backend", "instance")
    return f"floor({worst(inner, 'backend')})"


_NEW_ERRORS: Final = f"{recent(m.MODULE_ERRORS)} - min_over_time({series(m.MODULE_ERRORS)}[1h])"
_JOB: Final = ("backend", "job_id")
_FAILED: Final = worst(recent(m.INGESTION_JOB_INFO, 'status="failed"'), *_JOB) + " == 1"
_BEGUN: Final = f"{worst(recent(m.INGESTION_JOB_STARTED), *_JOB)} > time() - 3600"
# What each alert judges, of whatever it is about.
_VALUES: Final = {
    ERROR_RATE: worst(recorded(ERROR_RATIO), "backend"),
    RESPONSE_TIME_HIGH: worst(recorded(RESPONSE_TIME, _P95), "backend"),
    CACHE_HIT_RATE_LOW: worst(recorded(CACHE_HIT_RATIO), "backend"),
    BACKLOG: worst(recorded(QUEUE_LENGTH), "backend"),
    MODULE_SLOW: worst(recent(m.MODULE_RESPONSE_TIME), "backend", "module"),
    MODULE_ERRORS: worst(_NEW_ERRORS, "backend", "module"),
    DATABASE_POOL_SATURATED: worst(recent(m.DATABASE_POOL_USAGE), "backend"),
    SLOW_QUERIES: (
        f"({worst(recent(m.DATABASE_SLOW_QUERIES), 'backend')} or {_grown(m.SLOW_OPERATIONS)})"
    ),
    EVENT_DELIVERIES_FAILING: _grown(m.EVENT_DELIVERIES_FAILED),
    EVENT_LATENCY_HIGH: worst(recent(m.EVENT_LATENCY, _P95), "backend"),
    MODEL_ERRORS_HIGH: worst(recent(m.MODEL_ERROR_RATIO), "backend", "model"),
    DATA_STALE: _age(own.ENDPOINT_LAST_SUCCESS, "endpoint"),
    INGESTION_JOBS_FAILING: f"count by (backend) ({_FAILED} and on (backend, job_id) {_BEGUN})",
    INGESTION_JOB_STUCK: _age(m.INGESTION_JOB_STARTED, "job_id"),
}
# What tells alerts of one name apart.
_ABOUT: Final = {alert: alert.linked or alert.by for alert in _VALUES}
_LABELS: Final = dict.fromkeys(label for labels in _ABOUT.values() for label in labels)
SAME: Final = f"on ({', '.join(('alertname', *_LABELS))})"


def written(only: str = "") -> str:
    """
    Return a series for each value, with its text as the label ``value``.

    Args:
        only: Of the alerts that are about this label, a module say.
    """
    chosen = (alert for alert in _VALUES if not only or only in alert.by)
    return "\nor\n".join(_written(alert) for alert in chosen)


def _written(alert: Alert) -> str:
    assert alert.limit is not None  # noqa: S101 - for the type checker
    size, unit = alert.limit.threshold.scale
    by = ", ".join(_ABOUT[alert])
    value = f'count_values by ({by}) ("value", round({_VALUES[alert]} / {size:g}, 0.1))'
    limit = f'count_values("limit", round({threshold(alert.name)} / {size:g}, 0.01))'
    both = f'label_join({value} * on () group_left (limit) {limit}, "value", " ", "value", "limit")'
    told = f'label_replace({both}, "value", "$1{unit} ($2{unit})", "value", "(.*) (.*)")'
    return f'label_replace({told}, "alertname", "{alert.name}", "", "")'
