"""How fast: many series at once, one series, the z-score alone; and how much memory."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from exporter.anomaly import Detector, Detectors
from exporter.anomaly.zscore import ZScore
from scripts.layout import located

from . import recording_rule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T0: Final = 1.75e9
STEP_S: Final = 30.0
SECONDS: Final = 2.0
WARM_UP: Final = 200
# How many times cheaper than as a recording rule the z-score must be.
CHEAPER: Final = 100


class Speed(NamedTuple):
    """One figure and its goal, which may be empty."""

    name: str
    value: float
    unit: str
    goal: str
    met: bool


def measure() -> list[Speed]:
    """Measure them all, some seconds each."""
    many = Detectors()
    many.append(1_000)
    rows = np.random.default_rng(1).normal(100, 5, (64, 1_000))
    scored = 1_000 / _round(lambda n: many.score(T0 + STEP_S * n, rows[n % 64]))
    judged = 1_000 / _round(lambda n: many.update(T0 + 1e6 + STEP_S * n, rows[n % 64]))
    held = sum(array.nbytes for array in many.state().values()) / 1_000
    one = Detector()
    single = 1 / _round(lambda n: one.update(T0 + STEP_S * n, float(rows[n % 64, 0])))
    small, large = _zscore(3_000) * 1_000, _zscore(30_000) * 1_000
    return [
        Speed("updates, 1,000 series, score", scored, "/s", "≥ 1,000,000", scored >= 1e6),
        Speed("updates, 1,000 series, judgement", judged, "/s", "≥ 1,000,000", judged >= 1e6),
        Speed("updates, one series", single, "/s", "", met=True),
        Speed("state of a series", held, "bytes", "≤ 8,192", held <= 8_192),
        Speed("z-score, a round of 3,000 series", small, "ms", "< 1", small < 1),
        Speed("z-score, a round of 30,000 series", large, "ms", "< 5", large < 5),
        *_as_a_rule({3_000: small, 30_000: large}),
    ]


def _as_a_rule(rounds_ms: dict[int, float]) -> Iterator[Speed]:
    """Compare with a real Prometheus, where there is one."""
    prometheus, promtool = located("prometheus"), located("promtool")
    if prometheus is None or promtool is None:
        sys.exit("The benchmark of speed needs prometheus and promtool.")
    for series, ours in rounds_ms.items():
        theirs = recording_rule.seconds(prometheus, promtool, series) * 1_000
        yield Speed(f"the same as a recording rule, {series:,}", theirs, "ms", "", met=True)
        times = theirs / ours
        yield Speed(
            f"our z-score is cheaper, {series:,}", times, "times", f"≥ {CHEAPER}", times >= CHEAPER
        )


def _round(update: Callable[[int], object]) -> float:
    """Return the seconds of a call, the mean over SECONDS."""
    for n in range(WARM_UP):
        update(n)
    n, begin = WARM_UP, time.perf_counter()
    while (passed := time.perf_counter() - begin) < SECONDS:
        update(n)
        n += 1
    return passed / (n - WARM_UP)


def _zscore(series: int) -> float:
    """Return the seconds of a round of z-scores, windows of 120 full."""
    windows = ZScore(series)
    rows = np.random.default_rng(2).normal(100, 5, (64, series))
    usable = np.ones(series, np.bool_)
    return _round(lambda n: windows.update(rows[n % 64], usable))
