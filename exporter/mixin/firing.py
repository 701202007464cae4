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
from exporter.mixin import alert_values
from exporter.mixin.promql import service

_OWN: Final = dict.fromkeys(label for alert in ALERTS for label in alert.by)
# What can be told of where an alert comes from; `job` is that of a scrape, `kind` of an anomaly.
SOURCES: Final = tuple(label for label in _OWN if label not in {"backend", "job", "kind"})
_IDENTITY: Final = ("backend", "kind", *SOURCES)
_SAME: Final = f"on ({', '.join(('alertname', *_IDENTITY))})"
# By these the rows of a table are joined.
_ROW: Final = "alertname, backend, source, acknowledge, dismiss"
_FIRING: Final = 'alertstate="firing"'
_CHOSEN: Final = (f'alertname!="{WATCHDOG.name}"', 'backend=~"$backend|"')


def firing(*matchers: str) -> str:
    """Select the alerts that fire, but for the one that always does."""
    return f"ALERTS{{{', '.join((_FIRING, *_CHOSEN, *matchers))}}}"


def severity(*matchers: str, acknowledged: bool) -> str:
    """Return how bad each alert is, from 1 (``readings.SEVERITIES``)."""
    return _row("max", _ranked(*matchers), acknowledged=acknowledged)


def worst() -> str:
    """Count the alerts that nobody has acknowledged, of the worst severity: named by its rank."""
    each = f"max by (alertname, {', '.join(_IDENTITY)}) ({_chosen(_ranked(), acknowledged=False)})"
    none = 'label_replace(vector(0), "rank", "0", "", "")'
    return f'count_values("rank", {each} == scalar(max({each})))\nor on ()\n{none}'


def since(*matchers: str, acknowledged: bool) -> str:
    """Return the moment at which each alert's expression began to hold, in milliseconds."""
    chosen = ", ".join(_CHOSEN)
    began = f"1000 * ALERTS_FOR_STATE{{{chosen}}}\nand ignoring (alertstate)\n{firing(*matchers)}"
    return _row("min", began, acknowledged=acknowledged)


def value(*matchers: str, about: str = "", acknowledged: bool) -> str:
    """Name each alert's value beside its threshold by the label ``value``, where it has one."""
    values = alert_values.written(about)
    each = f"{firing(*matchers)}\n* {alert_values.SAME} group_left (value)\n({values})"
    return _row("max", each, "value", acknowledged=acknowledged)


def by_entity(label: str) -> str:
    """Return how many alerts fire for each *label* of each backend."""
    named = f'{label}!=""'
    return f"count by (backend, {label}) ({firing(named)})"


def _of(severity: Severity) -> str:
    return f'severity="{severity}"'


def _ranked(*matchers: str) -> str:
    return "\nor\n".join(
        f"{place} * {firing(_of(severity), *matchers)}"
        for place, severity in enumerate(Severity, 1)
    )


def _row(operator: str, expression: str, *labels: str, acknowledged: bool) -> str:
    """Return one row for each alert that is (not) acknowledged, whatever its severity."""
    told = _told(_chosen(expression, acknowledged=acknowledged))
    return f"{operator} by ({', '.join((_ROW, *labels))}) (\n{told}\n)"


def _chosen(expression: str, *, acknowledged: bool) -> str:
    """Leave those that are (not) acknowledged."""
    known = f"max by (alertname, {', '.join(_IDENTITY)}) ({service(ALERT_ACKNOWLEDGED)}) == 1"
    joined = "and" if acknowledged else "unless"
    return f"(\n{expression}\n)\n{joined} {_SAME}\n({known})"


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
