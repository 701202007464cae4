"""The detector as a benchmark plugs it in: a score for each value, in one step for n series."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from exporter.anomaly import Detectors

if TYPE_CHECKING:
    from exporter.anomaly.arrays import FloatArray


class Ours:
    """n series with the defaults: nothing is known of them beforehand."""

    vector: ClassVar = True

    def __init__(self, n: int = 1) -> None:
        self._detectors = Detectors()
        self._detectors.append(n)

    def update_many(self, timestamps: FloatArray, values: FloatArray) -> FloatArray:
        """Return scores of one moment, shape (n,), in [0, 1)."""
        return self._detectors.score(timestamps, values)

    def update(self, timestamp: float, value: float) -> float:
        """Return the score of one value of one series."""
        return float(self._detectors.score(timestamp, np.array([value]))[0])
