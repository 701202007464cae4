"""Forgets what is older than it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.store import acknowledgements, audit, episodes, leases, sessions

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from exporter.store.database import Database

_LEASE: Final = "pruning"
# Of several replicas, one does it each hour.
_LEASE_S: Final = 1800.0

_log = Log(__name__)


async def prune(database: Database, instance: str, now: float, retention_s: float) -> None:
    """
    Delete history, audit and sessions that are over for long enough.

    Args:
        instance: This process.
        now: Unix seconds.
    """
    mine = await database.write(leases.take, _LEASE, instance, now=now, duration_s=_LEASE_S)
    if not mine:
        return
    gone = await database.write(_prune, now, now - retention_s)
    if any(gone.values()):
        _log.info("forgot what is old", **gone)


def _prune(connection: Connection, now: float, before: float) -> dict[str, int]:
    leases.prune(connection, now)
    return {
        "sessions": sessions.prune(connection, now),
        "audit": audit.prune(connection, before),
        "alerts": episodes.prune(connection, before),
        "acknowledgements": acknowledgements.prune(connection, before),
    }
