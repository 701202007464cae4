"""
Users with passwords: those of the web configuration file, or the first user, in the database.

The file wins: as soon as it names users, what is in the database lets nobody in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.settings import ConfigurationError
from exporter.settings.service import USER_NAME
from exporter.store import passwords
from exporter.web.auth import Users

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from exporter.store.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """
    A user with a password.

    Attributes:
        hash: Of the password, by bcrypt.
        credential: A hash of that; sessions that were opened by another one have ended.
        kept: In the database, so that it can be changed here.
        must_change: The password was made by us; nothing else may be done before it is changed.
    """

    name: str
    hash: bytes
    credential: str
    kept: bool
    must_change: bool


def check_names(users: Mapping[str, bytes]) -> None:
    """
    Refuse names that the audit has no room for.

    Raises:
        ConfigurationError: With each of them.
    """
    right = "write a name of 64 characters at most, without spaces and commas"
    strange = [name for name in users if not USER_NAME.fullmatch(name) or not name.isprintable()]
    if strange:
        raise ConfigurationError(
            *(f"--web.config.file: basic_auth_users: {name[:64]!r}: {right}" for name in strange)
        )


class Accounts:
    """
    The users in force.

    Args:
        users: Hash by name, of the web configuration file.
        kept: Those of the database count when *users* is empty: nobody else could sign in.
    """

    def __init__(self, database: Database, users: Mapping[str, bytes], *, kept: bool) -> None:
        self._database = database
        self._kept = kept and not users
        self._configured = {
            name: _account(name, hash_, kept=False, must_change=False)
            for name, hash_ in users.items()
        }
        # Checks, and remembers what was right; made anew when a hash has changed.
        self._users: Users | None = None
        self._hashes: dict[str, bytes] = {}

    @property
    def any(self) -> bool:
        """Whether anybody can sign in with a password."""
        return self._kept or bool(self._configured)

    def all(self, connection: Connection) -> Mapping[str, Account]:
        """Return the users by name, as they are now."""
        if not self._kept:
            return self._configured
        return {
            one.name: _account(one.name, one.hash.encode(), kept=True, must_change=one.initial)
            for one in passwords.accounts(connection)
        }

    async def check(self, name: str, password: bytes) -> Account | None:
        """
        Return the user if the password is right; it takes as long if there is no such user.

        Raises:
            Busy: If too many are being checked already.
        """
        found, users = await self._now()
        right = users is not None and await users.check(name, password)
        return found.get(name) if right else None

    async def _now(self) -> tuple[Mapping[str, Account], Users | None]:
        found = await self._database.read(self.all) if self._kept else self._configured
        hashes = {name: one.hash for name, one in found.items()}
        if hashes != self._hashes:
            self._users, self._hashes = Users(hashes) if hashes else None, hashes
        return found, self._users


def _account(name: str, hash_: bytes, *, kept: bool, must_change: bool) -> Account:
    credential = hashlib.sha256(hash_).hexdigest()
    return Account(name=name, hash=hash_, credential=credential, kept=kept, must_change=must_change)
