"""The running exporter: its targets, their pages, and the configuration in force."""

from __future__ import annotations

import asyncio
import platform
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter import __version__
from exporter.api.client import ApiClient
from exporter.catalogue import own_metrics as own
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page
from exporter.polling.gate import Gate
from exporter.polling.poller import Poller
from exporter.polling.watching import Watching
from exporter.settings import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apscheduler.schedulers.asyncio import AsyncIOScheduler

    from exporter.catalogue.model import Metric
    from exporter.polling.poller import PollAnswer
    from exporter.settings import Settings, Target

# A crash costs what was learnt within so long; a file is written in milliseconds.
_SAVE_INTERVAL_S: Final = 300.0
# Between the first requests to one target and to the next.
_TARGET_DELAY_S: Final = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointVerdict:
    """One row of the verdict table; see the web layer's contract."""

    target: str
    endpoint: str
    verdict: str | None
    duration_s: float | None
    last_success: float | None
    interval_s: float
    detail: str


def connect(target: Target, settings: Settings) -> ApiClient:
    """
    Return the client that asks *target*; it opens no connection yet.

    Raises:
        ConfigurationError: The CA certificates cannot be used.
    """
    try:
        return ApiClient(target, body_limit=settings.limits.body)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        message = f"{target.name}: ca_file: {target.ca_file}: cannot be used: {reason}"
        raise ConfigurationError(message) from None


class Runtime:
    """
    What the web layer serves.

    Args:
        load: Reads the configuration anew; raises ConfigurationError.
        settings: The configuration to start with.
        wall: Unix time.
        connect: Makes the client of a target; raises ConfigurationError.
    """

    def __init__(
        self,
        load: Callable[[], Settings],
        settings: Settings,
        *,
        revision: str = "",
        wall: Callable[[], float] = time.time,
        connect: Callable[[Target, Settings], ApiClient] = connect,
    ) -> None:
        self._load = load
        self._connect = connect
        self._settings = settings
        self._revision = revision
        self._wall = wall
        self._scheduler: AsyncIOScheduler | None = None
        # By URL: what a backend has borne is not forgotten by a reload.
        self._gates: dict[str, Gate] = {}
        self._pollers: dict[str, Poller] = {}
        self._pages: dict[str, Page] = {}
        self._main: Page | None = None
        self._own: dict[Metric, list[Sample]] = {}
        self._own_version = 0
        self._watching = Watching(wall)
        self._loaded(ok=True)

    @property
    def ready(self) -> bool:
        """True once the pollers run."""
        return self._scheduler is not None and bool(self._pollers)

    async def start(self) -> None:
        """
        Begin to poll every target.

        Raises:
            ConfigurationError: A target cannot be asked as configured.
        """
        scheduler = _scheduler()
        scheduler.start()
        self._scheduler = scheduler
        await self._swap(self._settings)
        scheduler.add_job(self._save, "interval", seconds=_SAVE_INTERVAL_S, coalesce=True)

    async def stop(self) -> None:
        """End polling and close every connection."""
        await self._watching.stop()
        await asyncio.gather(*(poller.stop() for poller in self._pollers.values()))
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None
            await self._save()

    async def reload(self) -> None:
        """
        Read the configuration again and swap it in whole.

        Raises:
            ConfigurationError: The last good configuration stays; the text is safe to show.
        """
        try:
            await self._swap(self._load())
        except Exception:
            self._loaded(ok=False)
            raise
        self._loaded(ok=True)

    def reload_failed(self) -> None:
        """Note that a reload failed before it got here: the web configuration was at fault."""
        self._loaded(ok=False)

    def page(self, target: str | None) -> Page | None:
        """Return the page of a target, the first for None; None when there is no such target."""
        return self._main if target is None else self._pages.get(target)

    def verdicts(self) -> Sequence[EndpointVerdict]:
        """Return one row for each target and endpoint."""
        return [
            EndpointVerdict(
                target=name,
                endpoint=record.endpoint.name,
                verdict=str(record.answer.verdict) if record.answer else None,
                duration_s=record.answer.duration_s if record.answer else None,
                last_success=record.last_success_at,
                interval_s=interval_s,
                detail=record.answer.detail if record.answer else "",
            )
            for name, poller in self._pollers.items()
            for record, interval_s in poller.records()
        ]

    async def poll_now(self, target: str | None) -> PollAnswer | None:
        """Ask a target's endpoints early, the first one's for None."""
        name = target if target is not None else next(iter(self._pollers), "")
        poller = self._pollers.get(name)
        return await poller.poll_now() if poller is not None else None

    async def _swap(self, settings: Settings) -> None:
        """Exchange the pollers; those whose configuration did not change go on undisturbed."""
        assert self._scheduler is not None  # noqa: S101 - started before it is swapped
        rest = {"poll", "limits", "cache", "anomaly", "state_dir", "prometheus_url"}
        same = settings.model_dump(include=rest) == self._settings.model_dump(include=rest)
        before, pollers, new = self._pollers, {}, []
        for place, target in enumerate(settings.all_targets()):
            poller = before.get(target.name)
            if poller is None or not same or poller.target != target:
                poller = Poller(
                    target,
                    settings,
                    self._connect(target, settings),
                    scheduler=self._scheduler,
                    gate=self._gates.setdefault(target.url, Gate(time.monotonic)),
                    anomalies=self._watching.watch(target, settings, poller),
                    successor_of=poller if poller and poller.target.url == target.url else None,
                    delay_s=_TARGET_DELAY_S * place,
                )
                new.append(poller)
            pollers[target.name] = poller
        # From here on nothing can fail, and until the first await nobody can look.
        self._settings, self._pollers = settings, pollers
        self._pages = {name: Page(poller.families) for name, poller in pollers.items()}
        self._main = Page(self._families, process=True)
        urls = {poller.target.url for poller in pollers.values()}
        self._gates = {url: gate for url, gate in self._gates.items() if url in urls}
        for poller in new:
            poller.start()
        self._watching.swapped(before, pollers, settings)
        gone = [poller for poller in before.values() if poller not in pollers.values()]
        await asyncio.gather(*(poller.stop() for poller in gone))

    async def _save(self) -> None:
        await self._watching.save(self._pollers.values(), self._settings)

    def _families(self) -> Families:
        """Return the first target's families with the exporter's own."""
        first = next(iter(self._pollers.values()))
        families = first.families()
        return Families(
            families.version + self._own_version * 2**40, {**families.by_metric, **self._own}
        )

    def _loaded(self, *, ok: bool) -> None:
        before = self._own.get(own.CONFIG_RELOAD_SUCCESS_TIME)
        time_s = self._wall() if ok or not before else before[0].value
        python = platform.python_version()
        labels = (__version__, self._revision or "unknown", python)
        self._own = {
            own.BUILD_INFO: [Sample(own.BUILD_INFO, labels, 1.0)],
            own.CONFIG_RELOAD_SUCCESSFUL: [Sample(own.CONFIG_RELOAD_SUCCESSFUL, (), float(ok))],
            own.CONFIG_RELOAD_SUCCESS_TIME: [Sample(own.CONFIG_RELOAD_SUCCESS_TIME, (), time_s)],
        }
        self._own_version += 1


def _scheduler() -> AsyncIOScheduler:
    from datetime import UTC  # noqa: PLC0415

    from apscheduler.schedulers.asyncio import AsyncIOScheduler  # noqa: PLC0415 - slow to import

    return AsyncIOScheduler(timezone=UTC)
