"""
How often an endpoint may be asked, so that the exporter never becomes the load that hurts.

Some endpoints stop the whole backend while they run. One whose answers take long is heavy: it is
asked alone and so rarely that its share of the backend's time stays small.
"""

from __future__ import annotations

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
# The limits are 5 % for one heavy endpoint and 10 % for all together. Aim a fifth lower: a window
# that someone measures can begin with a request and end before the pause that pays for it.
ENDPOINT_SHARE: Final = 0.04
HEAVY_SHARE: Final = 0.08
# A backend that does not have an endpoint gets it with an upgrade, not within minutes.
NOT_OFFERED_S: Final = 600.0
# Verdicts that came without an answer to measure.
_UNMEASURED: Final = frozenset((Verdict.TIMEOUT, Verdict.REFUSED))


class Pace:
    """
    The pace of one endpoint of one target.

    Args:
        interval_s: The configured pace of a light endpoint.
    """

    def __init__(self, endpoint: Endpoint, interval_s: float) -> None:
        self._endpoint = endpoint
        self._base_s = interval_s
        self._durations_s: deque[float] = deque(maxlen=_ANSWERS)
        self._timeouts = 0
        self._timeout_s = 0.0
        self._offered = True

    def note(self, verdict: Verdict, duration_s: float) -> None:
        """Learn from the outcome of a request."""
        self._offered = verdict is not Verdict.NOT_OFFERED
        if verdict is Verdict.TIMEOUT:
            self._timeouts += 1
            self._timeout_s = duration_s
        else:
            self._timeouts = 0
        if verdict not in _UNMEASURED:
            self._durations_s.append(duration_s)

    @property
    def expected_s(self) -> float:
        """How long the next answer will take, as far as is known."""
        return median(self._durations_s) if self._durations_s else self._endpoint.expected_s

    @property
    def heavy(self) -> bool:
        """Whether the endpoint must be asked alone."""
        return self.expected_s > HEAVY_S

    @property
    def quick(self) -> bool:
        """Whether the last request brought an answer in no time, so that asking again is free."""
        return not self._timeouts and bool(self._durations_s) and self._durations_s[-1] < HEAVY_S

    @property
    def interval_s(self) -> float:
        """Seconds from the start of one request to the start of the next."""
        if not self._offered:
            return NOT_OFFERED_S
        interval_s = self._base_s * 2**self._timeouts
        if self.heavy:
            # A time-out cost the backend at least as long as we waited for it.
            cost_s = max(self.expected_s, self._timeout_s if self._timeouts else 0.0)
            interval_s = max(interval_s, cost_s / ENDPOINT_SHARE)
        return float(min(interval_s, max(self._base_s, INTERVAL_MAX_S)))
