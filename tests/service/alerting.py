"""What keeps acknowledgements and the history, put together around an Alertmanager."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from exporter.service.alertmanager import AlertmanagerClient
from exporter.service.keeping import Acknowledger
from exporter.service.reconciling import Reconciler
from exporter.service.renewing import Renewer
from exporter.service.silencing import Silencer, Times
from exporter.store import acknowledgements, audit, episodes, leases
from exporter.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from exporter.service.entries import Kept
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.audit import Record
    from exporter.store.episodes import Episode
    from tests.service.fake_alertmanager import Clock, FakeAlertmanager

MODULE = {"alertname": "OpsModuleDown", "backend": "default", "module": "auth"}
WARNING = {**MODULE, "severity": "warning"}
CRITICAL = {**MODULE, "severity": "critical"}


async def eventually(
    happened: Callable[[], Awaitable[object]], *, within_s: float = 30.0, every_s: float = 0.05
) -> None:
    """Wait until *happened* returns something true."""
    until = time.monotonic() + within_s
    while not (found := await happened()):
        assert time.monotonic() < until, f"not in time; last: {found!r}"
        await asyncio.sleep(every_s)


class Service:
    """One process of the action service, as far as alerts go."""

    def __init__(
        self,
        database: str,
        url: str,
        wall: Callable[[], float],
        *,
        times: Times | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        instance: str = "one",
    ) -> None:
        times = times or Times()
        self.database = Database(database)
        self.client = AlertmanagerClient(url, wall=wall, transport=transport)
        self.silencer = Silencer(self.database, self.client, times, wall)
        common: dict[str, Any] = {"times": times, "instance": instance, "wall": wall}
        self.keeper = Acknowledger(self.database, self.client, self.silencer, **common)
        self.renewer = Renewer(self.database, self.client, self.silencer, **common)
        self.reconciler = Reconciler(self.database, self.client, **common)
        self.instance = instance
        self._clicks = 0

    async def close(self, *, killed: bool = False) -> None:
        """End; what is killed gives no lease back."""
        if not killed:
            await self.leave()
        await self.reconciler.close()
        await self.client.close()
        self.database.close()

    async def leave(self) -> None:
        """Give all leases back."""
        await self.database.write(leases.leave, self.instance)

    async def acknowledge(self, *, who: str = "jane", key: str = "", **labels: str) -> Kept:
        return await self.keeper.acknowledge(
            labels or MODULE, who=who, via="page", comment="on it", key=key or self._key()
        )

    async def dismiss(self, *, who: str = "jane", **labels: str) -> Kept:
        return await self.keeper.dismiss(
            labels or MODULE, who=who, via="page", comment="", key=self._key()
        )

    async def withdraw(self, number: int) -> Kept:
        return await self.keeper.withdraw(number, who="joe", via="page", key=self._key())

    async def renew(self) -> None:
        assert await self.renewer.renew()

    async def records(self) -> list[Acknowledgement]:
        """Return all, in force or not, the oldest first."""
        return (await self.database.read(acknowledgements.recent, 1000))[::-1]

    async def audited(self) -> list[Record]:
        """Return the audit, the oldest first."""
        return (await self.database.read(audit.records, 1000))[::-1]

    async def history(self) -> list[Episode]:
        """Return the history, the newest first."""
        return await self.database.read(episodes.search, limit=1000)

    def _key(self) -> str:
        self._clicks += 1
        return f"click {self._clicks}"


def served(database: str, fake: FakeAlertmanager, instance: str = "one") -> Service:
    """Return a process before an Alertmanager in memory, with the same clock."""
    url, transport = "http://alertmanager", fake.transport()
    return Service(database, url, fake.clock, transport=transport, instance=instance)


async def ended_by(service: Service) -> list[str | None]:
    """Return what ended each record; None for what is in force."""
    return [record.ended_by for record in await service.records()]


async def renew_for(service: Service, clock: Clock, seconds: float, every_s: float = 30) -> None:
    until = clock.now + seconds
    while clock.now < until:
        clock.advance(every_s)
        await service.renew()
