"""Everything that has to do with one Alertmanager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.service.alertmanager import AlertmanagerClient
from exporter.service.keeping import Acknowledger
from exporter.service.reconciling import Reconciler
from exporter.service.renewing import Renewer
from exporter.service.silencing import Silencer, Times

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from exporter.store.database import Database


class Alerting:
    """
    The parts that speak to Alertmanager, built for one URL.

    Args:
        changed: Called after the history has changed.
        transport: Takes the place of the network in tests.
    """

    def __init__(
        self,
        database: Database,
        url: str,
        *,
        instance: str,
        wall: Callable[[], float],
        changed: Callable[[], None],
        times: Times | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        times = times or Times()
        self.client = AlertmanagerClient(url, wall=wall, transport=transport)
        silencer = Silencer(database, self.client, times, wall)
        self.acknowledger = Acknowledger(
            database, self.client, silencer, times=times, instance=instance, wall=wall
        )
        self.renewer = Renewer(
            database, self.client, silencer, times=times, instance=instance, wall=wall
        )
        self.reconciler = Reconciler(
            database, self.client, times=times, instance=instance, wall=wall, changed=changed
        )

    async def close(self) -> None:
        """End what was asked for, and close every connection."""
        await self.reconciler.close()
        await self.client.close()
