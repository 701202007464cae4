"""Real databases beside the tests: a Redis, and a PostgreSQL; both on loopback alone."""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from redis import Redis
from redis.exceptions import RedisError

from scripts import children

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEADLINE_S = 30.0
# PostgreSQL refuses to run as root.
_AS_NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


@dataclass
class Postgres:
    """A PostgreSQL that is running."""

    port: int
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return f"postgresql://ops@{children.LOOPBACK}:{self.port}/{database}"

    def new_database(self) -> str:
        name = f"test{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)


@contextmanager
def redis(program: Path, folder: Path) -> Iterator[str]:
    port = children.free_port()
    quiet = ("--bind", children.LOOPBACK, "--save", "", "--appendonly", "no")
    command = [str(program), "--port", str(port), "--dir", str(folder), *quiet]
    child = children.Child("redis-server", command, log=folder / "redis-server.log")
    try:
        with Redis(port=port) as client:
            _wait(child, client.ping, RedisError)
        yield f"redis://{children.LOOPBACK}:{port}/0"
    finally:
        child.stop()


@contextmanager
def postgres(program: Path, initdb: Path) -> Iterator[Postgres]:
    # Not in pytest's own folder, which no other user may enter.
    folder = Path(tempfile.mkdtemp(prefix="ops-postgresql-"))
    prefix: tuple[str, ...] = ()
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        prefix = _AS_NOBODY
    data, server = folder / "data", Postgres(children.free_port())
    flags = ("--auth=trust", "--username=ops", "--encoding=UTF8", "--locale=C", "--no-sync")
    try:
        subprocess.run(  # noqa: S603 - the program asked for
            [*prefix, initdb, *flags, f"--pgdata={data}"],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        options = {
            "listen_addresses": children.LOOPBACK,
            "port": str(server.port),
            "unix_socket_directories": "",
            "fsync": "off",
        }
        words = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        command = [*prefix, str(program), "-D", str(data), *words]
        child = children.Child("postgres", command, log=folder / "postgres.log")
        try:
            address = server.url("postgres")
            _wait(child, lambda: psycopg.connect(address).close(), psycopg.OperationalError)
            yield server
        finally:
            # At once: at SIGTERM it waits until everybody has left.
            os.kill(child.pid, signal.SIGINT)
            child.stop()
    finally:
        shutil.rmtree(folder)


def _wait(child: children.Child, attempt: Callable[[], object], error: type[Exception]) -> None:
    until = time.monotonic() + _DEADLINE_S
    while True:
        child.check()
        try:
            attempt()
        except error:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return
