"""The kinds of things that alert rules are made of, with the conventions that they must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exporter.catalogue.actions import Route
    from exporter.catalogue.dashboards import Panel
    from exporter.catalogue.model import Severity

_ALERT_NAME: Final = re.compile(r"Ops[A-Z][A-Za-z]{1,36}")
_RECORD_NAME: Final = re.compile(r"[a-z_]+:ops_[a-z0-9_]+:[a-z0-9_]+")
_HOLD: Final = re.compile(r"[1-9][0-9]*[smh]")
_LABEL: Final = re.compile(r"\$labels\.(\w+)")
# More than this in one group is hard to read, and its rules are evaluated one after the other.
_GROUP_MAX: Final = 20
_MINUTE_S: Final = 60


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
        match self.unit:
            case "ratio":
                return f"{self.value * 100:g} %"
            case "seconds" if self.value < 1:
                return f"{self.value * 1000:g} ms"
            case "seconds" if self.value < _MINUTE_S:
                return f"{self.value:g} s"
            case "seconds":
                return f"{self.value / _MINUTE_S:g} min"
        return f"{self.value:g}"


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
        hold: How long it must hold before it fires, at least two scrapes.
        summary: One sentence without number, label or template: what is wrong.
        description: A template with the value and the labels.
        panel: Where to look.
        actions: What a person can do about it from the notification.
    """

    name: str
    expr: str
    by: tuple[str, ...] = ("backend",)
    hold: str
    severity: Severity
    summary: str
    description: str
    panel: Panel
    linked: tuple[str, ...] = ()
    actions: tuple[Route, ...] = ()

    def __post_init__(self) -> None:
        if not _ALERT_NAME.fullmatch(self.name):
            message = f"{self.name}: must be Ops and CamelCase, at most 40 letters"
            raise ValueError(message)
        if not _HOLD.fullmatch(self.hold):
            message = f"{self.name}: hold {self.hold!r} must be a number and s, m or h"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhibition:
    """
    While a *source* fires, its *targets* are not notified.

    Attributes:
        equal: Labels that must be equal on both; both sides must have them.
    """

    sources: tuple[Alert, ...]
    targets: tuple[Alert, ...]
    equal: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for alert in (*self.sources, *self.targets):
            if not set(self.equal) <= set(alert.by):
                message = f"{alert.name}: has not all of the labels {self.equal}"
                raise ValueError(message)
