"""Copies the database while the service goes on."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import URL


class BackupError(Exception):
    """Raised when there is no copy; the text says why, or what else to do, and is safe to show."""


def back_up(url: URL, to: Path) -> int:
    """
    Write a copy that only its owner can read; return its size in bytes.

    It is whole and checked before it takes the place of an earlier copy.

    Raises:
        BackupError: Nothing was written.
    """
    if url.get_backend_name() != "sqlite":
        message = "this is PostgreSQL, which brings its own: pg_dump --format=custom"
        raise BackupError(message)
    source = Path(url.database or "")
    if not source.is_file():
        message = f"{source}: there is no database yet; the service makes it at its first start"
        raise BackupError(message)
    try:
        descriptor, name = tempfile.mkstemp(dir=to.absolute().parent, prefix=f".{to.name}-")
        os.close(descriptor)
        try:
            _copy(source, Path(name))
            Path(name).replace(to)
        finally:
            Path(name).unlink(missing_ok=True)
    except (OSError, sqlite3.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        message = f"{to}: cannot be written ({reason})"
        raise BackupError(message) from None
    return to.stat().st_size


def _copy(source: Path, to: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(to)) as new:
        # All pages in one step: what is written meanwhile goes to the log beside it and waits.
        old.backup(new)
        # One file, without a log beside it.
        new.execute("PRAGMA journal_mode=DELETE")
        found = new.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        message = f"the copy is broken: {found}"
        raise sqlite3.DatabaseError(message)
    descriptor = os.open(to, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
