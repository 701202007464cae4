"""
The alert history as it is written: from notifications, and from looks at Alertmanager itself.

Who writes holds the lock `LOCK` (`Database.lock`): replicas may be told of one alert together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, update

from exporter.store.book import Book, Notice, Taken
from exporter.store.episodes import FIRING, RESOLVED
from exporter.store.schema import ALERTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

LOCK: Final = "alerts"
# Who ended an episode: Alertmanager has the alert no longer, and did not say so.
BY_LOOK: Final = "reconciled"


def take(connection: Connection, notices: Sequence[Notice], now: float) -> Taken:
    """
    Enter what a notification says; the same one again, or an older one later, changes nothing.

    Args:
        now: Unix seconds, as all times here.
    """
    book = Book(connection, notices, now)
    for notice in notices:
        book.enter(notice)
    return book.write()


def confirm(
    connection: Connection, notices: Sequence[Notice], looked_at: float, now: float
) -> Taken:
    """
    Enter what Alertmanager had when it was looked at: all of it fires, whatever was known.

    Args:
        looked_at: When it was asked. What ended since then has ended.
    """
    book = Book(connection, notices, now)
    for notice in notices:
        book.confirm(notice, looked_at)
    return book.write()


def close_missing(connection: Connection, missing: Mapping[int, float], now: float) -> int:
    """
    End what Alertmanager has no longer; return how many episodes.

    Args:
        missing: By the number of the episode, when it was first not there (it ends then). One that
            was heard of since then fires.
    """
    closing = (
        update(ALERTS)
        .where(
            ALERTS.c.id == bindparam("number"),
            ALERTS.c.status == FIRING,
            ALERTS.c.last_seen <= bindparam("missed_at"),
        )
        .values(status=RESOLVED, ends_at=bindparam("missed_at"), ended_by=BY_LOOK, last_seen=now)
    )
    # One by one: only so the database tells whether it was done.
    return sum(
        connection.execute(closing, {"number": number, "missed_at": at}).rowcount
        for number, at in missing.items()
    )
