"""Random processes: what makes simulated values look like measured ones."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from random import Random

HOUR_S: Final = 3600.0
DAY_S: Final = 86_400.0
WEEK_S: Final = 7 * DAY_S

# Most users live near UTC: they are busiest in the afternoon and asleep twelve hours later.
_BUSIEST_HOUR: Final = 15.0
_WEEKDAYS: Final = 5
_EPOCH_WEEKDAY: Final = 3  # 1970-01-01 was a Thursday; Monday is 0

# Above this mean a normal draw is indistinguishable from a Poisson draw and much cheaper.
_POISSON_NORMAL_ABOVE: Final = 30.0

_NORMAL_95: Final = 1.6449  # 95 % of a standard normal distribution lie below it


def rhythm(at: float) -> float:
    """Tell how busy the users are at unix time *at*: -1 (at night) to 1 (workday afternoon)."""
    hour = at % DAY_S / HOUR_S
    daily = math.cos(2 * math.pi * (hour - _BUSIEST_HOUR) / 24)
    weekday = (at // DAY_S + _EPOCH_WEEKDAY) % 7
    return daily if weekday < _WEEKDAYS else 0.6 * daily - 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """
    One measured value of the simulated product and how it moves by itself.

    Attributes:
        base: The mean over the day, in the unit of the API's field.
        swing: Share of *base* by which the daily rhythm lifts and lowers it.
        wander: Standard deviation (relative) of the slow noise.
        memory_s: Time in which the slow noise forgets.
        jitter: Standard deviation (relative) of the noise that is new at each step.
        low: Least healthy value.
        high: Largest healthy value.
        cap: Largest possible value, which no fault exceeds.
        times: Name of a quantity that this one is a multiple of; *base* is then the factor.
    """

    name: str
    base: float
    swing: float = 0.0
    wander: float = 0.08
    memory_s: float = 900.0
    jitter: float = 0.04
    low: float = 0.0
    high: float = math.inf
    cap: float = math.inf
    times: str = ""


class Process:
    """The state of one quantity's slow noise (Ornstein-Uhlenbeck, exact for any step length)."""

    __slots__ = ("_noise", "quantity")

    def __init__(self, quantity: Quantity, rng: Random) -> None:
        self.quantity = quantity
        self._noise = rng.gauss(0.0, 1.0)

    def draw(self, rng: Random, busy: float, step_s: float) -> float:
        """Move *step_s* seconds on and return the value, at the rhythm's present state *busy*."""
        quantity = self.quantity
        kept = math.exp(-step_s / quantity.memory_s)
        self._noise = kept * self._noise + math.sqrt(1.0 - kept * kept) * rng.gauss(0.0, 1.0)
        noise = quantity.wander * self._noise + quantity.jitter * rng.gauss(0.0, 1.0)
        value = quantity.base * (1.0 + quantity.swing * busy) * math.exp(noise)
        return min(max(value, quantity.low), quantity.high)


class Window:
    """Counts of the last week, for questions like "how many in the last 24 hours"."""

    __slots__ = ("_buckets",)

    _BUCKET_S: Final = 600.0

    def __init__(self) -> None:
        self._buckets: deque[tuple[float, int]] = deque(maxlen=int(WEEK_S / self._BUCKET_S))

    def add(self, at: float, count: int) -> None:
        """Count *count* things that happened at unix time *at* (never earlier than the last)."""
        bucket = at // self._BUCKET_S * self._BUCKET_S
        if self._buckets and self._buckets[-1][0] == bucket:
            self._buckets[-1] = (bucket, self._buckets[-1][1] + count)
        elif count:
            self._buckets.append((bucket, count))

    def within(self, now: float, span_s: float) -> int:
        """Count what happened in the *span_s* seconds before *now*, to ten minutes exactly."""
        total = 0
        for bucket, count in reversed(self._buckets):
            if bucket <= now - span_s:
                break
            total += count
        return total


def poisson(rng: Random, mean: float) -> int:
    """Draw how many of the independent events happen of which *mean* are expected."""
    if mean <= 0.0:
        return 0
    if mean > _POISSON_NORMAL_ABOVE:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, product, floor = 0, rng.random(), math.exp(-mean)
    while product > floor:
        count += 1
        product *= rng.random()
    return count


def thinned(rng: Random, count: int, probability: float) -> int:
    """Draw how many of *count* trials succeed, each with *probability*."""
    rare = min(probability, 1.0 - probability)
    few = min(count, poisson(rng, count * rare)) if rare > 0.0 else 0
    return few if probability == rare else count - few


def log_normal_sigma(median: float, p95: float) -> float:
    """Return the spread of the log-normal distribution with this median and 95th percentile."""
    return max(math.log(max(p95, median) / median) / _NORMAL_95, 0.01)


def log_normal_below(edge: float, median: float, sigma: float) -> float:
    """Return the share of a log-normal distribution that lies below *edge*."""
    return 0.5 * (1.0 + math.erf(math.log(edge / median) / (sigma * math.sqrt(2.0))))


def identifier(rng: Random) -> str:
    """Draw a random UUID (version 4 in look, not in quality)."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
