"""Single values that all replicas share, made once by whoever comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from exporter.store.schema import META

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection


def value(connection: Connection, name: str) -> str | None:
    """Return the value of that name; None when there is none."""
    found: str | None = connection.scalar(select(META.c.value).where(META.c.name == name))
    return found


def made_once(connection: Connection, name: str, make: Callable[[], str]) -> str:
    """Return the value of that name; what *make* returns, if nobody has made one before."""
    found = value(connection, name)
    if found is not None:
        return found
    made = make()
    try:
        with connection.begin_nested():
            connection.execute(insert(META).values(name=name, value=made))
    except IntegrityError:  # another replica was faster: this one waited for it to be done
        return str(value(connection, name))
    return made
