"""The simulated backend's method timings: how long its services take, since it started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.simulator.processes import log_normal_below, poisson, thinned

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

_SLOW_MS: Final = 1000.0
_SPREAD: Final = 0.7

# Method -> (calls for each request of a user, the quantity in milliseconds that it takes).
_METHODS: Final = {
    "app.modules.search.service.SearchService.search": (0.24, "modules.search.response_time"),
    "app.modules.resources.service.ResourceService.list": (0.4, "modules.resources.response_time"),
    "app.modules.graph.service.GraphService.neighbors": (0.06, "modules.graph.response_time"),
    "app.modules.annotations.service.AnnotationService.list": (
        0.12,
        "modules.annotations.response_time",
    ),
    "app.modules.quality.service.QualityService.score": (0.05, "modules.quality.response_time"),
}


@dataclass(slots=True)
class Timing:
    """Calls of one method and the time that they took."""

    count: int = 0
    total_ms: float = 0.0


class Methods:
    """Timings of each method called so far, and how many calls were slow."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.restart()

    def restart(self) -> None:
        """Start counting anew."""
        self.timings: dict[str, Timing] = {}
        self.slow = 0

    def step(self, users: int, numbers: Mapping[str, float]) -> None:
        """Make the calls that *users* requests need."""
        for method, (calls, quantity) in _METHODS.items():
            count = poisson(self._rng, users * calls)
            if count:
                timing = self.timings.setdefault(method, Timing())
                timing.count += count
                timing.total_ms += count * numbers[quantity]
                slow = 1.0 - log_normal_below(_SLOW_MS, numbers[quantity], _SPREAD)
                self.slow += thinned(self._rng, count, slow)
