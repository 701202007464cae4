"""
Leases: who does a job among replicas, and which processes live.

Each tells the time by its own clock, so those of all replicas must agree within a few seconds (as
they do where any of them sets its clock by the network).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, text

from exporter.store.schema import LEASES

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Before the id of a process, in the name of the lease that says that it lives.
INSTANCE: Final = "instance:"
# Renewed every 10 s: two renewals may come too late before others take a process for dead.
INSTANCE_S: Final = 30.0

# One statement, so that of two processes at the same time one finds the other's row.
_TAKE: Final = text("""
    INSERT INTO leases (name, holder, until) VALUES (:name, :holder, :until)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
    WHERE leases.holder = excluded.holder OR leases.until <= :now
""")


def take(connection: Connection, name: str, holder: str, *, now: float, duration_s: float) -> bool:
    """Take or renew the lease; False while somebody else has it."""
    values = {"name": name, "holder": holder, "now": now, "until": now + duration_s}
    return connection.execute(_TAKE, values).rowcount == 1


def holder(connection: Connection, name: str, now: float) -> str | None:
    """Return who has the lease."""
    query = select(LEASES.c.holder).where(LEASES.c.name == name, LEASES.c.until > now)
    found: str | None = connection.scalar(query)
    return found


def leave(connection: Connection, holder: str) -> None:
    """Give back all that *holder* has: it ends, and others may go on at once."""
    connection.execute(delete(LEASES).where(LEASES.c.holder == holder))


def live(connection: Connection, instance: str, now: float) -> None:
    """Say that the process *instance* lives; to be said again within 30 s."""
    take(connection, f"{INSTANCE}{instance}", instance, now=now, duration_s=INSTANCE_S)


def prune(connection: Connection, now: float) -> None:
    """Forget leases that ended: each start of a process leaves one."""
    connection.execute(delete(LEASES).where(LEASES.c.until <= now))
