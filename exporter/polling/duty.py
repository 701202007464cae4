"""One endpoint of one target: its pace, its history and the request that is under way."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.verdicts import Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context, SchemaError
from exporter.polling.pace import Pace
from exporter.polling.record import Record

if TYPE_CHECKING:
    import asyncio

    from apscheduler.job import Job

    from exporter.api.answer import Answer
    from exporter.catalogue.model import Endpoint
    from exporter.collectors.reading import Reading
    from exporter.settings import Settings, Target

# A heavy endpoint is asked early at most so often, however often someone presses Refresh.
_HEAVY_EARLY_S: Final = 60.0
# Two presses within a second mean one.
_QUICK_EARLY_S: Final = 1.0


@dataclass(kw_only=True)
class Duty:
    """
    One endpoint with all that is kept for it.

    Attributes:
        memory: What its collector keeps from answer to answer.
        under_way: The request, from the moment it was decided until its answer was taken in.
        held: The request is not sent yet: it waits for its share of the backend's time.
        last_end_s: When the last request ended, by the poller's clock.
        last_early_s: When it was last asked early.
    """

    endpoint: Endpoint
    pace: Pace
    record: Record
    memory: dict[str, Any] = field(default_factory=dict)
    job: Job | None = None
    under_way: asyncio.Task[None] | None = None
    held: bool = False
    last_end_s: float = float("-inf")
    last_early_s: float = float("-inf")

    @classmethod
    def of(cls, endpoint: Endpoint, settings: Settings) -> Duty | None:
        """Return the duty that *settings* make of *endpoint*; None when it is switched off."""
        poll, chosen = settings.poll, settings.poll.endpoints.get(endpoint.name)
        if chosen is not None and not chosen.enabled:
            return None
        interval_s = (chosen.interval if chosen else None) or poll.interval
        deadline_s = (chosen.timeout if chosen else None) or poll.timeout
        pace = Pace(endpoint, interval_s, deadline_s)
        return cls(endpoint=endpoint, pace=pace, record=Record(endpoint))

    def too_soon(self, now_s: float) -> bool:
        """Whether it was asked so recently that a person's wish to ask again must wait."""
        pause_s = _QUICK_EARLY_S if self.pace.quick else _HEAVY_EARLY_S
        return now_s - self.last_early_s < pause_s

    def inherit(self, other: Duty) -> None:
        """Go on where *other* stopped: the same endpoint under another configuration."""
        self.pace.inherit(other.pace)
        self.record = other.record
        self.memory = other.memory
        self.last_end_s, self.last_early_s = other.last_end_s, other.last_early_s

    def read(
        self, answer: Answer, target: Target, settings: Settings
    ) -> tuple[Answer, Reading | None]:
        """Return what *answer* tells, and the answer without its payload, which can be large."""
        if answer.verdict is not Verdict.OK:
            return answer, None
        context = Context(
            received_at=answer.received_at,
            memory=self.memory,
            whole_keys=settings.cache.keys == "whole",
            time_range=target.time_range,
        )
        try:
            reading = collect(answer, context)
        except SchemaError as error:
            return _not_understood(answer, str(error)), None
        except Exception as error:  # noqa: BLE001 - whatever an answer holds, old values must go
            return _not_understood(answer, f"the exporter cannot read it ({place(error)})"), None
        return replace(answer, payload=None), reading


def place(error: Exception) -> str:
    """Say what was raised and where; its text can quote an answer or a token: not ours to show."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno}"


def _not_understood(answer: Answer, detail: str) -> Answer:
    return replace(answer, verdict=Verdict.SCHEMA, detail=detail, payload=None)
