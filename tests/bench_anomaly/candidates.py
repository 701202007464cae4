"""The detectors that are compared: ours, the design's z-score, and what else is in common use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np

from exporter.anomaly import AUTO, DEFAULT_THRESHOLD
from exporter.anomaly.rates import Rates
from exporter.anomaly.zscore import ZScore

from .adapter import Ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.anomaly.arrays import BoolArray, FloatArray

# How many samples before a baseline says anything.
_LEAST: Final = 10


class Scorer(Protocol):
    """Scores n series, one moment after the other."""

    def update_many(self, timestamps: FloatArray, values: FloatArray) -> FloatArray:
        """Return scores, shape (n,), the higher the more unusual."""


class Baseline:
    """A rule of common use; it, too, sees the rate of a counter instead of the counter."""

    def __init__(self, n: int) -> None:
        self._rates = Rates(np.full(n, AUTO, np.int8))

    def update_many(self, timestamps: FloatArray, values: FloatArray) -> FloatArray:
        """Return the size of the deviation, 0 where there is none to tell."""
        x, _ = self._rates.update(timestamps, values, np.isfinite(values))
        return np.nan_to_num(np.abs(self.deviation(x, np.isfinite(x))))

    def deviation(self, values: FloatArray, usable: BoolArray) -> FloatArray:
        """Return the deviation of *values* from what came before, in the rule's own unit."""
        raise NotImplementedError


class PlainZ(Baseline):
    """The design's rule."""

    def __init__(self, n: int, window: int = 120) -> None:
        super().__init__(n)
        self._windows = ZScore(n, window)

    def deviation(self, values: FloatArray, usable: BoolArray) -> FloatArray:
        """Return z."""
        return self._windows.update(values, usable)


class LongZ(PlainZ):
    """The same over a day."""

    def __init__(self, n: int) -> None:
        super().__init__(n, window=2_880)


class Ewma(Baseline):
    """Deviation from an exponentially weighted mean, in weighted standard deviations."""

    WEIGHT = 2 / 121

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._mean, self._variance, self._count = np.zeros(n), np.zeros(n), np.zeros(n)

    def deviation(self, values: FloatArray, usable: BoolArray) -> FloatArray:
        """Return the deviation."""
        off = np.where(usable, values - self._mean, 0.0)
        known = usable & (self._count >= _LEAST) & (self._variance > 0)
        out = np.where(known, off / np.sqrt(np.where(known, self._variance, 1.0)), 0.0)
        weight = np.where(usable, np.maximum(self.WEIGHT, 1 / (self._count + 1)), 0.0)
        self._mean += weight * off
        self._variance = (1 - weight) * (self._variance + weight * off * off)
        self._count += usable
        return out


class MedianMad(Baseline):
    """Modified z-score: 0.6745 · (x - median) / MAD of 120 samples (Iglewicz & Hoaglin 1993)."""

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._ring = np.full((120, n), np.nan)
        self._at = 0
        self._r = np.arange(n)

    def deviation(self, values: FloatArray, usable: BoolArray) -> FloatArray:
        """Return the modified z-score; a gap stands in for the value before it."""
        if self._at < _LEAST:
            out = np.zeros(len(values))
        else:
            window = self._ring[: self._at]
            middle = np.median(window, axis=0)
            mad = np.median(np.abs(window - middle), axis=0)
            known = usable & (mad > 0)
            out = np.where(known, 0.6745 * (values - middle) / np.where(known, mad, 1.0), 0.0)
        last = self._ring[(self._at - 1) % len(self._ring)]
        self._ring[self._at % len(self._ring)] = np.where(usable, values, np.nan_to_num(last))
        self._at += 1
        return out


class Candidate(NamedTuple):
    """A detector and the threshold that it is used with."""

    name: str
    make: Callable[[int], Scorer]
    threshold: float


CANDIDATES: Final = (
    Candidate("ours", Ours, DEFAULT_THRESHOLD),
    Candidate("z 120 (design)", PlainZ, np.nextafter(2.0, 3.0)),
    Candidate("z 2880", LongZ, 3.0),
    Candidate("EWMA 120", Ewma, 3.0),
    Candidate("median/MAD 120", MedianMad, 3.5),
)
