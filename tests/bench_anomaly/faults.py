"""Faults put into normal series after a week: each must be found within its horizon."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .families import DAY, Family, Series, business, latency, plain, requests, rng_of, sluggish

if TYPE_CHECKING:
    from exporter.anomaly.arrays import FloatArray

BEGIN: Final = 7 * DAY + DAY // 3
# Another incident, three days earlier, must not blind the detector.
EARLIER: Final = BEGIN - 3 * DAY
AFTER: Final = DAY // 2
# A level that stays, in series without a rhythm and so old that they learn it by the day.
LASTING_BEGIN: Final = 18 * DAY
LASTING: Final = 3 * DAY
BASES: Final[tuple[Family, ...]] = (plain, latency, requests, sluggish, business)

# Changes the values from *at* on, in place; the sign says to which side.
Change = Callable[[Series, int, float], None]


class Fault(NamedTuple):
    """One kind of fault."""

    name: str
    horizon: int  # samples within which a flag is a hit
    change: Change
    bases: tuple[Family, ...] = BASES
    incident: bool = False  # with another one three days before


class Case(NamedTuple):
    """One series with one fault."""

    fault: Fault
    values: FloatArray


def _spike(sigmas: float, samples: int) -> Change:
    def change(series: Series, at: int, sign: float) -> None:
        end = at + samples
        series.values[at:end] = series.mean[at:end] + sign * sigmas * series.sigma

    return change


def _shift(sigmas: float) -> Change:
    def change(series: Series, at: int, sign: float) -> None:
        series.values[at:] += sign * sigmas * series.sigma

    return change


def _ramp(series: Series, at: int, sign: float) -> None:
    """Rise by 5 deviations within two hours."""
    rise = np.minimum(np.arange(len(series.values) - at) / 240, 1.0)
    series.values[at:] += sign * 5 * series.sigma * rise


def _zero(series: Series, at: int, _: float) -> None:
    series.values[at : at + 60] = 0.0


def _stuck(series: Series, at: int, _: float) -> None:
    series.values[at : at + 240] = series.values[at - 1]


def _restless(series: Series, at: int, _: float) -> None:
    end = at + 240
    off = series.values[at:end] - series.mean[at:end]
    series.values[at:end] = np.maximum(series.mean[at:end] + 3 * off, 0.0)


def _late(series: Series, at: int, _: float) -> None:
    """Let the rhythm come five hours late: what was usual at night is unusual in the morning."""
    noise = series.values[at:] - series.mean[at:]
    begin = at - 5 * DAY // 24
    series.values[at:] = series.mean[begin : begin + len(noise)] + noise


FAULTS: Final = (
    Fault("spike of 5 sd, 1 sample", 3, _spike(5, 1)),
    Fault("spike of 5 sd, 5 samples", 8, _spike(5, 5)),
    Fault("spike of 9 sd, 1 sample", 3, _spike(9, 1)),
    Fault("spike of 9 sd, 5 samples", 8, _spike(9, 5)),
    Fault("shift of 3 sd", 60, _shift(3)),
    Fault("shift of 5 sd", 60, _shift(5)),
    Fault("shift of 5 sd after an incident", 60, _shift(5), incident=True),
    Fault("ramp to 5 sd in 2 h", 360, _ramp),
    Fault("drop to zero", 20, _zero),
    Fault("stuck value", 240, _stuck),
    Fault("three times the variance", 240, _restless),
    Fault("rhythm 5 h late", DAY // 2, _late, (business,)),
)


def cases(seeds: range) -> list[Case]:
    """Return every fault in each of its bases, for each seed."""
    made = []
    for fault in FAULTS:
        for family in fault.bases:
            for seed in seeds:
                rng = rng_of("fault", fault.name, family.__name__, seed)
                series = family(rng, BEGIN + AFTER)
                # Skewed series and counts cannot fall so far below zero.
                up = family in (latency, requests) or rng.random() < 0.5
                if fault.incident:
                    _spike(12, 20)(series, EARLIER, 1.0)
                fault.change(series, BEGIN, 1.0 if up else -1.0)
                values = np.round(series.values) if family is requests else series.values
                made.append(Case(fault, values))
    return made


def lasting(seeds: range) -> list[FloatArray]:
    """Return series that go up by 5 deviations and stay there."""
    made = []
    for family in (plain, latency, requests, sluggish):
        for seed in seeds:
            rng = rng_of("lasting", family.__name__, seed)
            series = family(rng, LASTING_BEGIN + LASTING)
            _shift(5)(series, LASTING_BEGIN, 1.0)
            made.append(np.round(series.values) if family is requests else series.values)
    return made
