"""
The design's own rule, for ``anomaly.mode: literal``.

A value more than two standard deviations from the mean of the window before it is an event, high
from three. On pure noise that is one value in twenty; docs/anomalies.md tells what it costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from exporter.anomaly.judgement import MEDIUM_Z, level_of
from exporter.anomaly.rows import DROP, NONE, SPIKE

if TYPE_CHECKING:
    from exporter.anomaly.arrays import BoolArray, FloatArray, SmallArray


class LiteralEvents(NamedTuple):
    """The events among n values; arrays of shape (n,)."""

    flag: BoolArray
    kind: SmallArray  # index into KINDS: none, spike, drop; the rule knows no pattern
    level: SmallArray  # index into LEVELS


def events(zscore: FloatArray) -> LiteralEvents:
    """Find the events by the design's rule; NaN, a z-score that is not ready, is none."""
    flag: BoolArray = np.abs(zscore) > MEDIUM_Z
    side = np.where(zscore > 0, SPIKE, DROP)
    return LiteralEvents(flag, np.where(flag, side, NONE).astype(np.int8), level_of(zscore))
