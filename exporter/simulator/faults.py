"""Faults that are switched on, how they are described and what they do to a value."""

from __future__ import annotations

import difflib
import itertools
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from exporter.simulator import endpoints, quantities
from exporter.simulator.kinds import KINDS, Kind, Where

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class FaultError(Exception):
    """Raised when a fault is described wrongly; the text says what would be right."""


_ALIASES: Final = {"500": "http_500"}
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, None: 1.0}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fault:
    """
    One fault in the table, from unix time *since* to just before *until*.

    Attributes:
        path: The quantity or state that it distorts; empty for faults of the transport.
        memory: What the fault has to remember, such as the value that is stuck.
    """

    id: int
    kind: Kind
    parameters: Mapping[str, object]
    path: str
    since: float
    until: float
    memory: dict[object, object] = field(default_factory=dict)

    def number(self, name: str) -> float:
        """Return the numeric parameter *name*."""
        value = self.parameters[name]
        assert isinstance(value, int | float)  # noqa: S101  # checked when the fault was read
        return float(value)

    def text(self, name: str) -> str:
        """Return the text parameter *name*."""
        return str(self.parameters[name])

    def active(self, at: float) -> bool:
        """Tell whether the fault is switched on at unix time *at*."""
        return self.since <= at < self.until

    def hits(self, endpoint: str) -> bool:
        """Tell whether the fault changes how *endpoint* answers."""
        return (
            self.kind.where is Where.TRANSPORT
            and not self.path
            and self.parameters["endpoint"] in {"*", endpoint}
        )

    def distort(self, value: float) -> float:
        """Return what the fault makes of the natural *value* of its quantity."""
        match self.kind.name:
            case "spike" | "drop":
                return value * self.number("factor")
            case "level_shift":
                return value * self.number("factor") + self.number("offset")
            case "set":
                return self.number("value")
            case _:
                stuck = self.memory.setdefault("value", value)
                assert isinstance(stuck, float)  # noqa: S101  # only this line fills it
                return stuck


