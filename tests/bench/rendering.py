"""Time to render and compress a page, once per change."""

from __future__ import annotations

import gzip
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from prometheus_client import generate_latest

from exporter.exposition import Families, Page

from . import synthetic
from .client import registry
from .report import Figure, Goal, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZES: Final = (3_000, 30_000)
RENDER_MS_MAX: Final = {30_000: 25.0}

_TIMES: Final = 15
_OPENMETRICS: Final = "application/openmetrics-text"


def measure() -> Iterator[Section]:
    """Yield a section for each number of samples."""
    for samples in SIZES:
        yield Section(f"rendering {samples:,} samples, once per change", _figures(samples))


def _figures(samples: int) -> list[Figure]:
    snapshots = [synthetic.snapshot(samples, seed) for seed in range(2)]
    theirs = registry(snapshots[0])
    client_ms = _ms(lambda: lambda: generate_latest(theirs), times=3)
    page = generate_latest(theirs)
    client_gzip_ms = _ms(lambda: lambda: gzip.compress(page), times=3)
    limit = RENDER_MS_MAX.get(samples)
    goal = Goal(limit=limit, text="with gzip") if limit else None

    def changed(accept: str, encoding: str) -> float:
        """Every value is another one, the series are the same."""
        version = 0
        current = Families(version, snapshots[0])
        own = Page(lambda: current)
        own.get("", "")

        def change() -> Callable[[], object]:
            nonlocal version, current
            version += 1
            current = Families(version, snapshots[version % 2])
            return lambda: own.get(accept, encoding)

        return _ms(change)

    def cold(accept: str, encoding: str) -> float:
        """Nothing is known yet, as at the first scrape."""
        families = Families(0, snapshots[0])
        return _ms(lambda: lambda: Page(lambda: families).get(accept, encoding))

    both_ms = client_ms + client_gzip_ms
    return [
        Figure(name="text format", unit="ms", ours=changed("", ""), client=client_ms),
        Figure(name="OpenMetrics", unit="ms", ours=changed(_OPENMETRICS, "")),
        Figure(name="with gzip", unit="ms", ours=changed("", "gzip"), client=both_ms, goal=goal),
        Figure(name="with gzip, first page", unit="ms", ours=cold("", "gzip"), client=both_ms),
    ]


def _ms(prepare: Callable[[], Callable[[], object]], times: int = _TIMES) -> float:
    """Return the median of *times* runs of what *prepare* returns, without the preparing."""
    taken = []
    for _ in range(times):
        run = prepare()
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return median(taken) * 1e3
