"""States as people read them: a sign, a word and a colour, the same as on the dashboards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from exporter.actions.model import State
from exporter.catalogue.verdicts import Tone

# Neither good nor bad: it is on its way.
_INFO: Final = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """
    A state.

    Attributes:
        tone: Of the colour: good, warn, bad, idle or info.
        sign: For those who see no colour.
    """

    tone: str
    sign: str
    word: str


def _mark(tone: Tone, word: str) -> Mark:
    return Mark(tone=tone, sign=tone.sign, word=word)


GOOD: Final = _mark(Tone.GOOD, "good")
# What the backend, or the configuration, has no way for.
NOT_OFFERED: Final = _mark(Tone.IDLE, "not offered by this backend")
RUNNING: Final = Mark(tone=_INFO, sign="▶", word="running")
OUTCOMES: Final = {
    State.STARTED.value: RUNNING,
    State.DONE.value: _mark(Tone.GOOD, "done"),
    State.REFUSED.value: _mark(Tone.WARN, "not done"),
    State.FAILED.value: _mark(Tone.BAD, "failed"),
    State.UNKNOWN.value: Mark(tone=Tone.WARN, sign="?", word="unknown outcome"),
}
JOBS: Final = {
    "pending": Mark(tone=Tone.IDLE, sign="◷", word="pending"),
    "processing": Mark(tone=_INFO, sign="▶", word="processing"),
    "completed": _mark(Tone.GOOD, "completed"),
    "failed": _mark(Tone.BAD, "failed"),
    "skipped": _mark(Tone.IDLE, "skipped"),
}
HEALTH: Final = {
    "healthy": _mark(Tone.GOOD, "healthy"),
    "degraded": _mark(Tone.WARN, "degraded"),
    "down": _mark(Tone.BAD, "down"),
    "unknown": _mark(Tone.IDLE, "unknown"),
    "not_applicable": _mark(Tone.IDLE, "not applicable"),
    "online": _mark(Tone.GOOD, "online"),
    "offline": _mark(Tone.BAD, "offline"),
}
SEVERITIES: Final = {
    "info": Mark(tone=_INFO, sign="i", word="info"),
    "warning": _mark(Tone.WARN, "warning"),
    "critical": _mark(Tone.BAD, "critical"),
}


def outcome(state: str) -> Mark:
    """Return the mark of a row of the audit."""
    return OUTCOMES.get(state) or _mark(Tone.IDLE, state)


def job(status: str) -> Mark:
    """Return the mark of an ingestion job."""
    return JOBS.get(status) or _mark(Tone.IDLE, status)


def health(status: str) -> Mark:
    """Return the mark of a part of the product."""
    return HEALTH.get(status) or _mark(Tone.IDLE, status)


def severity(word: str) -> Mark:
    """Return the mark of an alert's severity, also of one that others have thought of."""
    return SEVERITIES.get(word) or _mark(Tone.IDLE, word or "no severity")
