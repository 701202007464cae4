"""The simulated cache: lookups, its largest keys, and how it warms up after it was cleared."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.simulator.processes import poisson, thinned

if TYPE_CHECKING:
    from random import Random

_LOOKUPS_PER_REQUEST: Final = 3.0
_WARM_UP_S: Final = 120.0
_INVALIDATIONS_PER_S: Final = 0.02

# Key -> (share of the hits, bytes when warm). As in life, some hold ids and addresses.
_KEYS: Final = {
    "search:popular:en": (0.16, 1_840_000),
    "graph:neighbours:4711": (0.12, 2_310_000),
    "resource:8f14e45f-ceea-467f-a9d3-12b7c8d5a1e0": (0.08, 412_000),
    "resource:1679091c-5a88-4faf-afb5-e6087eb1b2dc": (0.07, 388_000),
    "taxonomy:tree": (0.06, 960_000),
    "user:ada@example.org:profile": (0.05, 18_000),
    "user:grace@example.org:profile": (0.04, 17_500),
    "embedding:9e107d9d372bb6826bd81d3542a419d6": (0.04, 6_200),
    "collection:42:members": (0.03, 154_000),
    "collection:77:members": (0.02, 97_000),
    "session:1c383cd3": (0.02, 4_100),
    "recommendations:weekly": (0.02, 730_000),
}


@dataclass(slots=True)
class Key:
    """A cached key and its hits since it was stored."""

    name: str
    share: float
    warm_bytes: int
    hits: int = 0


class Cache:
    """
    Hits and misses since the backend started.

    Attributes:
        warmth: 0 just after it was cleared, 1 when it holds what it can.
    """

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.warmth = 1.0
        self.keys = [Key(name, share, size) for name, (share, size) in _KEYS.items()]
        self.restart()

    def restart(self) -> None:
        """Start the backend's own counters anew; what is cached lives elsewhere and stays."""
        self.hits = 0
        self.misses = 0
        self.invalidations = 0

    def clear(self) -> None:
        """Forget everything that is cached."""
        self.warmth = 0.0
        self.invalidations += len(self.keys)
        for key in self.keys:
            key.hits = 0

    def step(self, step_s: float, request_rate: float, hit_percent: float) -> None:
        """Look up what users need in *step_s* seconds."""
        rng = self._rng
        lookups = poisson(rng, request_rate * _LOOKUPS_PER_REQUEST * step_s)
        hits = thinned(rng, lookups, hit_percent / 100)
        self.hits += hits
        self.misses += lookups - hits
        self.invalidations += poisson(rng, _INVALIDATIONS_PER_S * step_s)
        for key in self.keys:
            key.hits += thinned(rng, hits, key.share)
        self.warmth = 1.0 - (1.0 - self.warmth) * math.exp(-step_s / _WARM_UP_S)
