"""
Expressions about the alerts that fire.

Rules know a backend and no instance. An alert is the same one by its name and its own labels: with
just these the action service tells what is acknowledged.
"""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import Severity
from exporter.catalogue.own_metrics import ALERT_ACKNOWLEDGED
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.rules.monitoring import WATCHDOG
from exporter.catalogue.rules.performance import CACHE_HIT_RATIO, ERROR_RATIO, RESPONSE_TIME
from exporter.catalogue.rules.workers import QUEUE_LENGTH
from exporter.mixin.promql import recorded, service, threshold

_OWN: Final = dict.fromkeys(label for alert in ALERTS for label in alert.by)
# What can be told of where an alert comes from; `job` is that of a scrape, `kind` of an anomaly.
SOURCES: Final = tuple(label for label in _OWN if label not in {"backend", "job", "kind"})
_IDENTITY: Final = ("backend", "kind", *SOURCES)
_SAME: Final = f"on ({', '.join(('alertname', *_IDENTITY))})"
# By these the rows of a table are joined.
_ROW: Final = "alertname, backend, source, acknowledge, dismiss"
_FIRING: Final = 'alertstate="firing"'
_CHOSEN: Final = (f'alertname!="{WATCHDOG.name}"', 'backend=~"$backend|"')
# What is compared with the threshold of an alert; of the others no rule records it.
_COMPARED: Final = {
    "OpsApiErrorRateHigh": recorded(ERROR_RATIO),
    "OpsApiResponseTimeHigh": recorded(RESPONSE_TIME, 'quantile="0.95"'),
    "OpsQueueBacklogHigh": recorded(QUEUE_LENGTH),
    "OpsCacheHitRateLow": recorded(CACHE_HIT_RATIO),
}


def firing(*matchers: str) -> str:
    """Select the alerts that fire, but for the one that always does."""
    return f"ALERTS{{{', '.join((_FIRING, *_CHOSEN, *matchers))}}}"


def severity(*matchers: str, acknowledged: bool) -> str:
    """Return how bad each alert is, from 1 (``readings.SEVERITIES``)."""
    ranked = "\nor\n".join(
        f"{place} * {firing(_of(severity), *matchers)}"
        for place, severity in enumerate(Severity, 1)
    )
    return _row("max", ranked, acknowledged=acknowledged)


def since(*matchers: str, acknowledged: bool) -> str:
    """Return the moment at which each alert's expression began to hold, in milliseconds."""
    chosen = ", ".join(_CHOSEN)
    began = f"1000 * ALERTS_FOR_STATE{{{chosen}}}\nand ignoring (alertstate)\n{firing(*matchers)}"
    return _row("min", began, acknowledged=acknowledged)


def of_threshold(*, acknowledged: bool) -> str:
    """Return the value of each alert as a share of its threshold, where a rule records it."""
    values = "\nor\n".join(
        f"label_replace(max by (backend) ({value}) / on () group_left () {threshold(alert)},"
        f' "alertname", "{alert}", "", "")'
        for alert, value in _COMPARED.items()
    )
    each = f"{firing()}\n* on (alertname, backend) group_left ()\n({values})"
    return _row("max", each, acknowledged=acknowledged)


def by_entity(label: str) -> str:
    """Return how many alerts fire for each *label* of each backend."""
    named = f'{label}!=""'
    return f"count by (backend, {label}) ({firing(named)})"


def _of(severity: Severity) -> str:
    return f'severity="{severity}"'


def _row(operator: str, expression: str, *, acknowledged: bool) -> str:
    """Leave those that are (not) acknowledged, one row for each alert, whatever its severity."""
    known = f"max by (alertname, {', '.join(_IDENTITY)}) ({service(ALERT_ACKNOWLEDGED)}) == 1"
    joined = "and" if acknowledged else "unless"
    chosen = f"(\n{expression}\n)\n{joined} {_SAME}\n({known})"
    return f"{operator} by ({_ROW}) (\n{_told(chosen)}\n)"


def _told(expression: str) -> str:
    """Add where it comes from, in words, and the query string of a link to this very alert."""
    told = _joined(expression, "source", " ", SOURCES)
    told = f'label_replace({told}, "source", "$1", "source", " *(.*?) *")'
    told = f'label_replace({told}, "source", "whole product", "source", "")'
    told = f'label_replace({told}, "acknowledge", "alertname=$1", "alertname", "(.*)")'
    for label in _IDENTITY:
        told = _joined(told, "acknowledge", f"&{label}=", ("acknowledge", label))
        told = f'label_replace({told}, "acknowledge", "$1", "acknowledge", "(.*)&{label}=")'
    return f'label_replace({told}, "dismiss", "$1", "acknowledge", "(.*)")'


def _joined(expression: str, to: str, separator: str, labels: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{label}"' for label in labels)
    return f'label_join({expression}, "{to}", "{separator}", {quoted})'
