"""The present state, as a confirmation shows it; what is not known is None."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import metrics as m

if TYPE_CHECKING:
    from exporter.actions.model import Readings

Fact = tuple[str, str | None]
_MB = 1e6


def queue(readings: Readings) -> list[Fact]:
    """Return what somebody wants to know who adds work."""
    waiting = number(readings.value(m.INGESTION_JOBS.name, status="pending"))
    running = number(readings.value(m.INGESTION_JOBS.name, status="processing"))
    facts: list[Fact] = [("Jobs waiting", waiting), ("Jobs being processed", running)]
    # The deployed backend tells none: then it is no fact that could be missing.
    if (length := readings.value(m.QUEUE_LENGTH.name)) is not None:
        facts.append(("Tasks in the queue", number(length)))
    return [*facts, ("Edge worker", _edge_worker(readings))]


def cache(readings: Readings) -> list[Fact]:
    """Return what a cleared cache loses."""
    ratio = readings.value(m.CACHE_HIT_RATIO.name)
    facts: list[Fact] = [("Hit ratio", None if ratio is None else f"{100 * ratio:.1f} %")]
    if (size := readings.value(m.CACHE_SIZE.name)) is not None:
        facts.append(("Size", f"{size / _MB:,.1f} MB"))
    return facts


def number(value: float | None) -> str | None:
    """Return a count as people write it."""
    return None if value is None else f"{value:,.0f}"


def _edge_worker(readings: Readings) -> str | None:
    states = {
        labels["status"]
        for labels, value in readings.samples(m.WORKER_STATUS.name)
        if labels.get("kind") == "edge" and value == 1 and "status" in labels
    }
    return ", ".join(sorted(states)) or None
