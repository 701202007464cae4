"""How far a level has moved: the floor of a metric holds for level shifts as for single values."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from exporter.anomaly import rows
from exporter.anomaly.views import HALF_HOUR, MINUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def distance(state: Mapping[str, NDArray[Any]], row: int, place: int) -> float:
    """
    Return how far a view of a series lies beyond the furthest that it usually reaches.

    Args:
        state: Of the detectors, after the update that found it.
        row: The view.
        place: The series.

    Returns:
        In the unit that is judged; infinite for a view that is not measured in it (variance, a
        stuck value) or that heeds the floor by itself (single values).
    """
    minutes, half_hour = (float(state["views.means"][k, place]) for k in (MINUTES, HALF_HOUR))
    levels = {
        rows.SHORT: minutes,
        rows.MID: half_hour,
        rows.BURST: minutes - half_hour,
        rows.SEASON: float(state["views.season.residual"][place]),
    }
    lows = dict(
        zip((rows.LOW_SHORT, rows.LOW_MID, rows.LOW_BURST, rows.LOW_SEASON), levels, strict=True)
    )
    if row in lows:
        reached = -levels[lows[row]]
    elif row in levels:
        reached = levels[row]
    else:
        return inf
    return reached - float(state["baseline.mark"][row, place])
