"""A monitoring API that answers as it is told, and a scheduler that runs in virtual time."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import inf
from typing import TYPE_CHECKING, Any, cast

from exporter.api.answer import Answer
from exporter.catalogue.verdicts import Verdict
from exporter.polling.gate import Gate
from exporter.polling.poller import Poller
from exporter.settings import Settings, Target
from tests.polling import virtual_time

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from apscheduler.triggers.interval import IntervalTrigger

    from exporter.api.client import ApiClient
    from exporter.catalogue.model import Endpoint

STARTED_AT = 1_800_000_000.0


def cache_payload(hit_rate: float = 90.0, **keys: int) -> dict[str, Any]:
    top_keys = [{"key": key, "hits": 1, "size_bytes": size} for key, size in keys.items()]
    return {
        "hit_rate": hit_rate,
        "miss_rate": 100 - hit_rate,
        "size_mb": 1.0,
        "eviction_rate": 0.0,
        "top_keys": top_keys,
    }


def target(name: str = "default", **fields: Any) -> Target:
    return Target(name=name, **fields)


def configured(tree: dict[str, Any] | None = None) -> Settings:
    return Settings(**(tree or {}))


def poller_of(
    api: FakeApi,
    tree: dict[str, Any] | None = None,
    *,
    name: str = "default",
    scheduler: FakeScheduler | None = None,
) -> Poller:
    """Return a poller in virtual time."""
    return Poller(
        target(name),
        configured(tree),
        cast("ApiClient", api),
        scheduler=scheduler,
        gate=Gate(virtual_time.now),
        clock=virtual_time.now,
    )


@dataclass
class Script:
    """What an endpoint answers, and after how long (inf: never)."""

    payload: Any = None
    takes_s: float = 0.01
    verdict: Verdict = Verdict.OK
    detail: str = ""
    error: Exception | None = None


@dataclass
class FakeApi:
    """
    Stands in for `ApiClient`.

    Attributes:
        scripts: By endpoint name; what is not told is not applicable.
        spans: When each request to an endpoint began and ended.
    """

    scripts: dict[str, Script] = field(default_factory=dict)
    spans: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    under_way: set[str] = field(default_factory=set)
    closed: bool = False

    async def ask(self, endpoint: Endpoint, *, deadline_s: float) -> Answer:
        assert endpoint.name not in self.under_way, f"{endpoint.name} is asked twice at once"
        assert not self.closed
        script = self.scripts.get(endpoint.name, Script(verdict=Verdict.NOT_APPLICABLE))
        loop = asyncio.get_running_loop()
        start = loop.time()
        self.under_way.add(endpoint.name)
        late = script.takes_s > deadline_s
        try:
            await asyncio.sleep(deadline_s if late else script.takes_s)
        finally:
            self.under_way.remove(endpoint.name)
            self.spans[endpoint.name].append((start, loop.time()))
        if script.error:
            raise script.error
        verdict = Verdict.TIMEOUT if late else script.verdict
        return Answer(
            endpoint=endpoint,
            verdict=verdict,
            duration_s=loop.time() - start,
            received_at=STARTED_AT + loop.time(),
            payload=script.payload if verdict is Verdict.OK else None,
            detail=script.detail,
        )

    async def close(self) -> None:
        self.closed = True

    def times(self, name: str) -> int:
        return len(self.spans[name])


HANGS = Script(takes_s=inf)


class FakeJob:
    def __init__(
        self, scheduler: FakeScheduler, run: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        self._scheduler = scheduler
        self._run = run
        self._handle: asyncio.TimerHandle | None = None
        self.running = 0

    def reschedule(self, trigger: IntervalTrigger) -> None:
        self.remove()
        self.interval_s = trigger.interval.total_seconds()
        delay_s = (trigger.start_date - datetime.now(UTC)).total_seconds()
        self._handle = asyncio.get_running_loop().call_later(delay_s, self._due)

    def remove(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _due(self) -> None:
        loop = asyncio.get_running_loop()
        self._handle = loop.call_later(self.interval_s, self._due)
        if self.running:  # max_instances=1
            return
        self.running += 1
        task = loop.create_task(self._run())
        self._scheduler.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._scheduler.tasks.discard(task)
        self.running -= 1


class FakeScheduler:
    """Stands in for `AsyncIOScheduler`, which goes by the time of day."""

    def __init__(self) -> None:
        self.tasks: set[asyncio.Task[None]] = set()
        self.jobs: dict[str, FakeJob] = {}

    def add_job(
        self,
        run: Callable[..., Coroutine[Any, Any, None]],
        trigger: IntervalTrigger,
        *,
        args: tuple[Any, ...],
        name: str,
        next_run_time: datetime,
        **options: Any,
    ) -> FakeJob:
        assert options == {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        assert name not in self.jobs, f"a second job {name}"
        job = self.jobs[name] = FakeJob(self, lambda: run(*args))
        trigger.start_date = next_run_time
        job.reschedule(trigger)
        return job
