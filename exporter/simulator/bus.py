"""The simulated event bus: what is emitted, to how many handlers, and the latest events."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.simulator.processes import Window, identifier, poisson, thinned

if TYPE_CHECKING:
    from random import Random

    from exporter.simulator.answer import Json

# The real bus remembers as many.
_HISTORY: Final = 1000
# No client asks for more at a time; events between two polls beyond this are only counted.
_REMEMBERED_PER_STEP: Final = 100
_FAILURE_RATIO: Final = 3e-5

# What users cause -> events per second on an average day.
_RATES: Final = {
    "search.executed": 0.22,
    "resource.updated": 0.06,
    "resource.created": 0.03,
    "annotation.created": 0.03,
    "collection.created": 0.003,
    "cache.invalidated": 0.01,
}
_HANDLERS: Final = {"resource.created": 3, "resource.updated": 2, "ingestion.completed": 2}
_PRIORITIES: Final = {"ingestion.failed": "HIGH", "cache.invalidated": "LOW"}
_PEOPLE: Final = ("ada", "grace", "edsger", "barbara", "alan", "radia")


@dataclass(frozen=True, slots=True)
class Event:
    """One event, with what its emitter put into it: user data."""

    name: str
    at: float
    data: Json
    correlation: str

    @property
    def priority(self) -> str:
        """How urgently handlers treat it."""
        return _PRIORITIES.get(self.name, "NORMAL")


class EventBus:
    """
    Counts and remembers events.

    Attributes:
        counts: Type -> events since the backend started.
        windows: Type -> events of the last week, from the database: a restart keeps them.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.windows = {name: Window() for name in _RATES}
        self.restart()

    def restart(self) -> None:
        """Forget what a backend keeps in memory only."""
        self.counts: Counter[str] = Counter()
        self.delivered = 0
        self.failed = 0
        self.history: deque[Event] = deque(maxlen=_HISTORY)

    def step(self, now: float, step_s: float, busy: float) -> Counter[str]:
        """Emit what users cause in the *step_s* seconds before *now*; return how many of each."""
        rng = self._rng
        new = Counter({name: poisson(rng, rate * busy * step_s) for name, rate in _RATES.items()})
        moments = []
        for name, count in new.items():
            self.windows[name].add(now, count)
            self._count(name, count)
            moments += [(now - step_s * rng.random(), name) for _ in range(count)]
        for at, name in sorted(moments)[-_REMEMBERED_PER_STEP:]:
            self._remember(name, at, {"user": f"{rng.choice(_PEOPLE)}@example.org"})
        return new

    def emit(self, name: str, at: float, data: Json) -> None:
        """Emit one event."""
        self._count(name, 1)
        self._remember(name, at, data)

    def latest(self, limit: int) -> list[Event]:
        """Return the last *limit* events, the newest last."""
        # Within one step, events of different origin are remembered out of order.
        return sorted(self.history, key=lambda event: event.at)[-limit:]

    def _count(self, name: str, count: int) -> None:
        if not count:
            return
        runs = count * _HANDLERS.get(name, 1)
        failed = thinned(self._rng, runs, _FAILURE_RATIO)
        self.counts[name] += count
        self.delivered += runs - failed
        self.failed += failed

    def _remember(self, name: str, at: float, data: Json) -> None:
        self.history.append(Event(name, at, data, identifier(self._rng)))
