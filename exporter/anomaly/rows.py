"""
The rows of the matrix of views, shape (ROWS, n): what each is, and what an event of it is called.

The low side of a view is its negation, so that every row is only ever too high. Rows of one group
are views of one kind; a second opinion must come from another group.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np


class Row(NamedTuple):
    """One row."""

    name: str
    kind: str
    reason: str


TABLE: Final = (
    Row("value", "spike", "high value"),
    Row("forecast", "spike", "jump up"),
    Row("deviation", "spike", "high value"),
    Row("-value", "drop", "low value"),
    Row("-forecast", "drop", "jump down"),
    Row("-deviation", "drop", "low value"),
    Row("short", "pattern", "level shift"),
    Row("mid", "pattern", "drift"),
    Row("burst", "pattern", "level shift"),
    Row("-short", "pattern", "level shift"),
    Row("-mid", "pattern", "drift"),
    Row("-burst", "pattern", "level shift"),
    Row("season", "pattern", "broken rhythm"),
    Row("-season", "pattern", "broken rhythm"),
    Row("spread", "pattern", "more variance"),
    Row("-spread", "pattern", "less variance"),
    Row("run", "pattern", "stuck value"),
)
ROWS: Final = len(TABLE)

VALUE, FORECAST, DEVIATION, LOW_VALUE, LOW_FORECAST, LOW_DEVIATION = range(6)
SHORT, MID, BURST, LOW_SHORT, LOW_MID, LOW_BURST = range(6, 12)
SEASON, LOW_SEASON, SPREAD, LOW_SPREAD, RUN = range(12, ROWS)

# First row of each group.
GROUPS: Final = np.array([VALUE, SHORT, SEASON, SPREAD, RUN])
# The high sides of the point views and of the means, and their low sides.
POINTS: Final = slice(VALUE, LOW_VALUE)
LOW_POINTS: Final = slice(LOW_VALUE, SHORT)
MEANS: Final = slice(SHORT, LOW_SHORT)
LOW_MEANS: Final = slice(LOW_SHORT, SEASON)
# Measured in the unit of the series, point by point; forecasts are measured in their own error.
LEVELS: Final = [VALUE, DEVIATION, LOW_VALUE, LOW_DEVIATION]
FORECASTS: Final = [FORECAST, LOW_FORECAST]
QUICK_MEANS: Final = [SHORT, BURST, LOW_SHORT, LOW_BURST, SEASON, LOW_SEASON]
SLOW_MEANS: Final = [MID, LOW_MID]
SEASONS: Final = slice(SEASON, SPREAD)
SPREADS: Final = [SPREAD, LOW_SPREAD]
# All that is measured in the unit of the series, so that its floor can be added to their marks.
IN_UNIT: Final = [*LEVELS, *QUICK_MEANS, *SLOW_MEANS]
# A series may be allowed to be too high or too low; its spread and its runs have no such side.
SIDELESS: Final = slice(SPREAD, ROWS)
IS_LOW: Final = np.array([row.name.startswith("-") for row in TABLE])

KINDS: Final = ("", "spike", "drop", "pattern")
NONE, SPIKE, DROP, PATTERN = range(len(KINDS))
# Kind of each row.
KIND_OF: Final = np.array([KINDS.index(row.kind) for row in TABLE], np.int8)

# An incident is too high, too low, or neither (variance, stuck).
SIDES: Final = 3
SIDE_OF: Final = np.where(IS_LOW, 1, 0)
SIDE_OF[SIDELESS] = SIDES - 1
