"""The alert history as it is read: one episode is an alert from its start to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import ColumnElement, and_, delete, func, or_, select

from exporter.store.schema import ALERTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Row, Select

FIRING: Final = "firing"
RESOLVED: Final = "resolved"
# What nobody types by hand: it would only cost time.
_QUERY_MAX: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """
    An alert from its start to its end.

    Attributes:
        starts_at: Unix seconds, as all times here, by Prometheus's clock.
        status: firing or resolved.
        first_seen: When we heard of it first, by our clock.
        last_seen: When we heard of it last; of an ended one, when it was closed.
        ends_at: None while it fires.
        ended_by: resolved (Alertmanager said so), reconciled (Alertmanager has it no longer, and
            did not say so) or superseded (it fired anew); None while it fires.
    """

    id: int
    fingerprint: str
    starts_at: float
    name: str
    severity: str
    backend: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    status: str
    first_seen: float
    last_seen: float
    ends_at: float | None
    ended_by: str | None

    @property
    def position(self) -> tuple[float, int]:
        """Where it stands in the history: what `search` goes on behind."""
        return self.starts_at, self.id


_COLUMNS: Final = tuple(column for column in ALERTS.c if column is not ALERTS.c.words)


def firing(connection: Connection) -> list[Episode]:
    """Return what fires, the newest first."""
    return _read(connection, _newest_first().where(ALERTS.c.status == FIRING))


def search(
    connection: Connection,
    *,
    severity: str = "",
    q: str = "",
    before: tuple[float, int] | None = None,
    limit: int = 50,
) -> list[Episode]:
    """
    Return what matches, the newest first.

    Args:
        severity: Of this severity only.
        q: Words that must all be in the labels (``name=value``) or the texts, in any case.
        before: The `Episode.position` of the last one that is known already; so all can be had in
            portions, however many come meanwhile.
    """
    query = _newest_first().where(*_matching(severity, q)).limit(limit)
    if before is not None:
        starts_at, number = before
        same = and_(ALERTS.c.starts_at == starts_at, ALERTS.c.id < number)
        query = query.where(or_(ALERTS.c.starts_at < starts_at, same))
    return _read(connection, query)


def count(connection: Connection, *, severity: str = "", q: str = "") -> int:
    """Return how many match in all."""
    query = select(func.count()).select_from(ALERTS).where(*_matching(severity, q))
    return connection.execute(query).scalar_one()


def find(connection: Connection, number: int) -> Episode | None:
    """Return the episode of that number."""
    found = _read(connection, _newest_first().where(ALERTS.c.id == number))
    return found[0] if found else None


def prune(connection: Connection, before: float) -> int:
    """Delete what ended before *before* (Unix seconds); return how many. What fires stays."""
    # Both by the clock of whoever said that it ended, and by ours: neither may be far off.
    old = and_(ALERTS.c.ends_at < before, ALERTS.c.last_seen < before)
    # The last one stays: SQLite would give its number away again.
    newest = select(func.max(ALERTS.c.id)).scalar_subquery()
    where = and_(ALERTS.c.status == RESOLVED, old, ALERTS.c.id < newest)
    return connection.execute(delete(ALERTS).where(where)).rowcount


def text_of(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """Return what `search` looks for words in; links are not, or each word of them would match."""
    told = (value for name, value in annotations.items() if not name.endswith("_url"))
    return "\n".join((*(f"{name}={value}" for name, value in labels.items()), *told)).lower()


def _matching(severity: str, q: str) -> list[ColumnElement[bool]]:
    words = q[:_QUERY_MAX].replace("\0", " ").lower().split()
    where: list[ColumnElement[bool]] = [
        ALERTS.c.words.contains(word, autoescape=True) for word in dict.fromkeys(words)
    ]
    if severity:
        where.append(ALERTS.c.severity == severity.replace("\0", " "))
    return where


def _newest_first() -> Select[Any]:
    return select(*_COLUMNS).order_by(ALERTS.c.starts_at.desc(), ALERTS.c.id.desc())


def _read(connection: Connection, query: Select[Any]) -> list[Episode]:
    rows: Sequence[Row[Any]] = connection.execute(query).all()
    return [Episode(**row._mapping) for row in rows]  # noqa: SLF001 - its public name
