"""The API's words and moments in the terms of the catalogue."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

_STATES: Final = {
    "ok": "healthy",
    "healthy": "healthy",
    "degraded": "degraded",
    "warning": "degraded",
    "unhealthy": "down",
    "error": "down",
    "down": "down",
    "not_applicable": "not_applicable",
    "not configured": "not_applicable",
}
_JOB_STATES: Final = {
    "pending": "pending",
    "processing": "processing",
    "completed": "completed",
    "complete": "completed",
    "failed": "failed",
    "skipped": "skipped",
}
# A year that a clock could show; anything else is a unit mistaken or a default.
_EARLIEST_S: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_LATEST_S: Final = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


def health_state(text: str | None) -> str | None:
    """Return the state that *text* means, ``unknown`` for a word that is not known."""
    if text is None:
        return None
    # A service adds why: "unhealthy: ConnectionError …".
    word = text.strip().lower()
    return _STATES.get(word) or _STATES.get(word.partition(":")[0].strip(), "unknown")


def job_state(text: str | None) -> str | None:
    """Return the state of a job, or nothing for a word that is not known."""
    return _JOB_STATES.get(text.strip().lower()) if text else None


def unix_time(text: str | None) -> float | None:
    """Return an ISO 8601 moment as Unix time; without an offset it is UTC. None if it is none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return plausible_time(moment.timestamp())


def plausible_time(unix_s: float | None) -> float | None:
    """Return *unix_s* when it can be a moment of our time, else nothing."""
    if unix_s is None or not math.isfinite(unix_s):
        return None
    return unix_s if _EARLIEST_S < unix_s < _LATEST_S else None


def plus(total: float | None, part: float | None) -> float | None:
    """Add up what may not be known: without one of its parts a sum is not known either."""
    return None if total is None or part is None else total + part


def seconds(milliseconds: float | None) -> float | None:
    """Convert a duration of the API to the base unit."""
    return None if milliseconds is None else milliseconds / 1000


def ratio(percent: float | None) -> float | None:
    """Convert a share of the API to the base unit."""
    return None if percent is None else percent / 100


def megabytes(value: float | None) -> float | None:
    """Convert a size of the API to bytes; 1 MB = 1,000,000 bytes."""
    return None if value is None else value * 1_000_000
