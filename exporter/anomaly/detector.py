"""One series, the small library that `docs/anomalies.md` describes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from exporter.anomaly.detectors import Detectors
from exporter.anomaly.judgement import Result, first_of
from exporter.anomaly.rates import AUTO
from exporter.anomaly.settings import DEFAULT, Settings
from exporter.anomaly.zscore import WINDOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.anomaly.arrays import AnyArray


class Detector:
    """
    Judges one series, one value at a time, in bounded memory.

        detector = Detector(log=True)
        for timestamp, value in samples:
            result = detector.update(timestamp, value)
            if result.flag:
                print(timestamp, result.kind, result.reason, result.score)

    The arguments are those of `Detectors` and its `append`.
    """

    def __init__(
        self,
        *,
        window: int = WINDOW,
        settings: Settings = DEFAULT,
        kind: int = AUTO,
        direction: int = 0,
        log: bool = False,
        floor: float = 0.0,
        low: float = -math.inf,
        high: float = math.inf,
    ) -> None:
        self._detectors = Detectors(window=window, settings=settings)
        self._detectors.append(
            kind=kind, direction=direction, log=log, floor=floor, low=low, high=high
        )

    def update(self, timestamp: float, value: float) -> Result:
        """
        Judge a value and learn from it.

        Args:
            timestamp: Seconds since 1970.
            value: In the series' own unit; NaN when there is none.
        """
        return first_of(self._detectors.update(timestamp, [value]))

    def state(self) -> dict[str, AnyArray]:
        """Return copies of everything that is needed to go on after a restart, as named arrays."""
        return self._detectors.state()

    def restore(self, state: Mapping[str, AnyArray]) -> None:
        """
        Go on from what `state` returned.

        Raises:
            ValueError: If *state* is not that of one series with this window and these settings;
                the detector is as before then.
        """
        other = Detectors(window=self._detectors.window, settings=self._detectors.settings)
        other.restore(state)
        if len(other) != 1:
            message = f"state: of {len(other)} series, not one"
            raise ValueError(message)
        self._detectors = other
