"""Scenarios: faults planned in a file, relative to the start of the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from exporter.simulator.faults import FaultError, seconds

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.faults import Faults

_KEYS = {"at", "fault", "for"}


class ScenarioError(Exception):
    """Raised when a scenario file is wrong; each line of the text names a place and what to do."""


def plan(path: Path, faults: Faults, start: float) -> int:
    """
    Put the faults of the scenario at *path* into the table, counted from unix time *start*.

    The file is a list; each entry has ``at`` (when, after the start), ``fault`` (as in
    ``POST /-/faults``) and, unless it lasts to the end, ``for``::

        - at: 30s
          fault: {kind: slow, endpoint: cache, seconds: 3}
          for: 60s

    Returns:
        How many faults were planned.

    Raises:
        ScenarioError: If the file cannot be read, or an entry is wrong.
    """
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "not UTF-8").lower()
        message = f'--scenario: "{path}": cannot be read ({reason}); name a YAML file'
        raise ScenarioError(message) from error
    except yaml.YAMLError as error:
        message = f"{path}: {error}"
        raise ScenarioError(message) from error
    if not isinstance(entries, list):
        message = f"{path}: must be a list of entries with at, fault and for"
        raise ScenarioError(message)
    problems = []
    for place, entry in enumerate(entries):
        try:
            _plan_one(entry, faults, start)
        except FaultError as error:
            problems.append(f"{path}: [{place}].{error}")
    if problems:
        raise ScenarioError("\n".join(problems))
    return len(entries)


def _plan_one(entry: object, faults: Faults, start: float) -> None:
    if not isinstance(entry, dict) or not {"at", "fault"} <= entry.keys() <= _KEYS:
        message = f"entry: {entry!r}: must have at and fault, and may have for"
        raise FaultError(message)
    if not isinstance(entry["fault"], dict):
        message = f"fault: {entry['fault']!r}: must be a mapping with a kind"
        raise FaultError(message)
    lasts = {"for": entry["for"]} if "for" in entry else {}
    faults.add({**entry["fault"], **lasts}, start + seconds(entry["at"], "at"))
