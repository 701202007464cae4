"""
From scores to figures: false alarms, and what is found for a given number of them.

A score is comparable only with itself, so detectors are compared at the threshold at which each
raises the same number of alarms in normal series. A hit counts less by what chance would hit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from .families import DAY, EPOCH, NORMAL, STEP_S, rng_of
from .faults import BEGIN, FAULTS, LASTING_BEGIN, cases, lasting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.anomaly.arrays import BoolArray, FloatArray

    from .candidates import Candidate
    from .faults import Case

LENGTH: Final = 14 * DAY
# The first day is for learning, save for a constant series, which has nothing to learn.
LEARNING: Final = DAY
WEEK: Final = 7 * DAY
# Flags nearer than ten minutes are one alarm.
APART: Final = 20


class Found(NamedTuple):
    """One kind of fault at one threshold."""

    hit: float  # share of the series in which it was flagged in time
    net: float  # of those that chance would not have hit
    delay: float  # median, samples; NaN when never


class Figures(NamedTuple):
    """What one detector did."""

    alarms: dict[str, float]  # by family, a series and week, at its own threshold
    constant_flags: int  # in the constant series, first day included
    lasting: float  # alarms of one incident that stays for three days, at its own threshold
    own: dict[str, Found]  # by fault, at its own threshold
    weekly: dict[str, Found]  # at one alarm a series and week
    rarely: dict[str, Found]  # at a tenth


def measure(candidate: Candidate, seeds: int) -> Figures:
    """Run *candidate* over normal series and faults."""
    names = [family.__name__ for family in NORMAL for _ in range(seeds)]
    normal = _scores(
        candidate,
        [
            family(rng_of("normal", family.__name__, seed), LENGTH).values
            for family in NORMAL
            for seed in range(seeds)
        ],
    )
    faulty = cases(range(seeds))
    scores = _scores(candidate, [case.values for case in faulty])
    flags = normal >= candidate.threshold
    episodes = _episodes(flags[LEARNING:]) * WEEK / (LENGTH - LEARNING)
    alarms = {
        name: float(np.mean(episodes[[at for at, of in enumerate(names) if of == name]]))
        for name in dict.fromkeys(names)
    }
    stays = _scores(candidate, lasting(range(seeds))) >= candidate.threshold
    constant = [at for at, name in enumerate(names) if name == "constant"]
    return Figures(
        alarms,
        int(flags[:, constant].sum()),
        float(_episodes(stays[LASTING_BEGIN:]).mean()),
        _found(scores, faulty, candidate.threshold),
        _found(scores, faulty, _threshold(normal, 1.0)),
        _found(scores, faulty, _threshold(normal, 0.1)),
    )


def mean_net(found: dict[str, Found]) -> float:
    """Return the net detection over all kinds of faults, each counting the same."""
    return float(np.mean([of.net for of in found.values()]))


def _scores(candidate: Candidate, series: Sequence[FloatArray]) -> FloatArray:
    """Return scores, shape (moments, series)."""
    values = np.stack(series, axis=1)
    detector = candidate.make(values.shape[1])
    out = np.empty(values.shape)
    for n, moment in enumerate(values):
        out[n] = detector.update_many(np.full(len(moment), EPOCH + STEP_S * n), moment)
    return out


def _episodes(flags: BoolArray) -> FloatArray:
    """Count the alarms of each series; *flags* of shape (moments, series)."""
    counts = []
    for column in flags.T:
        at = np.flatnonzero(column)
        counts.append(1 + np.count_nonzero(np.diff(at) > APART) if len(at) else 0)
    return np.array(counts, float)


def _threshold(normal: FloatArray, budget: float) -> float:
    """Return the lowest threshold with at most *budget* alarms a normal series and week."""
    scores = normal[LEARNING:]
    levels = np.unique(np.quantile(scores, 1 - np.logspace(-6.5, -0.3, 80)))
    levels = np.append(levels[levels > 0], np.nextafter(scores.max(), np.inf))
    low, high = 0, len(levels) - 1
    while low < high:
        middle = (low + high) // 2
        weekly = _episodes(scores >= levels[middle]).mean() * WEEK / len(scores)
        if weekly <= budget:
            high = middle
        else:
            low = middle + 1
    return float(levels[high])


def _found(scores: FloatArray, faulty: Sequence[Case], threshold: float) -> dict[str, Found]:
    flags = scores >= threshold
    out = {}
    for fault in FAULTS:
        columns = [at for at, case in enumerate(faulty) if case.fault is fault]
        window = flags[BEGIN : BEGIN + fault.horizon, columns]
        hits = window.any(0)
        # Chance: as many flags as in the two days before, spread over the horizon.
        before = flags[BEGIN - 2 * DAY : BEGIN, columns].mean()
        chance = 1 - (1 - before) ** fault.horizon
        hit = float(hits.mean())
        net = max(0.0, (hit - chance) / (1 - chance)) if chance < 1 else 0.0
        delays = window.argmax(0)[hits]
        out[fault.name] = Found(hit, net, float(np.median(delays)) if len(delays) else np.nan)
    return out
