"""Polls one target: asks each endpoint at its pace and puts its answers into the snapshot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.verdicts import Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context, SchemaError
from exporter.exposition import Families
from exporter.logs import Log
from exporter.polling.gate import Gate
from exporter.polling.pace import Pace
from exporter.polling.record import Record
from exporter.polling.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apscheduler.job import Job
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from exporter.api.answer import Answer
    from exporter.api.client import ApiClient
    from exporter.catalogue.model import Endpoint, Metric
    from exporter.catalogue.sample import Sample
    from exporter.collectors.reading import Reading
    from exporter.settings import Settings, Target

# The first requests are spread a little, so that a restart is no burst for the backend.
_FIRST_SPREAD_S: Final = 0.5
# A heavy endpoint is asked early at most so often, however often someone presses Refresh.
_HEAVY_EARLY_S: Final = 60.0
# Two presses within a second mean one.
_LIGHT_EARLY_S: Final = 1.0

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """Which endpoints an early poll asked, joined while under way, and left alone."""

    asked: tuple[str, ...]
    joined: tuple[str, ...]
    too_soon: tuple[str, ...]


@dataclass(kw_only=True)
class _Duty:
    """One endpoint with all that is kept for it."""

    endpoint: Endpoint
    pace: Pace
    record: Record
    deadline_s: float
    memory: dict[str, Any] = field(default_factory=dict)
    job: Job | None = None
    under_way: asyncio.Task[None] | None = None
    last_end_s: float = -1e9
    last_early_s: float = -1e9


class Poller:
    """
    Everything that runs and is known for one target.

    Args:
        client: Asks the API; closed by `stop`.
        scheduler: Runs the requests at their pace; started by its owner. Without one only
            `ask_all` asks.
        delay_s: Before the first request, so that many targets do not start together.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        target: Target,
        settings: Settings,
        client: ApiClient,
        *,
        scheduler: AsyncIOScheduler | None = None,
        delay_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self._settings = settings
        self._client = client
        self._scheduler = scheduler
        self._delay_s = delay_s
        self._clock = clock
        self._gate = Gate(clock)
        self._duties = {e.name: self._duty(e) for e in ENDPOINTS if self._enabled(e)}
        self._snapshot = Snapshot(frozenset(self._duties), settings.limits.cardinality)
        self._version = 0
        self._own: dict[Metric, list[Sample]] = {}
        self._refresh()

    def _enabled(self, endpoint: Endpoint) -> bool:
        chosen = self._settings.poll.endpoints.get(endpoint.name)
        return chosen is None or chosen.enabled

    def _duty(self, endpoint: Endpoint) -> _Duty:
        poll = self._settings.poll
        chosen = poll.endpoints.get(endpoint.name)
        interval_s = (chosen.interval if chosen else None) or poll.interval
        deadline_s = (chosen.timeout if chosen else None) or poll.timeout
        return _Duty(
            endpoint=endpoint,
            pace=Pace(endpoint, interval_s),
            record=Record(endpoint),
            deadline_s=deadline_s,
        )

    def start(self) -> None:
        """Add a job for each endpoint; heavy ones go first, since light ones wait for them."""
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - slow to import

        assert self._scheduler is not None  # noqa: S101 - or there is nothing to start
        now = datetime.now(UTC)
        light = [duty for duty in self._duties.values() if not duty.pace.heavy]
        spread_s = dict(zip((d.endpoint.name for d in light), _spread(len(light)), strict=True))
        for name, duty in self._duties.items():
            first = now + timedelta(seconds=self._delay_s + spread_s.get(name, 0.0))
            duty.job = self._scheduler.add_job(
                self._poll,
                IntervalTrigger(seconds=duty.pace.interval_s, start_date=first, timezone=UTC),
                args=(duty,),
                id=f"{self.target.name} {name}",
                next_run_time=first,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    async def ask_all(self) -> list[Record]:
        """Ask each endpoint once, without a scheduler, and return what is known of each."""
        await asyncio.gather(*(self._poll(duty) for duty in self._duties.values()))
        return [duty.record for duty in self._duties.values()]

    async def stop(self) -> None:
        """End every request and close the connections."""
        for duty in self._duties.values():
            if duty.job is not None:
                duty.job.remove()
                duty.job = None
        tasks = [d.under_way for d in self._duties.values() if d.under_way is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._client.close()

    def families(self) -> Families:
        """Return what is exposed now."""
        return Families(self._version, {**self._snapshot.by_metric, **self._own})

    def records(self) -> Sequence[tuple[Record, float]]:
        """Return the record and the pace in force (seconds) of each endpoint that is polled."""
        return [(duty.record, duty.pace.interval_s) for duty in self._duties.values()]

    async def poll_now(self) -> PollAnswer:
        """
        Ask early: what answers quickly at once, a heavy endpoint at most once a minute.

        Returns when the quick ones have answered; the heavy ones are then under way.
        """
        asked, joined, too_soon = [], [], []
        quick: list[asyncio.Task[None]] = []
        now_s = self._clock()
        for name, duty in self._duties.items():
            if duty.under_way is not None:
                joined.append(name)
                task = duty.under_way
            else:
                pause_s = _LIGHT_EARLY_S if duty.pace.quick else _HEAVY_EARLY_S
                if now_s - max(duty.last_early_s, self._recent(duty)) < pause_s:
                    too_soon.append(name)
                    continue
                asked.append(name)
                duty.last_early_s = now_s
                task = self._begin(duty, urgent=True)
            if duty.pace.quick:
                quick.append(task)
        if quick:
            await asyncio.wait(quick, timeout=self._settings.poll.timeout)
        return PollAnswer(tuple(asked), tuple(joined), tuple(too_soon))

    def _recent(self, duty: _Duty) -> float:
        """When the endpoint was last asked, as far as that makes asking again too soon."""
        return duty.last_end_s if duty.pace.quick else duty.last_early_s

    async def _poll(self, duty: _Duty) -> None:
        """Run as a job: ask, or join the request that someone started early."""
        await asyncio.wait({duty.under_way or self._begin(duty)})

    def _begin(self, duty: _Duty, *, urgent: bool = False) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._ask(duty, urgent=urgent))
        duty.under_way = task
        return task

    async def _ask(self, duty: _Duty, *, urgent: bool) -> None:
        try:
            pace = duty.pace
            way = (
                self._gate.heavy(pace.expected_s, urgent=urgent)
                if pace.heavy
                else self._gate.light()
            )
            async with way:
                answer = await self._client.ask(duty.endpoint, deadline_s=duty.deadline_s)
            self._take(duty, answer)
        finally:
            duty.under_way = None
            duty.last_end_s = self._clock()

    def _take(self, duty: _Duty, answer: Answer) -> None:
        """Put an answer into the snapshot, and the endpoint's next request at its new pace."""
        answer, reading = self._read(duty, answer)
        before = duty.record.answer
        if before is None or before.verdict is not answer.verdict:
            level = _log.info if answer.verdict.success else _log.warning
            level(
                "endpoint",
                target=self.target.name,
                endpoint=duty.endpoint.name,
                verdict=str(answer.verdict),
                detail=answer.detail,
                duration_s=round(answer.duration_s, 3),
            )
        interval_s = duty.pace.interval_s
        duty.pace.note(answer.verdict, answer.duration_s)
        duty.record.note(answer, reading)
        self._snapshot.replace(duty.endpoint, reading)
        self._refresh()
        if duty.pace.interval_s != interval_s:
            self._reschedule(duty, answer.duration_s)

    def _read(self, duty: _Duty, answer: Answer) -> tuple[Answer, Reading | None]:
        if answer.verdict is not Verdict.OK:
            return answer, None
        context = Context(
            received_at=answer.received_at,
            memory=duty.memory,
            whole_keys=self._settings.cache.keys == "whole",
            time_range=self.target.time_range,
        )
        try:
            reading = collect(answer, context)
        except SchemaError as error:
            failed = replace(answer, verdict=Verdict.SCHEMA, detail=str(error), payload=None)
            return failed, None
        except Exception as error:  # noqa: BLE001 - whatever an answer holds, old values must go
            # The text of the error can quote the answer, which is not ours to show.
            detail = f"the exporter cannot read it ({type(error).__name__}): please report this"
            return replace(answer, verdict=Verdict.SCHEMA, detail=detail, payload=None), None
        # The parsed answer is of no more use, and can be large.
        return replace(answer, payload=None), reading

    def _reschedule(self, duty: _Duty, took_s: float) -> None:
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - slow to import

        if duty.job is None:
            return
        interval_s = duty.pace.interval_s
        next_at = datetime.now(UTC) + timedelta(seconds=max(0.0, interval_s - took_s))
        duty.job.reschedule(IntervalTrigger(seconds=interval_s, start_date=next_at, timezone=UTC))

    def _refresh(self) -> None:
        """Make the verdict metrics anew and give the whole a new version."""
        own: dict[Metric, list[Sample]] = {}
        for record, interval_s in self.records():
            for sample in record.samples(interval_s):
                own.setdefault(sample.metric, []).append(sample)
        own.update(self._snapshot.counted())
        self._own = {
            metric: self._own[metric] if self._own.get(metric) == samples else samples
            for metric, samples in own.items()
        }
        self._version += 1


def _spread(count: int) -> list[float]:
    """Return *count* delays in seconds, evenly over the first moments."""
    return [_FIRST_SPREAD_S * place / max(1, count) for place in range(count)]
