"""The kinds of arrays that the detector is made of."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]
IntArray: TypeAlias = NDArray[np.int64]
SmallArray: TypeAlias = NDArray[np.int8]
AnyArray: TypeAlias = NDArray[np.generic]

NO_SERIES: IntArray = np.zeros(0, np.int64)
"""Indices of no series."""
