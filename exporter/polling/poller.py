"""Polls one target: asks each endpoint at its pace and puts its answers into the snapshot."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from exporter.api.answer import Answer
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.verdicts import Verdict
from exporter.exposition import Families
from exporter.logs import Log
from exporter.polling.duty import Duty, place
from exporter.polling.gate import Gate
from exporter.polling.ledger import Ledger
from exporter.polling.snapshot import Snapshot
from exporter.settings import INTERVAL_MAX_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from exporter.api.client import ApiClient
    from exporter.polling.anomalies import Anomalies
    from exporter.polling.record import Record
    from exporter.settings import Settings, Target

# The first requests are spread a little, so that a restart is no burst for the backend.
_FIRST_SPREAD_S: Final = 0.5
# What the limit of all heavy endpoints together (gate.py) leaves for those that we know of.
_HEAVY_SHARE: Final = 0.08

_log = Log(__name__)


@dataclass(frozen=True, slots=True)
class PollAnswer:
    """Which endpoints an early poll asked, joined while under way, and left alone."""

    asked: tuple[str, ...]
    joined: tuple[str, ...]
    too_soon: tuple[str, ...]


class Poller:
    """
    Everything that runs and is known for one target.

    Args:
        client: Asks the API; closed by `stop`.
        scheduler: Runs the requests at their pace; started by its owner. Without one only
            `ask_all` asks.
        gate: Shared by all who ask the same backend; one of its own without it.
        anomalies: Judges what is watched; without it nothing is.
        successor_of: The poller of the same backend before a reload, whose answers stay.
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
        gate: Gate | None = None,
        anomalies: Anomalies | None = None,
        successor_of: Poller | None = None,
        delay_s: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.anomalies = anomalies
        self._settings = settings
        self._client = client
        self._scheduler = scheduler
        self._delay_s = delay_s
        self._clock = clock
        self._gate = gate or Gate(clock)
        duties = (Duty.of(endpoint, settings) for endpoint in ENDPOINTS)
        self._duties = {duty.endpoint.name: duty for duty in duties if duty is not None}
        self._snapshot = Snapshot(frozenset(self._duties), settings.limits.cardinality)
        if successor_of is not None:
            self._inherit(successor_of)
        self._stopped = False
        self._ledger = Ledger()
        self._families = Families(0, {})
        self._refresh(*self._duties.values())

    def _inherit(self, other: Poller) -> None:
        for name, duty in self._duties.items():
            if name in other._duties:
                duty.inherit(other._duties[name])
        self._snapshot.inherit(other._snapshot)

    def start(self) -> None:
        """
        Add a job for each endpoint.

        Light ones go first: a heavy one would keep them waiting, and may hang.
        """
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - slow to import

        assert self._scheduler is not None  # noqa: S101 - or there is nothing to start
        begin = datetime.now(UTC) + timedelta(seconds=self._delay_s)
        for number, (name, duty) in enumerate(self._duties.items()):
            spread = 1 + number / 100 if duty.pace.heavy else random.random()  # noqa: S311 - no secret
            first = begin + timedelta(
                seconds=max(_FIRST_SPREAD_S * spread, self._left_s(duty) if duty.pace.heavy else 0)
            )
            duty.job = self._scheduler.add_job(
                self._poll,
                IntervalTrigger(seconds=self._interval_s(duty), start_date=first, timezone=UTC),
                args=(duty,),
                name=f"{self.target.name} {name}",
                next_run_time=first,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )

    def _left_s(self, duty: Duty) -> float:
        """Return how long the pace still holds since the last request, of before a reload too."""
        return duty.last_end_s + self._interval_s(duty) - self._clock()

    async def ask_all(self) -> list[Record]:
        """Ask each endpoint once, now, without a scheduler, and return what is known of each."""
        await asyncio.wait({self._begin(duty, urgent=True) for duty in self._light_first()})
        return [duty.record for duty in self._duties.values()]

    async def stop(self) -> None:
        """End every request and close the connections."""
        self._stopped = True
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
        return self._families

    def records(self) -> Sequence[tuple[Record, float]]:
        """Return the record and the pace in force (seconds) of each endpoint that is polled."""
        return [(duty.record, self._interval_s(duty)) for duty in self._duties.values()]

    async def poll_now(self) -> PollAnswer:
        """
        Ask early: what answers quickly at once, a heavy endpoint at most once a minute.

        Returns when the quick ones have answered; the heavy ones are then under way.
        """
        now_s = self._clock()
        done = defaultdict(set)
        for duty in self._light_first():
            done[self._hurry(duty, now_s)].add(duty.endpoint.name)
        quick = {d.under_way for d in self._duties.values() if d.under_way and d.pace.quick}
        if quick:
            await asyncio.wait(quick, timeout=self._settings.poll.timeout)
        return PollAnswer(
            *(
                tuple(name for name in self._duties if name in done[what])
                for what in ("asked", "joined", "too_soon")
            )
        )

    def _light_first(self) -> list[Duty]:
        """Return the duties in an order in which no light one waits for a heavy one."""
        return sorted(self._duties.values(), key=lambda duty: duty.pace.heavy)

    def _hurry(self, duty: Duty, now_s: float) -> Literal["asked", "joined", "too_soon"]:
        if duty.under_way is not None and not duty.held:
            return "joined"
        if self._stopped or duty.too_soon(now_s):
            return "too_soon"
        if duty.under_way is not None:
            duty.under_way.cancel()
        duty.last_early_s = now_s
        self._begin(duty, urgent=True)
        return "asked"

    async def _poll(self, duty: Duty) -> None:
        """Run as a job: ask, unless a request is under way already."""
        if duty.under_way is None and not self._stopped:
            self._begin(duty)

    def _begin(self, duty: Duty, *, urgent: bool = False) -> asyncio.Task[None]:
        duty.held = duty.pace.heavy and not urgent
        duty.under_way = asyncio.get_running_loop().create_task(self._ask(duty, urgent=urgent))
        return duty.under_way

    async def _ask(self, duty: Duty, *, urgent: bool) -> None:
        pace = duty.pace
        way = (
            self._gate.heavy(pace.reserve_s, patience_s=pace.patience_s, urgent=urgent)
            if pace.heavy
            else self._gate.light()
        )
        try:
            async with way:
                duty.held = False
                answer = await self._client.ask(duty.endpoint, deadline_s=pace.deadline_s)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, old values must go
            answer = _failed(duty, error)
        finally:
            if duty.under_way is asyncio.current_task():
                duty.under_way = None
                duty.last_end_s = self._clock()
        self._take(duty, answer)

    def _take(self, duty: Duty, answer: Answer) -> None:
        """Put an answer into the snapshot, and the endpoint's next request at its new pace."""
        before, interval_s = duty.record.answer, self._interval_s(duty)
        answer, reading = duty.read(answer, self.target, self._settings)
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
        duty.pace.note(answer.verdict, answer.duration_s)
        duty.record.note(answer, reading)
        self._snapshot.replace(duty.endpoint, reading)
        if self.anomalies is not None:
            told = self._snapshot.told_by(duty.endpoint)
            self.anomalies.take(duty.endpoint, reading, told, answer.received_at)
        # What one heavy endpoint costs, the others must spare.
        self._refresh(duty, *(d for d in self._duties.values() if d.pace.heavy and d is not duty))
        # A heavy request may have waited for others, or come early: count from when it was sent.
        if duty.pace.heavy or self._interval_s(duty) != interval_s:
            self._reschedule(duty, answer.duration_s)

    def _interval_s(self, duty: Duty) -> float:
        """Return the pace in force: many heavy endpoints must share what one may take."""
        interval_s = duty.pace.interval_s
        if not duty.pace.costly:
            return interval_s
        costs_s = (other.pace.cost_s for other in self._duties.values() if other.pace.costly)
        return max(interval_s, min(round(sum(costs_s) / _HEAVY_SHARE), INTERVAL_MAX_S))

    def _reschedule(self, duty: Duty, took_s: float) -> None:
        from apscheduler.triggers.interval import IntervalTrigger  # noqa: PLC0415 - slow to import

        if duty.job is None:
            return
        interval_s = self._interval_s(duty)
        next_at = datetime.now(UTC) + timedelta(seconds=max(0.0, interval_s - took_s))
        duty.job.reschedule(IntervalTrigger(seconds=interval_s, start_date=next_at, timezone=UTC))

    def refresh(self) -> None:
        """Show what was judged since the last answer."""
        self._refresh()

    def _refresh(self, *changed: Duty) -> None:
        """Make the verdict metrics of what *changed* anew and give the whole a new version."""
        for duty in changed:
            samples = duty.record.samples(self._interval_s(duty))
            self._ledger.enter(duty.endpoint.name, samples)
        self._ledger.enter("", self._snapshot.counted())
        judged = self.anomalies.by_metric if self.anomalies is not None else {}
        by_metric = {**self._snapshot.by_metric, **self._ledger.by_metric, **judged}
        self._families = Families(self._families.version + 1, by_metric)


def _failed(duty: Duty, error: Exception) -> Answer:
    """Return the answer that stands for a failure nobody foresaw."""
    return Answer(
        endpoint=duty.endpoint,
        verdict=Verdict.INVALID,
        duration_s=0.0,
        received_at=time.time(),
        detail=f"the exporter failed to ask ({place(error)})",
    )
