"""
Events: evidence that is new. What lasts, or comes back soon, is the same incident.

There are two memories of what has been. The peak of all evidence fades, slower while the evidence
lasts. What was told of a side (too high, too low, neither) does not fade as long as the evidence
lasts, however long that is: an incident is told again only when it has become much worse, and
another to the other side is another incident.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly import rows
from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray
    from exporter.anomaly.settings import Settings

# A peak of almost nothing is none: the margin would hide the first evidence.
_LEAST_PEAK = 0.05


class Events(Store):
    """The peaks of evidence of n series."""

    def __init__(self, n: int, settings: Settings) -> None:
        self._s = settings
        self.lasting = np.zeros(n)  # mean evidence of the last samples
        self.peak = np.zeros(n)
        self.told = np.zeros((rows.SIDES, n))  # evidence of the last event of each side
        self._least_lasting = settings.hold_share * settings.persistence_cap
        self._fast = 0.5 ** (1 / settings.half_life)
        self._slow = 0.5 ** (1 / (settings.half_life * settings.hold_factor))

    def update(
        self, total: FloatArray, usable: BoolArray, row: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """
        Add what lasts to the evidence of this moment, and find the new peaks.

        Args:
            total: Shape (n,), evidence of the views; 0 where no view has left its marks.
            usable: Shape (n,), which series have a value; of the others nothing fades.
            row: Shape (n,), the view that spoke loudest.

        Returns:
            Evidence with persistence; and the score, shape (n,), 0 where there is no new peak.
        """
        s = self._s
        evidence = total + s.persistence * self.lasting * (total > 0)
        instant = evidence - s.persistence * self.lasting * (evidence > 0)
        step = s.persistence_weight * (np.minimum(instant, s.persistence_cap) - self.lasting)
        self.lasting += np.where(usable, step, 0.0)
        over = evidence <= s.hold_share * self.peak
        self.peak *= np.where(usable, np.where(over, self._fast, self._slow), 1.0)
        # A moment without evidence is no end.
        least = s.hold_share * self.told
        over = (
            usable & (evidence <= least) & (self.lasting <= np.minimum(least, self._least_lasting))
        )
        self.told *= np.where(over, self._fast, 1.0)
        new = evidence > self._need(self.peak, s.peak_factor)
        at = np.flatnonzero(new)
        if len(at):
            side = rows.SIDE_OF[row[at]]
            fresh = evidence[at] > self._need(self.told[side, at], s.told_factor)
            new[at], at, side = fresh, at[fresh], side[fresh]
            self.peak[at] = evidence[at]
            told = evidence[at] >= s.threshold
            self.told[side[told], at[told]] = evidence[at[told]]
        return evidence, np.where(new, evidence / (evidence + s.threshold), 0.0)

    def _need(self, before: FloatArray, factor: float) -> FloatArray:
        """Tell what evidence has to exceed after a peak of *before*."""
        return np.where(before > _LEAST_PEAK, factor * before + self._s.peak_margin, 0.0)
