"""Who has signed in; a row is known by the hash of what the browser holds, never by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, insert, select

from exporter.store.schema import SESSIONS

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Of one user at a time; a script that signs in for each request must not fill the disk.
EACH_MAX: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """
    Somebody who has signed in.

    Attributes:
        credential: What it was opened by (a hash of the password's hash); another one ends it.
    """

    id: str
    who: str
    expires_at: float
    credential: str


def begin(connection: Connection, session: Session, now: float) -> None:
    """Keep a session; the oldest of a user with too many end."""
    mine = select(SESSIONS.c.id).where(SESSIONS.c.who == session.who)
    newest = mine.order_by(SESSIONS.c.at.desc(), SESSIONS.c.id).offset(EACH_MAX - 1)
    old = connection.scalars(newest).all()
    connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_(old)))
    connection.execute(
        insert(SESSIONS).values(
            id=session.id,
            who=session.who,
            at=now,
            expires_at=session.expires_at,
            credential=session.credential,
        )
    )


def find(connection: Connection, id_: str, now: float) -> Session | None:
    """Return the session of that id, unless it has ended."""
    row = connection.execute(
        select(SESSIONS).where(SESSIONS.c.id == id_, SESSIONS.c.expires_at > now)
    ).first()
    if row is None:
        return None
    return Session(id=row.id, who=row.who, expires_at=row.expires_at, credential=row.credential)


def end(connection: Connection, id_: str) -> bool:
    """End a session; False when there was none."""
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.id == id_)).rowcount == 1


def prune(connection: Connection, now: float) -> int:
    """Forget the sessions that have expired; return how many."""
    return connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at <= now)).rowcount
