"""What is known of a series beforehand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly import rows
from exporter.anomaly.rates import AUTO, GAUGE
from exporter.anomaly.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import BoolArray, FloatArray, IntArray


class Options(Store):
    """The options of n series, all alike when they are made."""

    def __init__(
        self,
        n: int,
        *,
        kind: int = AUTO,
        direction: int = 0,
        log: bool = False,
        floor: float = 0.0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        if kind not in range(AUTO, GAUGE + 1):
            message = f"kind: {kind}: write AUTO, COUNTER or GAUGE"
            raise ValueError(message)
        if direction not in (-1, 0, 1):
            message = f"direction: {direction}: write 1 (too high), -1 (too low) or 0 (both)"
            raise ValueError(message)
        if not (math.isfinite(floor) and floor >= 0):
            message = f"floor: {floor}: write a number from 0, in the unit that is judged"
            raise ValueError(message)
        if not low < high:
            message = f"low: {low}: write a number below high, which is {high}"
            raise ValueError(message)
        self.kind = np.full(n, kind, np.int8)
        self.direction = np.full(n, direction, np.int8)
        self.log = np.full(n, log)
        self.floor = np.full(n, floor, np.float64)
        self.low = np.full(n, low, np.float64)
        self.high = np.full(n, high, np.float64)
        self.prepare()

    def limits(self) -> Mapping[str, tuple[int, int]]:
        """Name the arrays that are used as indices, with their bounds."""
        return {"kind": (AUTO, GAUGE), "direction": (-1, 1)}

    def prepare(self) -> None:
        """Find out which options are in use at all."""
        self._any_log = bool(self.log.any())
        self._any_range = bool(np.isfinite(self.low).any() or np.isfinite(self.high).any())

    def valid(self, values: FloatArray) -> BoolArray:
        """Tell which values are numbers that can be, shape (n,)."""
        usable: BoolArray = np.isfinite(values)
        if self._any_range:
            usable &= (values >= self.low) & (values <= self.high)
        return usable

    def judged(self, values: FloatArray) -> FloatArray:
        """Take the logarithm where the series wants it, shape (n,)."""
        if not self._any_log:
            return values
        with np.errstate(all="ignore"):
            return np.where(self.log, np.log(np.maximum(values, _LEAST)), values)

    def shown(self, values: FloatArray, counter: BoolArray) -> FloatArray:
        """Undo `judged`, and keep to the valid range (which is not that of a counter's rate)."""
        if self._any_log:
            values = np.where(self.log, np.exp(np.minimum(values, _GREATEST_EXPONENT)), values)
        if self._any_range:
            values = np.where(counter, values, np.clip(values, self.low, self.high))
        return values

    def same_unit(self, other: Options) -> BoolArray:
        """Tell which series are judged in the same unit by *other*, of as many, shape (n,)."""
        judged = (self.kind == other.kind) & (self.log == other.log)
        same: BoolArray = judged & (self.low == other.low) & (self.high == other.high)
        return same

    def same_limits(self, other: Options) -> BoolArray:
        """Tell which series have the same direction and floor in *other*, shape (n,)."""
        same: BoolArray = (self.direction == other.direction) & (self.floor == other.floor)
        return same

    def ignored(self, i: IntArray) -> BoolArray:
        """Tell which views of series *i* look to a side that is not wrong, shape (ROWS, len(i))."""
        side, low = self.direction[i], rows.IS_LOW[:, None]
        off: BoolArray = (low & (side > 0)) | (~low & (side < 0))
        off[rows.SIDELESS] = False
        return off


# Zero has no logarithm; a latency below a picosecond is none.
_LEAST = 1e-12
_GREATEST_EXPONENT = 700.0
