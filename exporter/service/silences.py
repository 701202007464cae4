"""
What a silence of ours matches, and the mark by which it is known as ours.

It matches the labels that were acknowledged, and the severities up to the gravest that fired then:
what gets worse is another alert to Alertmanager, of a severity that is not matched, and is told.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from exporter.actions.model import InputError
from exporter.catalogue.model import Severity
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.rules.monitoring import WATCHDOG
from exporter.store.acknowledgements import ACKNOWLEDGE, Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SEVERITY: Final = "severity"
_ALERTNAME: Final = "alertname"
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,127}")
_VALUE_MAX: Final = 256
_LABELS_MAX: Final = 32
# Of an audit's target.
_TARGET_MAX: Final = 500
_RANKS: Final = {str(severity): rank for rank, severity in enumerate(Severity, 1)}
# At the very end: what people write comes before it, and cannot pass for it.
_MARK: Final = re.compile(r"\[ops-exporter ([0-9]{1,18})@([0-9]{1,18})\]\Z", re.ASCII)
_BY: Final = {alert.name: alert.by for alert in ALERTS}


class Mark(NamedTuple):
    """Which record a silence belongs to: its number, and its moment in milliseconds."""

    number: int
    at_ms: int


def rank(severity: str) -> int:
    """Return how grave it is; 0 for one that is none of ours, which is no escalation of ours."""
    return _RANKS.get(severity, 0)


def gravest(severities: Iterable[str]) -> str:
    """Return the gravest of at least one."""
    return max(severities, key=lambda severity: (rank(severity), severity))


def covered(severity: str) -> tuple[str, ...]:
    """Return the severities that are hidden when *severity* is; of a foreign one, just it."""
    if severity not in _RANKS:
        return (severity,)
    return tuple(name for name, place in _RANKS.items() if place <= _RANKS[severity])


def clean(query: Mapping[str, str]) -> dict[str, str]:
    """
    Return the labels that a link names, without the severity: an alert is one, however grave.

    Raises:
        InputError: If they would hide too much, or cannot be labels.
    """
    labels = {name: value for name, value in sorted(query.items()) if name != SEVERITY}
    for name, value in labels.items():
        if not _NAME.fullmatch(name):
            raise InputError(name[:64], "is no name of a label: letters, digits and _")
        if len(value) > _VALUE_MAX or "\0" in value:
            raise InputError(name, f"must be at most {_VALUE_MAX} characters")
    if not labels.get("alertname"):
        raise InputError(_ALERTNAME, "name the alert")
    if labels["alertname"] == WATCHDOG.name:
        raise InputError(_ALERTNAME, f"{WATCHDOG.name} says that alerting works: nobody hides it")
    if len(labels) > _LABELS_MAX:
        raise InputError(_ALERTNAME, f"at most {_LABELS_MAX} labels")
    if sum(value != "" for value in labels.values()) < 2:  # noqa: PLR2004 - alertname and another
        raise InputError(_ALERTNAME, "name at least one more label, for example the backend")
    return labels


def labels_of(alert: Mapping[str, str]) -> dict[str, str]:
    """Return what tells an alert apart: of ours, what its rule says, as its own links do."""
    if (by := _BY.get(alert.get("alertname", ""))) is not None:
        return {name: alert.get(name, "") for name in ("alertname", *by)}
    return {name: value for name, value in alert.items() if name != SEVERITY}


def completed(labels: Mapping[str, str], alerts: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """
    Return *labels* with what none of *alerts* has of what their rule could tell, as empty.

    Links in annotations name such a label as empty, those of a dashboard leave it out: both mean
    the same alert.
    """
    found = list(alerts)
    names = _BY.get(labels["alertname"], ())
    absent = {name: "" for name in names if not any(alert.get(name) for alert in found)}
    return dict(sorted((absent | dict(labels)).items()))


def matches(labels: Mapping[str, str], alert: Mapping[str, str]) -> bool:
    """Say whether an alert has all these labels; an empty one it must not have."""
    return all(alert.get(name, "") == value for name, value in labels.items())


def hides(labels: Mapping[str, str], severity: str, alert: Mapping[str, str]) -> bool:
    """Say whether the silence of these labels hides an alert."""
    return alert.get(SEVERITY, "") in covered(severity) and matches(labels, alert)


def matchers(labels: Mapping[str, str], severity: str) -> list[dict[str, Any]]:
    """Return the matchers of the silence, as Alertmanager's API has them."""
    told = covered(severity)
    # Several are ours, and have no letter that means anything in a regular expression.
    pairs = [*((name, value, False) for name, value in labels.items())]
    pairs.append((SEVERITY, "|".join(told), len(told) > 1))
    return [
        {"name": name, "value": value, "isRegex": regex, "isEqual": True}
        for name, value, regex in pairs
    ]


def written(found: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Return matchers as Alertmanager writes them."""
    return tuple(
        f"{one['name']}{'=~' if one['isRegex'] else '='}{_quoted(one['value'])}" for one in found
    )


def target(labels: Mapping[str, str]) -> str:
    """Return the alert in one canonical text, for the audit."""
    rest = ", ".join(
        f"{name}={_quoted(value)}"
        for name, value in sorted(labels.items())
        if name != "alertname" and value
    )
    text = f"{labels['alertname']}{{{rest}}}"
    if len(text) <= _TARGET_MAX:
        return text
    return f"{text[: _TARGET_MAX - 9]}~{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def mark(record: Acknowledgement) -> Mark:
    """Return what its silence is marked with."""
    return Mark(record.id, round(record.at * 1000))


def comment(record: Acknowledgement) -> str:
    """Return what Alertmanager shows of its silence: who, why, and the mark."""
    verb = "Acknowledged" if record.kind == ACKNOWLEDGE else "Dismissed"
    why = f": {record.comment}" if record.comment else ""
    number, at_ms = mark(record)
    return f"{verb} by {record.who}{why} [ops-exporter {number}@{at_ms}]"


def marked(text: str) -> Mark | None:
    """Return the mark in a silence's comment; None when it is not ours."""
    found = _MARK.search(text)
    return Mark(int(found[1]), int(found[2])) if found else None


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
