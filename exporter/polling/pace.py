"""
How often an endpoint may be asked, so that the exporter never becomes the load that hurts.

Some endpoints stop the whole backend while they run. One whose answers take long is heavy: it is
asked alone and so rarely that its share of the backend's time stays small.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import TYPE_CHECKING, Final

from exporter.catalogue.verdicts import Verdict
from exporter.settings import INTERVAL_MAX_S

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

# The median of so many answers decides; one slow answer is no slow endpoint.
_ANSWERS: Final = 5
HEAVY_S: Final = 0.5
# 5 % is the limit. The rest is kept free for answers that take longer than the ones before, so
# that the limit of all heavy endpoints together (gate.py) rarely makes one late.
_SHARE: Final = 0.035
# An answer that takes so many times as long as was to be expected may not come at all. The slow
# endpoints double their time when a dependency is down, from less than what is declared for them.
_PATIENCE: Final = 1.6
_PATIENCE_MIN_S: Final = 3.0
# So many answers, each asked for alone, make an endpoint slow for which nothing was declared: the
# first answers of a backend that has just started are slow, and so are those behind a slow one.
_PROVEN: Final = 3
# From the shortest interval that can be configured to the longest.
_DOUBLINGS: Final = 9
# A backend that does not have an endpoint gets it with an upgrade, not within minutes.
NOT_OFFERED_S: Final = 600.0


class Pace:
    """
    The pace of one endpoint of one target.

    Args:
        interval_s: The configured pace of a light endpoint.
        deadline_s: The configured deadline of a request.
    """

    def __init__(self, endpoint: Endpoint, interval_s: float, deadline_s: float) -> None:
        self._declared_s = endpoint.expected_s
        self._base_s = interval_s
        self.deadline_s = deadline_s
        self._durations_s: deque[float] = deque(maxlen=_ANSWERS)
        self._timeouts = 0
        self._last: tuple[Verdict, float] | None = None

    def inherit(self, other: Pace) -> None:
        """Go on with what *other* has learnt of the same endpoint."""
        self._durations_s = other._durations_s
        self._timeouts = other._timeouts
        self._last = other._last

    def note(self, verdict: Verdict, duration_s: float) -> None:
        """Learn from the outcome of a request."""
        self._last = verdict, duration_s
        self._timeouts = self._timeouts + 1 if verdict is Verdict.TIMEOUT else 0
        if self._measures(verdict, duration_s):
            self._durations_s.append(duration_s)

    @property
    def heavy(self) -> bool:
        """Whether the endpoint must be asked alone."""
        usual_s = median(self._durations_s) if self._durations_s else self._declared_s
        return usual_s > HEAVY_S

    @property
    def quick(self) -> bool:
        """Whether the last request was over in no time, so that asking again costs nothing."""
        if self._last is None:
            return not self.heavy
        verdict, duration_s = self._last
        return verdict is not Verdict.TIMEOUT and duration_s < HEAVY_S

    @property
    def costly(self) -> bool:
        """Whether the backend must be spared: heavy, beyond doubt, and there to be burdened."""
        proven = self._declared_s > 0 or len(self._durations_s) >= _PROVEN
        return self.heavy and proven and not self._failed_at_once

    @property
    def cost_s(self) -> float:
        """How much of the backend's time a request to a heavy endpoint takes."""
        # A request that timed out cost the backend at least as long as we waited for it.
        waited_s = self._last[1] if self._last and self._timeouts else 0.0
        return max(self._expected_s, waited_s)

    @property
    def reserve_s(self) -> float:
        """
        How much time to keep free for the next request to a heavy endpoint.

        Not the whole deadline: what seldom takes so long would be asked too seldom. After a
        time-out it is, since what hung once may hang again.
        """
        return self.deadline_s if self._timeouts else self.patience_s

    @property
    def patience_s(self) -> float:
        """How long a heavy request may be thought to be answered yet; see gate.py."""
        return min(self.deadline_s, max(_PATIENCE_MIN_S, _PATIENCE * self._expected_s))

    @property
    def interval_s(self) -> float:
        """Seconds from the start of one request to the start of the next."""
        if self._last is not None and self._last[0] is Verdict.NOT_OFFERED:
            return NOT_OFFERED_S
        if self._failed_at_once:
            return self._base_s
        # Not a power of a number that grows without end: it would be too large for a float.
        interval_s = self._base_s * 2.0 ** min(self._timeouts, _DOUBLINGS)
        if self.costly:
            interval_s = max(interval_s, math.ceil(self.cost_s / _SHARE))
        return min(interval_s, max(self._base_s, INTERVAL_MAX_S))

    @property
    def _expected_s(self) -> float:
        """How long an answer of a heavy endpoint takes; slower ones count at once."""
        durations_s = self._durations_s
        measured_s = max(median(durations_s), durations_s[-1]) if durations_s else 0.0
        return max(measured_s, self._declared_s)

    @property
    def _failed_at_once(self) -> bool:
        """Whether the last request failed so quickly that asking again costs nobody anything."""
        if self._last is None:
            return False
        verdict, duration_s = self._last
        return not verdict.success and verdict is not Verdict.TIMEOUT and duration_s < HEAVY_S

    def _measures(self, verdict: Verdict, duration_s: float) -> bool:
        """
        Whether a request tells how long the endpoint takes.

        One that was turned away at once does not, where a long time is declared: a slow endpoint
        behind a proxy that answers 502 would pass for a light one when the backend is back.
        """
        if verdict in {Verdict.TIMEOUT, Verdict.REFUSED}:
            return False
        usable = verdict in {Verdict.OK, Verdict.NOT_APPLICABLE}
        return usable or not self._declared_s or duration_s > HEAVY_S
