"""What is known of the alerts that somebody speaks of, and what changes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, select, update

from exporter.store.episodes import FIRING, RESOLVED, text_of
from exporter.store.schema import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

# Who ended an episode: Alertmanager has said so; it fired anew.
BY_NOTICE: Final = "resolved"
BY_SUCCESSOR: Final = "superseded"
# SQLite takes no more than 999 values in a statement, in the oldest version that we may meet.
_CHUNK: Final = 500
# A moment that no alert begins after.
_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """
    What Alertmanager says of one alert.

    Attributes:
        fingerprint: Of its labels, by Alertmanager.
        starts_at: Unix seconds in whole milliseconds: its API tells no more, its webhook does.
        ends_at: None while it fires.
    """

    fingerprint: str
    starts_at: float
    ends_at: float | None
    firing: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """
    What came of notices.

    Attributes:
        new: Episodes that were not known.
        changed: Episodes that were known and have ended, or go on.
        doubtful: Said to fire, though they were known to have ended: either this was said before
            it ended and came late, or it is worth a look.
    """

    new: int = 0
    changed: int = 0
    doubtful: int = 0


@dataclass(slots=True)
class _Entry:
    """An episode as it will be; its columns by name."""

    values: dict[str, Any]
    changed: bool = False
    touched: bool = False

    @property
    def firing(self) -> bool:
        return bool(self.values["status"] == FIRING)

    def close(self, ends_at: float, by: str, now: float) -> None:
        self.values |= {"status": RESOLVED, "ends_at": ends_at, "ended_by": by, "last_seen": now}
        self.changed = True

    def reopen(self, now: float) -> None:
        self.values |= {"status": FIRING, "ends_at": None, "ended_by": None, "last_seen": now}
        self.changed = True


class Book:
    """What is known of the alerts at hand, and what changes of it."""

    def __init__(self, connection: Connection, notices: Sequence[Notice], now: float) -> None:
        self._connection = connection
        self._now = now
        self._doubtful = 0
        # By fingerprint and start.
        self._known: dict[str, dict[float, _Entry]] = {}
        columns = (c for c in ALERTS.c if c.name not in {"labels", "annotations", "words"})
        query = select(*columns).where(ALERTS.c.fingerprint.in_(bindparam("some", expanding=True)))
        for some in _chunks(sorted({notice.fingerprint for notice in notices})):
            for row in connection.execute(query, {"some": some}):
                self._keep(_Entry(dict(row._mapping)))  # noqa: SLF001 - its public name

    def enter(self, notice: Notice) -> None:
        """Take what a notification says, which may be late."""
        entry = self._known.get(notice.fingerprint, {}).get(notice.starts_at)
        if entry is None:
            self._add(notice)
        elif not notice.firing:
            if entry.firing or entry.values["ended_by"] != BY_NOTICE:
                entry.close(_end(notice, self._now), BY_NOTICE, self._now)
        elif entry.firing:
            self._heard(entry, notice)
        else:
            self._doubtful += 1

    def confirm(self, notice: Notice, looked_at: float) -> None:
        """Take what Alertmanager has."""
        # It may have forgotten an earlier start than ours, or have been told of one by a second
        # Prometheus: what starts later than it says is this very alert.
        same = [
            entry
            for start, entry in self._known.get(notice.fingerprint, {}).items()
            if start >= notice.starts_at
        ]
        latest = max(same, key=lambda entry: entry.values["starts_at"], default=None)
        if latest is None:
            self._add(notice)
        elif latest.firing:
            self._heard(latest, notice)
        elif latest.values["last_seen"] < looked_at:
            latest.reopen(self._now)

    def write(self) -> Taken:
        """Write what has changed."""
        self._supersede()
        entries = [entry for rows in self._known.values() for entry in rows.values()]
        new = [entry.values for entry in entries if "id" not in entry.values]
        old = [entry for entry in entries if "id" in entry.values]
        changed = [entry.values for entry in old if entry.changed]
        if new:
            self._connection.execute(insert(ALERTS), new)
        _update(self._connection, ("status", "ends_at", "ended_by", "last_seen"), changed)
        told = ("last_seen", "annotations", "words")
        _update(
            self._connection,
            told,
            [e.values for e in old if e.touched and not e.changed],
        )
        return Taken(new=len(new), changed=len(changed), doubtful=self._doubtful)

    def _heard(self, entry: _Entry, notice: Notice) -> None:
        """Note that it still fires, and what is said of it now: the value changes."""
        entry.values["last_seen"] = max(entry.values["last_seen"], self._now)
        entry.values |= _texts(notice)
        entry.touched = True

    def _add(self, notice: Notice) -> None:
        labels = notice.labels
        values = {
            "fingerprint": notice.fingerprint,
            "starts_at": notice.starts_at,
            "name": labels.get("alertname", "")[:256],
            "severity": labels.get("severity", "")[:32],
            "backend": labels.get("backend", "")[:256],
            "labels": dict(labels),
            **_texts(notice),
            "status": FIRING if notice.firing else RESOLVED,
            "first_seen": self._now,
            "last_seen": self._now,
            "ends_at": None if notice.firing else _end(notice, self._now),
            "ended_by": None if notice.firing else BY_NOTICE,
        }
        self._keep(_Entry(values))

    def _keep(self, entry: _Entry) -> None:
        rows = self._known.setdefault(entry.values["fingerprint"], {})
        rows[entry.values["starts_at"]] = entry

    def _supersede(self) -> None:
        """End what fires though the same alert has begun anew since then."""
        for rows in self._known.values():
            begun_next = _NEVER
            for start in sorted(rows, reverse=True):
                if rows[start].firing and begun_next < _NEVER:
                    rows[start].close(begun_next, BY_SUCCESSOR, self._now)
                begun_next = start


def _end(notice: Notice, now: float) -> float:
    return now if notice.ends_at is None else notice.ends_at


def _texts(notice: Notice) -> dict[str, Any]:
    annotations = dict(notice.annotations)
    return {"annotations": annotations, "words": text_of(notice.labels, annotations)}


def _update(
    connection: Connection, names: Iterable[str], rows: Sequence[Mapping[str, Any]]
) -> None:
    if rows:
        # A column's own name is taken by SQLAlchemy.
        statement = (
            update(ALERTS)
            .where(ALERTS.c.id == bindparam("_id"))
            .values({name: bindparam(f"_{name}") for name in names})
        )
        connection.execute(
            statement,
            [{"_id": row["id"], **{f"_{name}": row[name] for name in names}} for row in rows],
        )


def _chunks(values: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
