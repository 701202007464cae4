"""The password of the first user, for an installation that names no users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from exporter.store.schema import PASSWORDS

if TYPE_CHECKING:
    from sqlalchemy import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    A user who is kept here.

    Attributes:
        hash: Of the password, by bcrypt.
        initial: It was made by us, and must be changed before anything else is done.
    """

    name: str
    hash: str
    initial: bool


def accounts(connection: Connection) -> list[Account]:
    """Return every user that is kept here."""
    query = select(PASSWORDS.c.name, PASSWORDS.c.hash, PASSWORDS.c.initial)
    return [
        Account(name=row.name, hash=row.hash, initial=row.initial)
        for row in connection.execute(query.order_by(PASSWORDS.c.name))
    ]


def renew(connection: Connection, name: str, hash_: str, now: float) -> None:
    """Let *name* in by a password that must be changed, whatever it was before."""
    connection.execute(delete(PASSWORDS).where(PASSWORDS.c.name == name))
    connection.execute(insert(PASSWORDS).values(name=name, hash=hash_, at=now, initial=True))


def change(connection: Connection, name: str, old: str, new: str, now: float) -> bool:
    """Exchange the hash of *name*; False when it is not *old* any more."""
    done = connection.execute(
        update(PASSWORDS)
        .where(PASSWORDS.c.name == name, PASSWORDS.c.hash == old)
        .values(hash=new, at=now, initial=False)
    )
    return done.rowcount == 1
