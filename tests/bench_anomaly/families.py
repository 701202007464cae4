"""
Normal series of many kinds, 30 s apart: whatever a detector flags in them is a false alarm.

Each is made from a seed alone. The kinds are those of a backend: rates, latencies, queues, ratios,
counters, jobs at night, business hours.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from exporter.anomaly.arrays import FloatArray

STEP_S: Final = 30.0
DAY: Final = 2_880
# A Monday, 00:00 UTC.
EPOCH: Final = 1_749_427_200.0


class Series(NamedTuple):
    """Values, and what faults are made from."""

    values: FloatArray  # shape (moments,)
    mean: FloatArray  # the undisturbed course
    sigma: float  # deviation from it


def rng_of(*key: object) -> np.random.Generator:
    """Return the same random numbers for the same key, on every machine."""
    return np.random.default_rng([zlib.crc32(repr(part).encode()) for part in key])


def _hours(moments: int) -> FloatArray:
    return np.arange(moments, dtype=np.float64) * (24 / DAY)


def _recursion(noise: FloatArray, *weights: float) -> FloatArray:
    """Autoregression of one or two steps."""
    out = noise.tolist()
    first, second = (*weights, 0.0)[:2]
    for n in range(2, len(out)):
        out[n] += first * out[n - 1] + second * out[n - 2]
    return np.array(out)


def plain(rng: np.random.Generator, moments: int) -> Series:
    """Normal noise, as of a rate averaged over many requests."""
    mean = np.full(moments, 60.0)
    return Series(mean + rng.normal(0, 4, moments), mean, 4.0)


def latency(rng: np.random.Generator, moments: int) -> Series:
    """Gamma, skewed to the right."""
    return Series(rng.gamma(3.0, 0.05, moments), np.full(moments, 0.15), 0.05 * 3**0.5)


def requests(rng: np.random.Generator, moments: int) -> Series:
    """Overdispersed counts: negative binomial, mean 12, variance 24."""
    values = rng.negative_binomial(12, 0.5, moments).astype(float)
    return Series(values, np.full(moments, 12.0), 24**0.5)


def sluggish(rng: np.random.Generator, moments: int) -> Series:
    """Autocorrelated over about 10 minutes, as pools and memory are."""
    values = 40 + _recursion(rng.normal(0, 1, moments), 0.95)
    return Series(values, np.full(moments, 40.0), (1 - 0.95**2) ** -0.5)


def business(rng: np.random.Generator, moments: int) -> Series:
    """Busy from 8 to 18 on weekdays, a third of it at weekends."""
    hours = _hours(moments)
    bell = np.exp(-(((hours % 24 - 13) / 4.0) ** 2))
    weekend = (hours // 24 % 7) >= 5
    mean = 20 + 80 * bell * np.where(weekend, 0.35, 1.0)
    return Series(mean + rng.normal(0, 3, moments), mean, 3.0)


def heavy(rng: np.random.Generator, moments: int) -> Series:
    """Student's t with four degrees of freedom: rare values far out belong to it."""
    mean = np.full(moments, 10.0)
    return Series(mean + rng.standard_t(4, moments), mean, 2**0.5)


def swinging(rng: np.random.Generator, moments: int) -> Series:
    """A noisy oscillation of about 20 minutes, as control loops and caches have."""
    values = 50 + _recursion(rng.normal(0, 1, moments), 1.9, -0.91)
    return Series(values, np.full(moments, 50.0), float(values.std()))


def two_levels(rng: np.random.Generator, moments: int) -> Series:
    """On and off, for half an hour each in the mean."""
    level = np.cumsum(rng.random(moments) < 1 / 60) % 2
    values = 5 + 10.0 * level + rng.normal(0, 1, moments)
    return Series(values, np.full(moments, 10.0), 5.0)


def nightly(rng: np.random.Generator, moments: int) -> Series:
    """A job at about two at night for half an hour, not on the minute."""
    values = 30 + rng.normal(0, 2, moments)
    for day in range(0, moments, DAY):
        begin = day + DAY // 12 + int(rng.integers(0, 10))
        values[begin : begin + int(rng.integers(50, 70))] += 25
    return Series(values, np.full(moments, 30.0), 2.0)


def queue(rng: np.random.Generator, moments: int) -> Series:
    """Waiting jobs: mostly none, now and then a batch that is worked off."""
    arrivals = rng.poisson(2.0, moments) + np.where(
        rng.random(moments) < 1 / 240, rng.integers(20, 60, moments), 0
    )
    served = rng.poisson(4.0, moments)
    waiting, out = 0, []
    for come, gone in zip(arrivals.tolist(), served.tolist(), strict=True):
        waiting = max(0, waiting + come - gone)
        out.append(float(waiting))
    values = np.array(out)
    return Series(values, np.full(moments, float(values.mean())), float(values.std()))


def rare(rng: np.random.Generator, moments: int) -> Series:
    """Errors: one in half an hour, zero otherwise."""
    values = rng.poisson(1 / 60, moments).astype(float)
    return Series(values, np.full(moments, 1 / 60), (1 / 60) ** 0.5)


def growing(rng: np.random.Generator, moments: int) -> Series:
    """A table that grows by a deviation of its noise each day."""
    mean = 1_000 + 5.0 * _hours(moments) / 24
    return Series(mean + rng.normal(0, 5, moments), mean, 5.0)


def share(rng: np.random.Generator, moments: int) -> Series:
    """A hit ratio near its upper end, rounded to a thousandth."""
    values = np.round(rng.beta(90, 6, moments), 3)
    return Series(values, np.full(moments, 90 / 96), float(values.std()))


def patchy(rng: np.random.Generator, moments: int) -> Series:
    """Normal noise with a missing value in ten and an hour missing a day."""
    series = plain(rng, moments)
    series.values[rng.random(moments) < 0.1] = np.nan
    for day in range(0, moments, DAY):
        begin = day + int(rng.integers(0, DAY - 120))
        series.values[begin : begin + 120] = np.nan
    return series


def counter(rng: np.random.Generator, moments: int) -> Series:
    """Events counted, with a restart of the backend every three days."""
    steps = rng.poisson(15, moments).astype(float)
    values = np.cumsum(steps)
    for begin in range(int(rng.integers(DAY, 3 * DAY)), moments, 3 * DAY):
        values[begin:] -= values[begin]
    return Series(values, np.full(moments, np.nan), np.nan)


def constant(_: np.random.Generator, moments: int) -> Series:
    """One value: nothing in it may ever be flagged."""
    return Series(np.full(moments, 7.3), np.full(moments, 7.3), 0.0)


Family = Callable[[np.random.Generator, int], Series]
NORMAL: Final[tuple[Family, ...]] = (
    plain,
    latency,
    requests,
    sluggish,
    business,
    heavy,
    swinging,
    two_levels,
    nightly,
    queue,
    rare,
    growing,
    share,
    patchy,
    counter,
    constant,
)
