"""The detectors of all targets: what they begin with, and where what they learn is kept."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from exporter.polling.anomalies import Anomalies
    from exporter.polling.keeper import Keeper
    from exporter.polling.poller import Poller
    from exporter.polling.warming import Warming
    from exporter.settings import Settings, Target


class Watching:
    """
    What outlives the detectors of one configuration.

    Args:
        wall: Unix time.
    """

    def __init__(self, wall: Callable[[], float] = time.time) -> None:
        self._wall = wall
        self._keeper: Keeper | None = None
        self._warmings: dict[Poller, asyncio.Task[None]] = {}

    def watch(self, target: Target, settings: Settings, before: Poller | None) -> Anomalies | None:
        """Return detectors for *target* that go on where they were; None when nobody wants any."""
        if not settings.anomaly.enabled:
            return None
        from exporter.polling.anomalies import Anomalies  # noqa: PLC0415 - it imports NumPy

        anomalies = Anomalies(target.name, settings)
        keeper = self._keeper_for(settings)
        if before is not None and before.anomalies is not None and before.target.url == target.url:
            with suppress(ValueError):
                anomalies.succeed(before.anomalies, self._wall())
            if keeper is not None:
                anomalies.note_restored(restored=True)
        elif keeper is not None:
            keeper.restore(target.name, anomalies)
        return anomalies

    def swapped(
        self, before: Mapping[str, Poller], now: Mapping[str, Poller], settings: Settings
    ) -> None:
        """
        Warm the detectors that know nothing; end what is under way for those that are gone.

        A successor of detectors that were not warm yet begins again.
        """
        for name, poller in now.items():
            old, anomalies = before.get(name), poller.anomalies
            if old is poller or anomalies is None:
                continue
            same = old is None or old.target.url == poller.target.url
            # The URL has a default for links; only one that was given is known to be there.
            known = "prometheus_url" in settings.model_fields_set
            if known and same and (anomalies.cold or old in self._warmings):
                self._warm(poller, settings)
        for poller in [one for one in self._warmings if now.get(one.target.name) is not one]:
            self._warmings.pop(poller).cancel()

    def _warm(self, poller: Poller, settings: Settings) -> None:
        """Let detectors learn from what Prometheus remembers, while everything else goes on."""
        from exporter.polling.history import History  # noqa: PLC0415 - needed by few
        from exporter.polling.warming import Warming  # noqa: PLC0415

        assert poller.anomalies is not None  # noqa: S101 - or there is nothing to warm
        warming = Warming(
            poller.target.name,
            poller.anomalies,
            History(settings.prometheus_url),
            step_s=settings.poll.interval,
            wall=self._wall,
        )
        self._warmings[poller] = asyncio.get_running_loop().create_task(self._run(warming, poller))

    async def _run(self, warming: Warming, poller: Poller) -> None:
        try:
            await warming.run()
        finally:
            if self._warmings.get(poller) is asyncio.current_task():
                del self._warmings[poller]
        poller.refresh()

    async def stop(self) -> None:
        """End what is under way; what was not learnt whole is not kept."""
        tasks = [*self._warmings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def save(self, pollers: Iterable[Poller], settings: Settings) -> None:
        """Save what the detectors have learnt, where there is a folder for it."""
        keeper = self._keeper_for(settings)
        all_anomalies = {
            poller.target.name: poller.anomalies
            for poller in pollers
            if poller.anomalies is not None and not poller.anomalies.warming
        }
        if keeper is not None and all_anomalies:
            await keeper.save(all_anomalies)

    def _keeper_for(self, settings: Settings) -> Keeper | None:
        """Return who keeps the state, the same as long as the folder is the same."""
        if settings.state_dir is None or not settings.anomaly.enabled:
            return None
        from exporter.polling.keeper import Keeper  # noqa: PLC0415 - it imports NumPy

        if self._keeper is None or self._keeper.folder != settings.state_dir:
            self._keeper = Keeper(settings.state_dir, wall=self._wall)
        return self._keeper
