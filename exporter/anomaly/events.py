"""Events: evidence that is new. What lasts, or comes back soon, is the same incident."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from exporter.anomaly.arrays import BoolArray, FloatArray
    from exporter.anomaly.settings import Settings

# A peak of almost nothing is none: the margin would hide the first evidence.
_LEAST_PEAK = 0.05


class Events(Store):
    """The peaks of evidence of n series."""

    def __init__(self, n: int, settings: Settings) -> None:
        self._s = settings
        self.lasting = np.zeros(n)  # mean evidence of the last samples
        self.peak = np.zeros(n)
        self._fast = 0.5 ** (1 / settings.half_life)
        self._slow = 0.5 ** (1 / (settings.half_life * settings.hold_factor))

    def update(self, total: FloatArray, usable: BoolArray) -> tuple[FloatArray, FloatArray]:
        """
        Add what lasts to the evidence of this moment, and find the new peaks.

        Args:
            total: Shape (n,), evidence of the views; 0 where no view has left its marks.
            usable: Shape (n,), which series have a value.

        Returns:
            Evidence with persistence; and the score, shape (n,), 0 where there is no new peak.
        """
        s = self._s
        evidence = total + s.persistence * self.lasting * (total > 0)
        instant = evidence - s.persistence * self.lasting * (evidence > 0)
        step = s.persistence_weight * (np.minimum(instant, s.persistence_cap) - self.lasting)
        self.lasting += np.where(usable, step, 0.0)
        holds = evidence > s.hold_share * self.peak
        self.peak *= np.where(holds, self._slow, self._fast)
        above = s.peak_factor * self.peak + s.peak_margin
        need = np.where(self.peak > _LEAST_PEAK, above, 0.0)
        new = evidence > need
        self.peak = np.where(new, evidence, self.peak)
        return evidence, np.where(new, evidence / (evidence + s.threshold), 0.0)
