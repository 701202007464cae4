"""
What people have set on the page of preferences: each change is a version, the highest is in force.

Only what differs from the configuration is kept, so that a later change there is not in vain.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from exporter.catalogue.rules import ALERTS
from exporter.store.schema import PREFERENCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from exporter.catalogue.alerting import Alert
    from exporter.settings import Settings

# The same alert may be there for several severities; they share threshold and switch.
BY_NAME: Final[Mapping[str, Alert]] = MappingProxyType({a.name: a for a in reversed(ALERTS)})
# By unit. More than a week, or than a billion of anything, is a slip of the finger.
_MOST: Final = {"ratio": (1.0, "100 %"), "seconds": (7 * 86400.0, "a week"), "": (1e9, "1e9")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """
    What people have set.

    Attributes:
        version: 0: nothing yet.
        thresholds: In base units, by name of the alert.
        enabled: Whether an alert is on, by its name.
        sound: Of new alerts on the page of live alerts.
        who: Who has set it.
        at: When, Unix seconds.
    """

    version: int = 0
    thresholds: Mapping[str, float] = field(default_factory=dict)
    enabled: Mapping[str, bool] = field(default_factory=dict)
    sound: bool = True
    who: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """
    What holds for an alert.

    Attributes:
        threshold: In base units; None for an alert that judges a state.
        default_threshold: The same without what people have set.
    """

    alert: Alert
    threshold: float | None
    enabled: bool
    default_threshold: float | None
    default_enabled: bool


class PreferencesError(Exception):
    """
    Raised when preferences cannot be right; nothing was saved.

    Attributes:
        problems: A sentence for each, by name of the alert.
    """

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in problems.items()))
        self.problems = problems


class Conflict(Exception):  # noqa: N818 - nobody has made a mistake
    """
    Raised when somebody else was faster; nothing was saved.

    Attributes:
        current: What is in force now.
    """

    def __init__(self, current: Preferences) -> None:
        super().__init__(f"{current.who} has saved other preferences meanwhile")
        self.current = current


def current(connection: Connection) -> Preferences:
    """Return what is in force."""
    row = connection.execute(
        select(PREFERENCES).order_by(PREFERENCES.c.version.desc()).limit(1)
    ).first()
    if row is None:
        return Preferences()
    data: Mapping[str, Any] = row.data
    return Preferences(
        version=row.version,
        thresholds=data.get("thresholds", {}),
        enabled=data.get("enabled", {}),
        sound=data.get("sound", True),
        who=row.who,
        at=row.at,
    )


def save(
    connection: Connection,
    settings: Settings,
    *,
    version: int,
    thresholds: Mapping[str, float],
    enabled: Mapping[str, bool],
    sound: bool,
    who: str,
    now: float,
) -> Preferences:
    """
    Put others in force, as a whole, in place of *version*; what is as by default is left out.

    Raises:
        PreferencesError: Some of them cannot be right.
        Conflict: *version* is not in force any more.
    """
    if problems := dict(_problems(thresholds, enabled)):
        raise PreferencesError(problems)
    defaults = in_force(settings, Preferences())
    data = {
        "thresholds": {
            name: float(value)
            for name, value in thresholds.items()
            if value != defaults[name].default_threshold
        },
        "enabled": {n: on for n, on in enabled.items() if on is not defaults[n].default_enabled},
        "sound": sound,
    }
    before = current(connection)
    if before.version != version:
        raise Conflict(before)
    row = {"version": version + 1, "at": now, "who": who, "data": data}
    try:
        with connection.begin_nested():
            connection.execute(insert(PREFERENCES).values(row))
    except IntegrityError:  # another replica has saved between our look and our word
        raise Conflict(current(connection)) from None
    return current(connection)


def in_force(settings: Settings, saved: Preferences) -> dict[str, InForce]:
    """Return what holds for each alert of the catalogue, by its name and in its order."""
    return {alert.name: _of(alert, settings, saved) for alert in dict.fromkeys(map(_first, ALERTS))}


def highest(alert: Alert) -> float | None:
    """Return the highest threshold that may be set, in base units; None without a threshold."""
    return _MOST[alert.limit.threshold.unit][0] if alert.limit else None


def _first(alert: Alert) -> Alert:
    return BY_NAME[alert.name]


def _of(alert: Alert, settings: Settings, saved: Preferences) -> InForce:
    configured = settings.alerts.get(alert.name)
    default = alert.limit.threshold.value if alert.limit else None
    if configured is not None and configured.threshold is not None:
        default = configured.threshold
    default_enabled = configured.enabled if configured is not None else True
    # What an earlier version of this program has kept may be of an alert that has changed since.
    threshold, enabled = saved.thresholds.get(alert.name), saved.enabled.get(alert.name)
    usable = threshold is not None and not _of_threshold(alert, threshold)
    return InForce(
        alert=alert,
        threshold=threshold if usable else default,
        enabled=default_enabled if enabled is None or not alert.switchable else enabled,
        default_threshold=default,
        default_enabled=default_enabled,
    )


def _problems(
    thresholds: Mapping[str, float], enabled: Mapping[str, bool]
) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys((*thresholds, *enabled)):
        alert = BY_NAME.get(name)
        if alert is None:
            yield name, "There is no such alert."
        elif name in thresholds and (problem := _of_threshold(alert, thresholds[name])):
            yield name, problem
        elif enabled.get(name) is False and not alert.switchable:
            yield name, "It cannot be off: nobody would know that nothing works."


def _of_threshold(alert: Alert, value: float) -> str:
    if alert.limit is None:
        return "It judges a state and has no threshold."
    most, words = _MOST[alert.limit.threshold.unit]
    if isinstance(value, bool) or not math.isfinite(value) or not 0 <= value <= most:
        return f"Write a number from 0 to {words}."
    return ""
