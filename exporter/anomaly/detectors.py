"""Many series that are updated together, the way the exporter uses the detector."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from exporter.anomaly.judgement import Judgement, level_of
from exporter.anomaly.options import Options
from exporter.anomaly.panel import Panel
from exporter.anomaly.rates import AUTO
from exporter.anomaly.rows import KIND_OF, NONE
from exporter.anomaly.settings import DEFAULT, DEFAULT_THRESHOLD, Settings
from exporter.anomaly.zscore import WINDOW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike

    from exporter.anomaly.arrays import AnyArray, BoolArray, FloatArray

# Of what `state` returns. Another layout of the arrays, or another meaning, is another version.
STATE_VERSION: Final = 3
_VERSION: Final = "version"


class Detectors:
    """
    n series, one update per moment for all of them; at first none.

    Args:
        window: Samples that the z-score's mean and deviation are taken over.
        settings: The constants of the detector; one set serves all series.

    Raises:
        ValueError: If *window* is not from 2 to 10,000.
    """

    def __init__(self, *, window: int = WINDOW, settings: Settings = DEFAULT) -> None:
        self._window = window
        self._settings = settings
        self._panel = Panel(Options(0), window, settings)

    @property
    def window(self) -> int:
        """Samples that the z-score's mean and deviation are taken over."""
        return self._window

    @property
    def settings(self) -> Settings:
        """The constants of the detector."""
        return self._settings

    def __len__(self) -> int:
        return len(self._panel)

    def append(
        self,
        count: int = 1,
        *,
        kind: int = AUTO,
        direction: int = 0,
        log: bool = False,
        floor: float = 0.0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        """
        Put *count* new series, of which nothing is known yet, behind the others.

        Args:
            count: How many.
            kind: GAUGE, COUNTER (judged by its rate), or AUTO to find out.
            direction: 1 when only too high is wrong, -1 only too low, 0 both.
            log: Judge the logarithm, as befits latencies.
            floor: What is nearer to its mark or forecast is no spike or drop, and a level that is
                nearer no shift, drift or broken rhythm; in the series' own unit (of the logarithm
                when *log*, per second when a counter).
            low: A value below cannot be: it is a missing value. No bound lies below, either.
            high: Likewise above.

        Raises:
            ValueError: If an option cannot be.
        """
        options = Options(
            count, kind=kind, direction=direction, log=log, floor=floor, low=low, high=high
        )
        self._panel.extend(Panel(options, self._window, self._settings))

    def keep(self, series: Iterable[int]) -> None:
        """Keep *series* (indices), in that order, and forget all others."""
        self._panel.keep(np.array(list(series), np.int64))

    def score(self, timestamps: ArrayLike, values: ArrayLike) -> FloatArray:
        """
        Judge one value of every series and learn from it, but do not explain.

        Args:
            timestamps: Seconds since 1970; one, or one per series, shape (n,).
            values: Shape (n,), in the series' own unit. NaN is a missing value; so are infinities,
                values outside the valid range, one that repeats with the same timestamp, because
                the backend has not refreshed it, and one from before the newest, unless ten in a
                row were: then the clock was put back.

        Returns:
            Shape (n,), in [0, 1); DEFAULT_THRESHOLD is where an event begins.

        Raises:
            ValueError: If a shape is not that of the series.
        """
        x = np.asarray(values, np.float64)
        if x.shape != (len(self),):
            message = f"values: shape {x.shape}, not ({len(self)},)"
            raise ValueError(message)
        if not len(x):
            return np.zeros(0)
        ts = np.broadcast_to(np.asarray(timestamps, np.float64), x.shape)
        known = np.isfinite(ts)
        if not known.all():
            x, ts = np.where(known, x, np.nan), np.where(known, ts, 0.0)
        return self._panel.update(ts, x)

    def update(self, timestamps: ArrayLike, values: ArrayLike) -> Judgement:
        """Judge one value of every series, learn from it, and explain; arguments as of `score`."""
        score = self.score(timestamps, values)
        panel, views = self._panel, self._panel.views
        evidence = panel.evidence
        unusual = evidence > 0
        expected, value = views.expected, views.value
        lower, upper = panel.baseline.bounds(expected, views.expected_unit)
        with np.errstate(invalid="ignore"):
            outside = panel.usable & ((value < lower) | (value > upper))
        return Judgement(
            zscore=panel.z,
            score=score,
            expected=self._shown(expected),
            lower=self._shown(lower),
            upper=self._shown(upper),
            kind=np.where(unusual, KIND_OF[panel.row], NONE).astype(np.int8),
            level=level_of(panel.z),
            flag=score >= DEFAULT_THRESHOLD,
            outside=outside,
            ready=panel.baseline.ready,
            samples=views.count.copy(),
            unusual=evidence / (evidence + self._settings.threshold),
            row=np.where(unusual, panel.row, -1),
        )

    def _shown(self, relative: FloatArray) -> FloatArray:
        panel = self._panel
        return panel.options.shown(panel.views.reference + relative, panel.counters)

    def state(self) -> dict[str, AnyArray]:
        """Return copies of everything that is needed to go on after a restart, as named arrays."""
        state: dict[str, AnyArray] = {name: array.copy() for name, array in self._panel.arrays()}
        return {_VERSION: np.array([STATE_VERSION]), **state}

    def restore(self, state: Mapping[str, AnyArray]) -> None:
        """
        Go on from what `state` returned, with its series and their options.

        Raises:
            ValueError: If *state* is of another version, of another window or of other settings,
                or is no state at all; the detector is as before then.
        """
        version = state.get(_VERSION)
        if version is None or version.shape != (1,) or version[0] != STATE_VERSION:
            message = f"state: version {version}, not {STATE_VERSION}"
            raise ValueError(message)
        self._panel.restore({name: array for name, array in state.items() if name != _VERSION})

    def inherit(self, other: Detectors) -> BoolArray:
        """
        Go on from what *other* has learnt of the same series, but judge by the options of these.

        Another direction or floor holds at once. A series of which the kind, the logarithm or the
        valid range is another is of another unit now: it stays as it was here.

        Returns:
            Which series go on, shape (n,).

        Raises:
            ValueError: If *other* has another window, or more or fewer series.
        """
        if (len(other), other.window) != (len(self), self.window):
            message = f"of {len(other)} series and window {other.window}, not {len(self)} and "
            raise ValueError(message + str(self.window))
        return self._panel.inherit(other._panel)
