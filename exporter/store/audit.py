"""Who did what: a row is written before an action and closed after it, and stays as it is then."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, update

from exporter.store.leases import INSTANCE
from exporter.store.schema import AUDIT, LEASES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row

# The words of exporter.actions.State that this module sets itself.
STARTED: Final = "started"
UNKNOWN: Final = "unknown"
_GIVEN_UP: Final = (
    "The action service ended while this ran: nobody knows whether it was done. Look at its"
    " effect before you do it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """
    One thing that somebody did, or tried to.

    Attributes:
        at: When it began, Unix seconds.
        via: page, api or system.
        target: What it acts on, in one canonical text.
        state: started, done, refused, failed or unknown.
        message: A sentence for the person who asked.
        details: Facts by their names in plain words.
        closed_at: When it was over, Unix seconds; None while it runs.
        instance: The process that ran it.
    """

    id: int
    at: float
    who: str
    via: str
    action: str
    target: str
    parameters: Mapping[str, Any]
    state: str
    message: str
    details: Mapping[str, Any]
    closed_at: float | None
    instance: str


def one_time(who: str, action: str, key: str) -> str:
    """Return the key of a row: what others chose as *key* cannot meet a row of somebody else."""
    return f"{who}:{action}:{hashlib.sha256(key.encode()).hexdigest()}"


def begin(
    connection: Connection,
    *,
    at: float,
    who: str,
    via: str,
    action: str,
    target: str,
    parameters: Mapping[str, Any],
    instance: str,
    key: str | None = None,
) -> int:
    """
    Write that something begins; return the number of the row.

    Args:
        at: Unix seconds.
        key: As `one_time` makes it. A second row with it is an IntegrityError: look with `by_key`
            under the same lock first.
    """
    row = {
        "at": at,
        "who": who,
        "via": via,
        "action": action,
        "target": target,
        "parameters": dict(parameters),
        "key": key,
        "state": STARTED,
        "message": "",
        "details": {},
        "instance": instance,
    }
    number: int = connection.scalars(insert(AUDIT).values(row).returning(AUDIT.c.id)).one()
    return number


def close(
    connection: Connection,
    number: int,
    state: str,
    message: str,
    details: Mapping[str, Any],
    now: float,
) -> bool:
    """
    Write how it ended; return False if that was known already.

    A row that was given up (`give_up`) though its process lived on is told what really came of it.
    """
    open_ = AUDIT.c.state.in_((STARTED, UNKNOWN))
    values = {"state": state, "message": message, "details": dict(details), "closed_at": now}
    done = connection.execute(update(AUDIT).where(AUDIT.c.id == number, open_).values(values))
    return done.rowcount == 1


def record(  # noqa: PLR0913 - the columns of a row
    connection: Connection,
    *,
    at: float,
    who: str,
    via: str,
    action: str,
    target: str,
    parameters: Mapping[str, Any],
    instance: str,
    state: str,
    message: str,
    details: Mapping[str, Any],
    key: str | None = None,
) -> int:
    """Write what begins and ends in the very transaction of *connection*; return its number."""
    number = begin(
        connection,
        at=at,
        who=who,
        via=via,
        action=action,
        target=target,
        parameters=parameters,
        instance=instance,
        key=key,
    )
    close(connection, number, state, message, details, at)
    return number


def give_up(connection: Connection, now: float) -> Sequence[int]:
    """Close as unknown what processes without a live lease had begun; return the numbers."""
    lives = and_(LEASES.c.name == INSTANCE + AUDIT.c.instance, LEASES.c.until > now)
    orphaned = (AUDIT.c.state == STARTED) & ~select(LEASES.c.name).where(lives).exists()
    numbers = connection.scalars(select(AUDIT.c.id).where(orphaned).order_by(AUDIT.c.id)).all()
    for number in numbers:
        close(connection, number, UNKNOWN, _GIVEN_UP, {}, now)
    return numbers


def find(connection: Connection, number: int) -> Record | None:
    """Return the row of that number."""
    return _one(connection, AUDIT.c.id == number)


def by_key(connection: Connection, key: str) -> Record | None:
    """Return the row that was begun with *key* (of `one_time`)."""
    return _one(connection, AUDIT.c.key == key)


def last(
    connection: Connection, action: str, target: str | None = None, state: str | None = None
) -> Record | None:
    """Return the latest row of an action; on that target, or in that state, alone."""
    where = [AUDIT.c.action == action]
    if target is not None:
        where.append(AUDIT.c.target == target)
    if state is not None:
        where.append(AUDIT.c.state == state)
    return _one(connection, *where)


def records(
    connection: Connection, limit: int, before: int | None = None, action: str | None = None
) -> list[Record]:
    """Return the latest *limit* rows, the newest first; only those numbered below *before*."""
    query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AUDIT.c.id < before)
    if action is not None:
        query = query.where(AUDIT.c.action == action)
    return [_read(row) for row in connection.execute(query)]


def prune(connection: Connection, before: float) -> int:
    """Delete what was begun before *before* (Unix seconds) and is over; return how many rows."""
    # The last one stays: SQLite would give its number away again.
    newest = select(func.max(AUDIT.c.id)).scalar_subquery()
    old = (AUDIT.c.at < before) & (AUDIT.c.state != STARTED) & (AUDIT.c.id < newest)
    return connection.execute(delete(AUDIT).where(old)).rowcount


def _one(connection: Connection, *where: ColumnElement[bool]) -> Record | None:
    row = connection.execute(
        select(AUDIT).where(*where).order_by(AUDIT.c.id.desc()).limit(1)
    ).first()
    return _read(row) if row else None


def _read(row: Row[Any]) -> Record:
    values = dict(row._mapping)  # noqa: SLF001 - its public name, underlined against columns
    del values["key"]
    return Record(**values)
