"""Times as people read them: always in UTC, and how long ago."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from exporter.web.pages import span

# Clocks differ by a little; more than this lies ahead.
_AHEAD_S: Final = 60.0
_JUST_S: Final = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """
    A point in time.

    Attributes:
        iso: For programs.
        text: ``2026-11-24 02:43:21 UTC``.
        age: ``3 min ago``.
    """

    iso: str
    text: str
    age: str


def moment(unix: float, now: float) -> Moment:
    """Return *unix* (seconds) as it is seen at *now*."""
    at = datetime.fromtimestamp(unix, UTC)
    past_s = now - unix
    age = "just now" if past_s < _JUST_S else f"{span(past_s)} ago"
    return Moment(
        iso=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        text=f"{at:%Y-%m-%d %H:%M:%S} UTC",
        age=f"in {span(-past_s)}" if -past_s > _AHEAD_S else age,
    )


def moment_or_none(unix: float | None, now: float) -> Moment | None:
    """Return the moment, if there is one."""
    return None if unix is None else moment(unix, now)


def took(seconds: float | None) -> str:
    """Write how long something took; nothing when that is not known."""
    if seconds is None:
        return ""
    return f"{seconds * 1000:.0f} ms" if 0 <= seconds < 1 else span(max(0.0, seconds))
