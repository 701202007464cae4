"""
Highest values of every view over blocks of time.

A series starts with blocks of minutes. When all are taken, neighbours are merged and blocks become
twice as long, up to a day; then the oldest goes. Memory is constant and at least half of it is in
use (compare exponential histograms, Datar et al. 2002). A new level is learnt in two blocks, an
old one is forgotten after a month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly.arrays import NO_SERIES
from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray
    from exporter.anomaly.settings import Settings


class Watermarks(Store):
    """Block maxima of *rows* one-sided views of n series."""

    def __init__(self, rows: int, n: int, settings: Settings) -> None:
        self._s = settings
        self.current = np.full((rows, n), -np.inf)
        self.history = np.full((settings.blocks, rows, n), -np.inf)
        self.slot = np.zeros(n, np.int64)
        self.block_s = np.full(n, settings.first_block_s)
        self.block = np.full(n, -np.inf)  # number of the block that is open

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"slot": (0, self._s.blocks - 1)}

    def roll(self, timestamps: FloatArray, usable: BoolArray) -> IntArray:
        """
        Close the blocks that ended before *timestamps*.

        Args:
            timestamps: Shape (n,), seconds since 1970.
            usable: Shape (n,), which series have a value now.

        Returns:
            The series (indices) whose history has grown.
        """
        number = np.floor(timestamps / self.block_s)
        ended = (number != self.block) & usable
        if not ended.any():
            return NO_SERIES
        i = np.flatnonzero(ended)
        grown: IntArray = i[np.isfinite(self.current[:, i]).any(0)]
        if len(grown):
            self._push(grown)
        self.block[i] = np.floor(timestamps[i] / self.block_s[i])
        return grown

    def _push(self, i: IntArray) -> None:
        s = self._s
        self.history[self.slot[i], :, i] = self.current[:, i].T
        self.current[:, i] = -np.inf
        self.slot[i] += 1
        full = i[self.slot[i] >= s.blocks]
        if not len(full):
            return
        young = full[self.block_s[full] < s.last_block_s]
        if len(young):
            h = self.history[:, :, young]
            half = s.blocks // 2
            self.history[:half, :, young] = np.maximum(h[0::2], h[1::2])
            self.history[half:, :, young] = -np.inf
            self.slot[young] = half
            self.block_s[young] *= 2
        self.slot[full[self.block_s[full] >= s.last_block_s]] %= s.blocks

    def learn(self, views: FloatArray) -> None:
        """Take in the views of one moment, shape (rows, n); NaN is skipped."""
        np.fmax(self.current, views, out=self.current)

    def of(self, i: IntArray) -> FloatArray:
        """Return a copy of the history of series *i*, shape (rows, len(i), blocks)."""
        history: FloatArray = self.history[:, :, i]
        return np.ascontiguousarray(np.moveaxis(history, 0, -1))
