"""
Compares the history with Alertmanager: it never tells of what ends while it is silenced.

What it has not any more is closed after two looks; what it has and the history has not is added.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.service.absences import Absences
from exporter.service.alertmanager import AlertmanagerError
from exporter.store import episodes, history, leases
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from exporter.service.alertmanager import AlertmanagerClient
    from exporter.service.silencing import Times
    from exporter.store.book import Notice
    from exporter.store.database import Database

LEASE: Final = "reconciliation"
# Three runs of every minute; who has it and ends gives way within this time.
LEASE_S: Final = 180.0
# Between two looks on demand: refused notifications may come by the hundred.
_GAP_S: Final = 1.0
_log = Log(__name__)


class Reconciler:
    """
    The background job of the history; of several replicas, one does it every minute.

    Args:
        instance: This process.
        wall: Unix seconds.
        changed: Called after the history has changed.
    """

    def __init__(
        self,
        database: Database,
        client: AlertmanagerClient,
        *,
        times: Times,
        instance: str,
        wall: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._client = client
        self._times = times
        self._instance = instance
        self._wall = wall
        self._changed = changed
        self._absences = Absences(times.apart_s)
        self._one = asyncio.Lock()
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    async def reconcile(self) -> bool:
        """
        Compare; False when another replica does it.

        Raises:
            AlertmanagerError: If Alertmanager does not answer; nothing is closed.
            DatabaseError: If the database does not.
        """
        mine = await self._database.write(
            leases.take, LEASE, self._instance, now=self._wall(), duration_s=LEASE_S
        )
        if mine:
            await self.look()
        return mine

    async def look(self) -> None:
        """Compare, whoever does it otherwise; raises as `reconcile`."""
        async with self._one:
            looked_at = self._wall()
            known = await self._database.read(episodes.firing)
            look = await self._client.look()
            there = {alert.fingerprint for alert in look.alerts}
            gone: Mapping[int, float] = {}
            if look.up_s < self._times.settle_s:
                self._absences.forget()
            else:
                missing = {e.id: e.last_seen for e in known if e.fingerprint not in there}
                gone = self._absences.look(missing, self._wall())
            notices = [alert.told() for alert in look.alerts]
            if not notices and not gone:
                return
            new, changed, closed = await self._database.write(self._enter, notices, looked_at, gone)
        if new or changed or closed:
            _log.info("the history was reconciled", added=new, reopened=changed, closed=closed)
            self._changed()

    def soon(self) -> None:
        """Have it done at once; called again meanwhile, once more afterwards."""
        self._wanted = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._on_demand())

    async def close(self) -> None:
        """End what was asked for."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _on_demand(self) -> None:
        while self._wanted:
            self._wanted = False
            try:
                await self.look()
            except (AlertmanagerError, DatabaseError) as error:
                # The next one is due within a minute anyway.
                _log.warning("the history was not reconciled", reason=str(error))
            except Exception:  # noqa: BLE001 - nobody waits for this task
                _log.exception("the history was not reconciled")
            await asyncio.sleep(_GAP_S)

    def _enter(
        self,
        connection: Connection,
        notices: Sequence[Notice],
        looked_at: float,
        gone: Mapping[int, float],
    ) -> tuple[int, int, int]:
        self._database.lock(connection, history.LOCK)
        now = self._wall()
        taken = history.confirm(connection, notices, looked_at, now)
        return taken.new, taken.changed, history.close_missing(connection, gone, now)
