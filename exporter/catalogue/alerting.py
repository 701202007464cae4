"""The kinds of things that alert rules are made of, with the conventions that they must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exporter.catalogue.actions import Route
    from exporter.catalogue.dashboards import Panel
    from exporter.catalogue.model import Metric, Severity

_ALERT_NAME: Final = re.compile(r"Ops[A-Z][A-Za-z]{1,36}")
_RECORD_NAME: Final = re.compile(r"[a-z_]+:ops_[a-z0-9_]+:[a-z0-9_]+")
_HOLD: Final = re.compile(r"([1-9][0-9]*[smh])?")
_LABEL: Final = re.compile(r"\$labels\.(\w+)")
# How a template of Prometheus writes a number of a unit.
_HUMANIZE: Final = {
    "ratio": " | humanizePercentage",
    "seconds": " | humanizeDuration",
    "": ' | printf "%.0f"',
}
# More than this in one group is hard to read, and its rules are evaluated one after the other.
_GROUP_MAX: Final = 20
_MINUTE_S: Final = 60

# The threshold in force of each alert that has one, and whether an alert is switched on: what
# people set, or else the default (`rules.preferences`): that of the setting `alerts`, or ours.
THRESHOLD: Final = "alert:ops_alert_threshold:current"
DEFAULT: Final = "alert:ops_alert_threshold:default"
ENABLED: Final = "alert:ops_alert_enabled:current"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """
    A limit: it stands in an expression, colours a panel and is told in the documentation.

    Attributes:
        value: In the base unit.
        unit: ``ratio``, ``seconds``, or nothing for a count.
    """

    value: float
    unit: str = ""

    def __str__(self) -> str:
        """Return the number as PromQL has it."""
        return f"{self.value:g}"

    @property
    def text(self) -> str:
        """The limit as a person writes it: ``5 %``, ``500 ms``, ``5 min``, ``100``."""
        size, unit = self.scale
        return f"{self.value / size:g}{unit}"

    @property
    def scale(self) -> tuple[float, str]:
        """How large the unit is in which a person writes it, and what stands for it."""
        match self.unit:
            case "ratio":
                return 0.01, " %"
            case "seconds" if self.value < 1:
                return 0.001, " ms"
            case "seconds" if self.value < _MINUTE_S:
                return 1, " s"
            case "seconds":
                return _MINUTE_S, " min"
        return 1, ""


@dataclass(frozen=True, slots=True)
class Limit:
    """
    What the value of an alert is compared with: the threshold in force, not the default.

    Args:
        alert: The alert whose threshold it is.
        factor: The limit is this many times the threshold.
    """

    alert: str
    threshold: Threshold
    factor: int = 1

    @property
    def expr(self) -> str:
        """The PromQL of one number without labels."""
        times = f"{self.factor} * " if self.factor != 1 else ""
        return f'{times}{THRESHOLD}{{alert="{self.alert}"}}'

    def beyond(self, operator: str) -> str:
        """Return the PromQL that keeps what is above (``>``) or below (``<``) the limit."""
        return f"{operator} on () group_left () {self.expr}"

    @property
    def text(self) -> str:
        """The template of the limit in force, for people."""
        query = self.expr.replace('"', "'")
        return f'{{{{ with query "{query}" }}}}{{{{ . | first | value{self._as} }}}}{{{{ end }}}}'

    @property
    def value_text(self) -> str:
        """The template of the alert's own value, for people."""
        return f"{{{{ $value{self._as} }}}}"

    @property
    def _as(self) -> str:
        return _HUMANIZE[self.threshold.unit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A recording rule; its name says ``level:metric:operations``."""

    record: str
    expr: str

    def __post_init__(self) -> None:
        if not _RECORD_NAME.fullmatch(self.record):
            message = f"{self.record}: must be level:ops_metric:operations"
            raise ValueError(message)

    def __str__(self) -> str:
        """Return the name, so that an f-string of PromQL just works."""
        return self.record


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """
    An alert rule.

    Attributes:
        expr: PromQL; several lines where that reads better.
        by: The labels of what *expr* returns.
        linked: Those that links hand on as variables; all of them when it is empty.
        hold: How long it must hold before it fires, at least two scrapes; nothing for an
            expression that looks back over several answers by itself.
        keep: How long it goes on firing when it does not hold any more: a value that swings about
            its limit is one alert.
        summary: One sentence without number, label or template: what is wrong.
        description: A template with the value and the labels.
        panel: Where to look.
        limit: What the value of *expr* is compared with; None for a state.
        tells_value: Every value of *expr* is such a quantity, so people are told it.
        actions: What a person can do about it from the notification.
        metrics: What it judges: an anomaly of one of these is the same fault.
        switchable: People can switch it off.
    """

    name: str
    expr: str
    by: tuple[str, ...] = ("backend",)
    hold: str = ""
    keep: str = ""
    severity: Severity
    summary: str
    description: str
    panel: Panel
    limit: Limit | None = None
    tells_value: bool = True
    linked: tuple[str, ...] = ()
    actions: tuple[Route, ...] = ()
    metrics: tuple[Metric, ...] = ()
    switchable: bool = True

    def __post_init__(self) -> None:
        if not _ALERT_NAME.fullmatch(self.name):
            message = f"{self.name}: must be Ops and CamelCase, at most 40 letters"
            raise ValueError(message)
        for duration in (self.hold, self.keep):
            if not _HOLD.fullmatch(duration):
                message = f"{self.name}: hold {duration!r} must be a number and s, m or h"
                raise ValueError(message)
        if self.limit is not None and self.limit.alert != self.name:
            message = f"{self.name}: its limit is that of {self.limit.alert}"
            raise ValueError(message)
        if not self.summary.endswith(".") or re.search(r"[0-9{}$]", self.summary):
            message = f"{self.name}: summary is a sentence without number or template"
            raise ValueError(message)
        if not self.description.endswith(".") or "{{" not in self.description:
            message = f"{self.name}: description is a sentence with what is known as a template"
            raise ValueError(message)
        if not set(_LABEL.findall(self.description)) <= set(self.by):
            message = f"{self.name}: description has labels that the alert has not: {self.by}"
            raise ValueError(message)

    @property
    def anchor(self) -> str:
        """The id of its heading in the runbook."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleGroup:
    """Rules that are evaluated together, in one file of the same name."""

    name: str
    rules: tuple[Alert | Recording, ...]

    def __post_init__(self) -> None:
        if not 0 < len(self.rules) <= _GROUP_MAX:
            message = f"{self.name}: a group has 1 to {_GROUP_MAX} rules"
            raise ValueError(message)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alert rules of the group, without what it records."""
        return tuple(rule for rule in self.rules if isinstance(rule, Alert))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """
    While a *source* fires, its *targets* are not notified.

    Attributes:
        equal: Labels that must be equal on both; both sides must have them.
        source_severity: Sources of this severity only.
        target_severity: Targets of this severity only.
        target_labels: Labels that the targets must have, with a regular expression of their value.
    """

    sources: tuple[Alert, ...]
    targets: tuple[Alert, ...]
    equal: tuple[str, ...] = ()
    source_severity: Severity | None = None
    target_severity: Severity | None = None
    target_labels: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for alert in (*self.sources, *self.targets):
            if not set(self.equal) <= {*alert.by, "alertname"}:
                message = f"{alert.name}: has not all of the labels {self.equal}"
                raise ValueError(message)

    @property
    def source_matchers(self) -> tuple[str, ...]:
        """What selects the sources, in Alertmanager's notation."""
        return _matchers(self.sources, self.source_severity)

    @property
    def target_matchers(self) -> tuple[str, ...]:
        """What selects the targets, in Alertmanager's notation."""
        more = (f'{name}=~"{pattern}"' for name, pattern in self.target_labels)
        return (*_matchers(self.targets, self.target_severity), *more)


def _matchers(alerts: tuple[Alert, ...], severity: Severity | None) -> tuple[str, ...]:
    names = "|".join(dict.fromkeys(alert.name for alert in alerts))
    name = f'alertname=~"{names}"' if "|" in names else f'alertname="{names}"'
    return (name,) if severity is None else (name, f'severity="{severity}"')