class Faults:
    """The faults that are switched on, or will be: a scenario's lie in the future."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._ids = itertools.count(1)

    def __iter__(self) -> Iterator[Fault]:
        return iter(tuple(self._faults.values()))

    def __contains__(self, fault: object) -> bool:
        return fault in self._faults.values()

    def __len__(self) -> int:
        return len(self._faults)

    def add(self, description: Mapping[str, object], now: float) -> Fault:
        """
        Switch on the fault that *description* (decoded JSON or YAML) speaks of.

        Raises:
            FaultError: If the kind, a parameter or a value is not known.
        """
        given = dict(description)
        kind = _kind(given.pop("kind", None))
        lasts = given.pop("for", None)
        for_s = kind.for_s if lasts is None else seconds(lasts, "for")
        parameters = _parameters(kind, given)
        path = _path(kind, parameters)
        fault = Fault(
            id=next(self._ids),
            kind=kind,
            parameters=parameters,
            path=path,
            since=now,
            until=now + for_s,
        )
        self._faults[fault.id] = fault
        return fault

    def remove(self, number: int) -> Fault | None:
        """Switch off the fault with this id; None when there is none."""
        return self._faults.pop(number, None)

    def clear(self) -> int:
        """Switch off all faults, those to come too, and return how many there were."""
        count = len(self._faults)
        self._faults.clear()
        return count

    def forget(self, at: float) -> None:
        """Drop the faults that are over at unix time *at*."""
        for fault in self:
            if fault.until <= at:
                del self._faults[fault.id]


def seconds(value: object, name: str) -> float:
    """
    Read a duration: a number of seconds, or a text such as ``30s``, ``5m``, ``1h``.

    Raises:
        FaultError: If it is neither, or negative.
    """
    match = _DURATION.fullmatch(str(value)) if not isinstance(value, bool) else None
    if match is None:
        message = f"{name}: {_shown(value)}: write a number and s, m or h, for example 30s"
        raise FaultError(message)
    return float(match[1]) * _UNITS[match[2]]


def _kind(name: object) -> Kind:
    if name is None:
        message = f"kind: is missing; there are {', '.join(KINDS)}"
        raise FaultError(message)
    name = _ALIASES.get(str(name), str(name))
    if name not in KINDS:
        raise FaultError(_unknown("kind", name, "no such kind of fault", tuple(KINDS)))
    return KINDS[name]


def _parameters(kind: Kind, given: Mapping[str, object]) -> dict[str, object]:
    for name, value in given.items():
        if name not in kind.parameters:
            known = (*kind.parameters, "for")
            message = f"{name}: {kind.name} has no such parameter{_hint(str(name), known)}"
            raise FaultError(message)
        default = kind.parameters[name]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        fits = number if isinstance(default, float) else isinstance(value, type(default))
        if default is not None and not fits:
            wanted = {float: "a number", bool: "true or false", str: "a text"}[type(default)]
            message = f"{name}: {_shown(value)}: must be {wanted}"
            raise FaultError(message)
    parameters = {**kind.parameters, **given}
    _one_of("endpoint", parameters, ("*", *endpoints.NAMES))
    _one_of("worker", parameters, quantities.WORKERS)
    _one_of("module", parameters, ("", *quantities.MODULES))
    _one_of("model", parameters, ("", *quantities.MODELS))
    return parameters


def _one_of(name: str, parameters: Mapping[str, object], known: tuple[str, ...]) -> None:
    if name in parameters and parameters[name] not in known:
        names = tuple(filter(None, known))
        raise FaultError(_unknown(name, parameters[name], f"no such {name}", names))


def _unknown(name: str, value: object, what: str, known: tuple[str, ...], *, rest: str = "") -> str:
    return f"{name}: {_shown(value)}: {what}{_hint(str(value), known, rest)}"


def _hint(value: str, known: tuple[str, ...], rest: str = "") -> str:
    """Return the name most like *value*, or what there is."""
    alike = difflib.get_close_matches(value, known, n=1)
    if not alike:
        # Of a dotted name the last part is often all that somebody remembers.
        alike = [name for name in known if value and name.rsplit(".", 1)[-1] == value][:1]
    return (
        f"; did you mean {alike[0]}?" if alike else f"; {rest or 'there are ' + ', '.join(known)}"
    )


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _path(kind: Kind, parameters: Mapping[str, object]) -> str:
    """Return the name of the quantity or state that the parameters speak of, or nothing."""
    if "path" not in kind.parameters:
        return ""
    path, metric = str(parameters["path"]), str(parameters["metric"])
    if module := parameters["module"]:
        path = f"modules.{module}.{metric or 'response_time'}"
    elif model := parameters["model"]:
        path = f"models.{model}.{metric or 'inference_time'}"
    path = path or metric
    if not path and kind.name == "stuck_value":
        return ""
    states = quantities.STATES if kind.name == "set" else {}
    known = (*quantities.NUMBERS, *states)
    if not path:
        message = (
            f"path: is missing; {kind.name} needs it, for example error_rate; /-/world has all"
        )
        raise FaultError(message)
    if path not in known:
        if path in quantities.STATES:
            message = f'path: "{path}": is a state, which only kind set can force'
            raise FaultError(message)
        raise FaultError(_unknown("path", path, "no such quantity", known, rest="/-/world has all"))
    if kind.name == "set":
        _check_value(path, parameters["value"])
    return path


def _check_value(path: str, value: object) -> None:
    if path in quantities.STATES:
        if value not in quantities.STATES[path]:
            states = quantities.STATES[path]
            raise FaultError(_unknown("value", value, f"no state of {path}", tuple(states)))
    elif not isinstance(value, int | float):
        message = f"value: {_shown(value)}: must be a number"
        raise FaultError(message)
