"""
What people said of alerts: acknowledged, or dismissed for a while; one in force for each alert.

Who begins or ends one holds the lock `LOCK` (`Database.lock`): a double click may reach two
replicas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from exporter.store.schema import ACKNOWLEDGEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection, Row

LOCK: Final = "acknowledgements"
ACKNOWLEDGE: Final = "acknowledge"
DISMISS: Final = "dismiss"
_COLUMNS: Final = ACKNOWLEDGEMENTS.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """
    What somebody said of an alert.

    Attributes:
        kind: acknowledge or dismiss.
        labels: What the alert must have; an empty one it must not have. Without the severity.
        severity: The gravest when it was said: nothing graver is hidden.
        at: Unix seconds, as all times here.
        expires_at: When it ends though the alert still fires.
        silence_id: Of Alertmanager; None until it has confirmed it.
        ended_by: resolved, escalated, expired, withdrawn, silence (a dismissal's is over), replaced
            (by a later one) or refused (Alertmanager did not want the silence).
    """

    id: int
    kind: str
    alertname: str
    backend: str
    labels: Mapping[str, str]
    severity: str
    who: str
    comment: str
    at: float
    expires_at: float
    silence_id: str | None
    silence_ends_at: float | None
    ended_at: float | None
    ended_by: str | None


def begin(
    connection: Connection,
    *,
    kind: str,
    labels: Mapping[str, str],
    severity: str,
    who: str,
    comment: str,
    at: float,
    expires_at: float,
) -> Acknowledgement:
    """Write that it is in force; its silence is yet to be made."""
    # Whole milliseconds: the moment is part of what marks its silence.
    row = {
        "kind": kind,
        "alertname": labels["alertname"],
        "backend": labels.get("backend", ""),
        "labels": dict(labels),
        "severity": severity,
        "who": who,
        "comment": comment,
        "at": round(at, 3),
        "expires_at": expires_at,
    }
    statement = insert(ACKNOWLEDGEMENTS).values(row).returning(*_COLUMNS)
    return _read(connection.execute(statement).one())


def active(connection: Connection) -> list[Acknowledgement]:
    """Return what is in force, the oldest first."""
    return _all(connection, _COLUMNS.ended_at.is_(None))


def same(connection: Connection, labels: Mapping[str, str]) -> Acknowledgement | None:
    """Return what is in force for just these labels."""
    # Databases compare JSON in different ways, or not at all.
    named = _COLUMNS.alertname == labels["alertname"]
    found = _all(connection, _COLUMNS.ended_at.is_(None), named)
    return next((one for one in found if one.labels == labels), None)


def find(connection: Connection, number: int) -> Acknowledgement | None:
    """Return the one of that number."""
    return next(iter(_all(connection, _COLUMNS.id == number)), None)


def numbered(connection: Connection, numbers: Iterable[int]) -> dict[int, Acknowledgement]:
    """Return those of these numbers, by number; what is not there any more is left out."""
    # A handful: those whose silences Alertmanager has.
    found = (find(connection, number) for number in sorted(set(numbers)))
    return {one.id: one for one in found if one is not None}


def silenced(connection: Connection, number: int, silence_id: str, ends_at: float) -> bool:
    """Note its silence; False when it has ended meanwhile, and the silence must end too."""
    values = {"silence_id": silence_id, "silence_ends_at": ends_at}
    return _change(connection, number, values)


def end(connection: Connection, number: int, by: str, now: float) -> bool:
    """End it; False when it had ended before."""
    return _change(connection, number, {"ended_at": now, "ended_by": by})


def recent(connection: Connection, limit: int) -> list[Acknowledgement]:
    """Return the latest, in force or not, the newest first."""
    query = select(*_COLUMNS).order_by(_COLUMNS.id.desc()).limit(limit)
    return [_read(row) for row in connection.execute(query)]


def prune(connection: Connection, before: float) -> int:
    """Delete what ended before *before* (Unix seconds); return how many. What is in force stays."""
    # The last one stays: SQLite would give its number away again.
    newest = select(func.max(_COLUMNS.id)).scalar_subquery()
    old = (_COLUMNS.ended_at < before) & (_COLUMNS.id < newest)
    return connection.execute(delete(ACKNOWLEDGEMENTS).where(old)).rowcount


def _change(connection: Connection, number: int, values: Mapping[str, Any]) -> bool:
    where = (_COLUMNS.id == number) & _COLUMNS.ended_at.is_(None)
    done = connection.execute(update(ACKNOWLEDGEMENTS).where(where).values(values))
    return done.rowcount == 1


def _all(connection: Connection, *where: ColumnElement[bool]) -> list[Acknowledgement]:
    query = select(*_COLUMNS).where(*where).order_by(_COLUMNS.id)
    return [_read(row) for row in connection.execute(query)]


def _read(row: Row[Any]) -> Acknowledgement:
    return Acknowledgement(**row._mapping)  # noqa: SLF001 - its public name
