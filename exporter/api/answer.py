"""What one request to the monitoring API brought."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint
    from exporter.catalogue.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    The outcome of one request.

    Attributes:
        payload: The parsed JSON, or the text of a Prometheus page; None unless the verdict is ok.
        duration_s: From the first byte sent to the last one read.
        received_at: Unix time at which the answer was complete.
        detail: Why, in a few words that are safe to show: nothing of the body, no token, no host.
    """

    endpoint: Endpoint
    verdict: Verdict
    duration_s: float
    received_at: float
    payload: Any = None
    detail: str = ""
