"""
The first user of an installation that names nobody: ``admin``, with a password made here.

It is printed on a terminal, where there is one, or else written into a file of the state folder
that only its owner can read; never logged. It must be changed at the first login, and the file is
removed then.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

import bcrypt

from exporter.logs import Log
from exporter.settings import ConfigurationError
from exporter.store import passwords

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from exporter.store.database import Database

ADMIN: Final = "admin"
FILE_NAME: Final = "first-password"
_LOCK: Final = "first-password"
# A quarter of a second per login, on the machines of today.
COST: Final = 12
PASSWORD_MIN: Final = 12
# bcrypt reads no further.
PASSWORD_MAX_BYTES: Final = 72

_log = Log(__name__)


def hashed(password: str, cost: int = COST) -> str:
    """Return the hash of a password; takes long, so call it in a thread."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


def terminal() -> TextIO | None:
    """Return the terminal that somebody started this from; None: output goes elsewhere."""
    return next((stream for stream in (sys.stdout, sys.stderr) if stream.isatty()), None)


class FirstPassword:
    """
    Makes the first user, once for all replicas.

    Args:
        folder: The state folder.
        screen: The terminal; None: there is none.
    """

    def __init__(
        self,
        database: Database,
        folder: Path | None,
        screen: TextIO | None,
        *,
        cost: int = COST,
    ) -> None:
        self._database = database
        self._file = folder / FILE_NAME if folder is not None else None
        self._screen = screen
        self._cost = cost

    async def ensure(self, now: float) -> None:
        """
        Make the first user, unless there is one.

        Raises:
            ConfigurationError: Nobody would ever learn the password.
        """
        kept = await self._database.read(passwords.accounts)
        if kept:
            self.tidy(must_change=any(one.initial for one in kept))
            return
        await self._make(now, anew=False)

    async def renew(self, now: float) -> None:
        """
        Make another password for the first user, who has lost it; the old one is worth nothing.

        Raises:
            ConfigurationError: Nobody would ever learn it.
        """
        await self._make(now, anew=True)

    def tidy(self, *, must_change: bool) -> None:
        """Remove the file with a password that has been changed."""
        if self._file is None or must_change:
            return
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("cannot be removed", file=self._file, reason=error.strerror)

    async def _make(self, now: float, *, anew: bool) -> None:
        if self._screen is None and self._file is None:
            message = (
                "state_dir: nothing: write the path of a folder for the first user's password, or"
                " name users: basic_auth_users of --web.config.file, or auth.proxy"
            )
            raise ConfigurationError(message)
        password = secrets.token_urlsafe(18)
        hash_ = await asyncio.to_thread(hashed, password, self._cost)
        made = await self._database.write(self._keep, password, hash_, now, anew=anew)
        if not made:
            return  # another replica was faster
        if self._screen is not None:
            self._screen.write(
                f"\n  First user: {ADMIN}\n  Password:   {password}\n"
                "  It is shown this once, and must be changed at the first login.\n\n"
            )
            self._screen.flush()
        else:
            _log.info("first user made; its password is in this file", user=ADMIN, file=self._file)

    def _keep(
        self, connection: Connection, password: str, hash_: str, now: float, *, anew: bool
    ) -> bool:
        self._database.lock(connection, _LOCK)
        if passwords.accounts(connection) and not anew:
            return False
        if self._screen is None:
            assert self._file is not None  # noqa: S101 - looked at above
            write_secret(self._file, f"{password}\n")
        passwords.renew(connection, ADMIN, hash_, now)
        return True


def write_secret(path: Path, text: str) -> None:
    """
    Write a file that only its owner can read, whole or not at all.

    Raises:
        ConfigurationError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Mode 0600 from its beginning, under a name that nobody can foresee.
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        message = f"state_dir: {path}: cannot be written ({reason})"
        raise ConfigurationError(message) from None
