"""The simulated task queue: what the cloud workers get done, and what waits."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.processes import Window, poisson, thinned

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_FAILURE_RATIO: Final = 2e-5
_DRAINED_PER_S: Final = 8.0

# Task -> its share of all tasks.
TASKS: Final = {
    "app.tasks.embed_document": 0.46,
    "app.tasks.refresh_recommendations": 0.22,
    "app.tasks.update_graph": 0.18,
    "app.tasks.summarize_document": 0.11,
    "app.tasks.clean_up": 0.03,
}


class TaskQueue:
    """
    Runs of each task on each cloud worker since the backend started, and the backlog.

    Attributes:
        backlog: Tasks that wait beyond the few that always do.
        failures: Failed tasks of the last week.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.backlog = 0.0
        self.failures = Window()
        self.restart()

    def restart(self) -> None:
        """Start the workers' own counters anew; what waits, waits in the broker."""
        self.runs: dict[str, Counter[str]] = {
            worker: Counter() for worker in quantities.CLOUD_WORKERS
        }

    def step(self, now: float, step_s: float, rate: float, online: Sequence[str]) -> None:
        """Let those *online* do *rate* tasks a second together; with none online they wait."""
        for worker in online:
            for task, share in TASKS.items():
                done = poisson(self._rng, rate * share * step_s / len(online))
                self.runs[worker][task] += done
                self.failures.add(now, thinned(self._rng, done, _FAILURE_RATIO))
        if online:
            self.backlog = max(0.0, self.backlog - _DRAINED_PER_S * step_s)
        else:
            self.backlog += rate * step_s

    def pile_up(self, step_s: float, rate: float, limit: float) -> None:
        """Let *rate* tasks a second come on top, until *limit* of them wait."""
        # What the workers would drain meanwhile comes on top too, or the queue would not grow.
        self.backlog = min(limit, self.backlog + (rate + _DRAINED_PER_S) * step_s)
