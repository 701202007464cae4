"""Brings a database to the schema of this version, from every earlier one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import insert, inspect, select, update

from exporter.store.schema import META, METADATA

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

_NAME: Final = "schema"


class SchemaError(Exception):
    """Raised when a database is of a later version than this program; the text is safe to show."""


def _first(connection: Connection) -> None:
    METADATA.create_all(connection)


# What makes version 1, 2, … of the one before.
MIGRATIONS: Final[tuple[Callable[[Connection], None], ...]] = (_first,)
VERSION: Final = len(MIGRATIONS)


def migrate(connection: Connection) -> int:
    """
    Apply what is missing, in the transaction of *connection*; return the version it had.

    Raises:
        SchemaError: If a later program has written it.
    """
    had = version(connection)
    if had > VERSION:
        message = f"the database is of version {had}, and this program knows {VERSION} at most"
        raise SchemaError(message)
    for step in MIGRATIONS[had:]:
        step(connection)
    if had == 0:
        connection.execute(insert(META).values(name=_NAME, value=str(VERSION)))
    elif had < VERSION:
        connection.execute(update(META).where(META.c.name == _NAME).values(value=str(VERSION)))
    return had


def version(connection: Connection) -> int:
    """Return the version of the schema; 0 for a database without one."""
    if not inspect(connection).has_table(META.name):
        return 0
    found = connection.scalar(select(META.c.value).where(META.c.name == _NAME))
    return int(found) if found else 0
