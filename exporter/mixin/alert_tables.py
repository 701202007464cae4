"""The tables of the documentation that tell of alerts: their limits, and what hides what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.catalogue.model import Severity
from exporter.catalogue.rules import ALERTS, INHIBITIONS
from exporter.catalogue.rules.anomalies import ANOMALY
from exporter.mixin.tables import markdown_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from exporter.catalogue.alerting import Alert, Inhibition

_COMPARED: Final = {">=": "at least", ">": "more than", "<": "less than"}
_TIMES: Final = {2: "twice", 3: "three times"}
_UNITS: Final = {"s": " s", "m": " min", "h": " h"}
# A list with more names than this is read by nobody: then what it leaves out is told.
_MANY: Final = 15
_ORDER: Final = list(Severity)


@dataclass(frozen=True, slots=True)
class _Fault:
    """The rules of one name, mildest first; one section of the runbook, one row of a table."""

    rules: tuple[Alert, ...]

    @property
    def mildest(self) -> Alert:
        return self.rules[0]

    @property
    def severity(self) -> str:
        """Each severity, with what makes it so where that is the height of the value."""
        words = ""
        for rule in self.rules:
            factor = rule.limit.factor if rule.limit is not None else 1
            if factor != 1:
                words += f", {rule.severity} beyond {_TIMES[factor]} the threshold"
            else:
                words += f"{' or ' if words else ''}{rule.severity}"
        return words

    @property
    def threshold(self) -> str:
        """The default, and on which side of it is bad; nothing for a state."""
        limit = self.mildest.limit
        if limit is None:
            return ""
        operator = next(o for o in _COMPARED if limit.beyond(o) in self.mildest.expr)
        return f"{_COMPARED[operator]} {_unbroken(limit.threshold.text)}"

    @property
    def hold(self) -> str:
        hold = self.mildest.hold
        return _unbroken(f"{hold[:-1]}{_UNITS[hold[-1]]}" if hold else "at once")


def alerts() -> str:
    """Return the README's table: one row for each name."""
    return markdown_table(
        ("Alert", "Severity", "Threshold", "Fires after", "Meaning"),
        (
            (
                f"[{fault.mildest.name}](docs/runbook.md#{fault.mildest.anchor})",
                fault.severity,
                fault.threshold,
                fault.hold,
                fault.mildest.summary,
            )
            for fault in _faults()
        ),
    )


def thresholds() -> str:
    """Return the runbook's table of what each alert is judged by."""
    return markdown_table(
        ("Alert", "Severity", "Default threshold", "Holds for", "Can be switched off"),
        (
            (
                _linked(fault.mildest),
                fault.severity,
                fault.threshold,
                fault.hold,
                "yes" if fault.mildest.switchable else "no",
            )
            for fault in _faults()
        ),
    )


def inhibitions() -> str:
    """Return the runbook's table of which alert keeps which quiet."""
    rows = [_row(one) for one in INHIBITIONS if one.targets != (ANOMALY,)]
    of_a_metric = [one.sources[0] for one in INHIBITIONS if one.targets == (ANOMALY,)]
    rows.append(
        (", ".join(_linked(alert) for alert in of_a_metric), _linked(ANOMALY), "the same metric")
    )
    return markdown_table(("While this fires", "this is not notified", "of"), rows)


def _faults() -> list[_Fault]:
    names = dict.fromkeys(alert.name for alert in ALERTS)
    return [_Fault(tuple(_mildest_first(name))) for name in names]


def _mildest_first(name: str) -> Iterable[Alert]:
    rules = (alert for alert in ALERTS if alert.name == name)
    return sorted(rules, key=lambda rule: _ORDER.index(rule.severity))


def _row(one: Inhibition) -> tuple[str, str, str]:
    same = ", ".join(label for label in one.equal if label != "alertname")
    sources = f"{one.source_severity or ''} {_names(one.sources)}".strip()
    named = {alert.name for alert in (*one.sources, *one.targets)}
    if one.sources == one.targets:
        targets = f"{one.target_severity} of the same alert"
    elif len(named) > _MANY:
        others = [alert for alert in ALERTS if alert.name not in named]
        targets = f"every other alert but {_names(others)}"
    else:
        targets = _names(one.targets)
    return sources, targets, f"the same {same}" if same else "all"


def _names(alerts_: Sequence[Alert]) -> str:
    """Return each alert once."""
    return ", ".join(dict.fromkeys(_linked(alert) for alert in alerts_))


def _unbroken(words: str) -> str:
    """Keep a number and its unit on one line, however narrow the table is."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _linked(alert: Alert) -> str:
    return f"[{alert.name}](#{alert.anchor})"
