"""The database: a transaction is a function of its connection, run beside the event loop."""

from __future__ import annotations

import asyncio
import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, TypeVar

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError

from exporter.store.migrations import migrate
from exporter.store.writer import WRITING, Writer

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_P = ParamSpec("_P")
_T = TypeVar("_T")
# Readers, and on PostgreSQL writers too.
_THREADS: Final = 8
# How long one waits for another process that writes (a backup, another service by mistake).
_BUSY_S: Final = 5.0


class DatabaseError(Exception):
    """Raised when the database does not answer or is full; the text holds no secret."""


class Database:
    """
    Where the action service keeps what it must not lose.

    Args:
        url: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        DatabaseError: If it cannot be opened.
        SchemaError: If a later program has written it.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.sqlite = self.url.get_backend_name() == "sqlite"
        if not self.sqlite:
            self.url = self.url.set(drivername="postgresql+psycopg")
        self._engine = self._open()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="database")
        self._writer = Writer(self._engine) if self.sqlite else None
        try:
            with self._engine.execution_options(**{WRITING: True}).begin() as connection:
                self.lock(connection, "schema")
                self.found_version = migrate(connection)
        except DBAPIError as error:
            raise DatabaseError(_reason(error)) from None

    async def write(
        self,
        function: Callable[Concatenate[Connection, _P], _T],
        /,
        *args: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """
        Run *function* in a transaction of its own, committed and durable before this returns.

        Raises:
            DatabaseError: Nothing of it was kept.
        """

        def whole(connection: Connection) -> _T:
            return function(connection, *args, **named)

        try:
            if self._writer is not None:
                return await asyncio.wrap_future(self._writer.submit(whole))
            return await self._in_thread(self._transaction, whole)
        except DBAPIError as error:
            raise DatabaseError(_reason(error)) from None

    async def read(
        self,
        function: Callable[Concatenate[Connection, _P], _T],
        /,
        *args: _P.args,
        **named: _P.kwargs,
    ) -> _T:
        """
        Run *function*, which changes nothing, on a connection of its own.

        Raises:
            DatabaseError: The database does not answer.
        """

        def whole() -> _T:
            with self._engine.connect() as connection:
                return function(connection, *args, **named)

        try:
            return await self._in_thread(whole)
        except DBAPIError as error:
            raise DatabaseError(_reason(error)) from None

    def lock(self, connection: Connection, name: str) -> None:
        """
        Let no other transaction that locks *name* go on before this one ends.

        SQLite has one writer anyway.
        """
        if not self.sqlite:
            number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})

    def close(self) -> None:
        """End the threads and connections; what is being written is finished."""
        if self._writer is not None:
            self._writer.close()
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _transaction(self, function: Callable[[Connection], _T]) -> _T:
        with self._engine.begin() as connection:
            return function(connection)

    async def _in_thread(self, function: Callable[..., _T], *args: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *args)

    def _open(self) -> Engine:
        if not self.sqlite:
            return create_engine(self.url, pool_size=_THREADS, pool_pre_ping=True)
        if self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = create_engine(self.url, connect_args={"timeout": _BUSY_S})
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine


def _set_up(connection: Any, _: object) -> None:
    # Transactions are begun by us (below), not by the module's own guess.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A writer begins as one, not at its first write: what it reads before must still hold then.
    kind = "IMMEDIATE" if connection.get_execution_options().get(WRITING) else "DEFERRED"
    connection.exec_driver_sql(f"BEGIN {kind}")


def _reason(error: DBAPIError) -> str:
    """Return what the database says of itself: its statement and parameters may hold anything."""
    lines = str(error.orig).splitlines() if error.orig is not None else []
    return f"{type(error.orig).__name__}: {lines[0][:200] if lines else 'no reason given'}"
