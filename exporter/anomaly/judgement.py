"""What the detector says of one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly import rows

if TYPE_CHECKING:
    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray, SmallArray

LEVELS: Final = ("low", "medium", "high")
LOW, MEDIUM, HIGH = range(len(LEVELS))
# The design's severities: more than so many standard deviations.
MEDIUM_Z: Final = 2.0
HIGH_Z: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """
    Of one moment, for n series that are updated together; arrays of shape (n,).

    Expected value and bounds are in the series' own unit, for counters per second. The bounds are
    infinite where there is none: on a side that is not watched, or before the series is ready.
    """

    zscore: FloatArray  # the design's; NaN without a value, or before there are samples enough
    score: FloatArray  # 0-1: new, unusual evidence; 0 while an event only lasts
    expected: FloatArray  # by the predictor that has been best; NaN before the first value
    lower: FloatArray
    upper: FloatArray
    kind: SmallArray  # index into KINDS: none, spike, drop, pattern
    level: SmallArray  # index into LEVELS: low, medium, high
    flag: BoolArray  # the score reaches the threshold: an event begins
    outside: BoolArray  # the value is not within lower..upper
    ready: BoolArray  # there are marks to judge by
    samples: IntArray  # values taken in so far
    unusual: FloatArray  # 0-1: the evidence now, also while an event lasts
    row: IntArray  # which view spoke, index into rows.TABLE; -1 for none

    def reason(self, series: int) -> str:
        """Say in words what is unusual about one series, or nothing."""
        row = int(self.row[series])
        return rows.TABLE[row].reason if row >= 0 else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Of one value of one series; what the fields mean is told at `Judgement`."""

    zscore: float
    score: float
    expected: float
    lower: float
    upper: float
    kind: str  # "", "spike", "drop" or "pattern"
    level: str  # "low", "medium" or "high"
    flag: bool
    outside: bool
    ready: bool
    samples: int
    reason: str  # such as "level shift", "" when nothing is unusual


def level_of(zscore: FloatArray) -> SmallArray:
    """Return the design's severity of each z-score, index into LEVELS; NaN is low."""
    size = np.abs(zscore)
    return (size > MEDIUM_Z).astype(np.int8) + (size > HIGH_Z).astype(np.int8)


def first_of(judgement: Judgement) -> Result:
    """Return what *judgement* says of the first series."""
    return Result(
        zscore=float(judgement.zscore[0]),
        score=float(judgement.score[0]),
        expected=float(judgement.expected[0]),
        lower=float(judgement.lower[0]),
        upper=float(judgement.upper[0]),
        kind=rows.KINDS[judgement.kind[0]],
        level=LEVELS[judgement.level[0]],
        flag=bool(judgement.flag[0]),
        outside=bool(judgement.outside[0]),
        ready=bool(judgement.ready[0]),
        samples=int(judgement.samples[0]),
        reason=judgement.reason(0),
    )
