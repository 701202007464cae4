"""What every test may ask for: real programs, free ports, children that end with the test."""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, settings

from scripts import children
from tests import databases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
# A busy machine is no fault of ours.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


class Start(Protocol):
    """Runs a program until the test is over; waits until *ready* (a URL) is answered with 200."""

    def __call__(
        self, *command: str | Path, ready: str = "", env: Mapping[str, str] | None = None
    ) -> children.Child: ...


def program(name: str) -> Path:
    """Return the real program, from PATH or Debian. Fails where it cannot be had: never a skip."""
    done = subprocess.run(  # noqa: S603 - our own script
        [ROOT / "scripts" / "debian-packages", name], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    return Path(done.stdout.strip())


@pytest.fixture(scope="session")
def prometheus() -> Path:
    return program("prometheus")


@pytest.fixture(scope="session")
def promtool() -> Path:
    return program("promtool")


@pytest.fixture(scope="session")
def alertmanager() -> Path:
    return program("alertmanager")


@pytest.fixture(scope="session")
def amtool() -> Path:
    return program("amtool")


@pytest.fixture(scope="session")
def redis_server() -> Path:
    return program("redis-server")


@pytest.fixture
def redis_url(redis_server: Path, tmp_path: Path) -> Iterator[str]:
    """An empty Redis of its own, which keeps nothing on the disk."""
    with databases.redis(redis_server, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[databases.Postgres]:
    """A PostgreSQL of its own; as another user where we are root, which it refuses to be."""
    with databases.postgres(program("postgres"), program("initdb")) as server:
        yield server


@pytest.fixture
def postgresql(postgresql_server: databases.Postgres) -> str:
    """The URL of a new, empty database."""
    return postgresql_server.new_database()


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Return a free port on loopback at each call."""
    return children.free_port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start programs beside the test; what it started has ended when the test is over."""
    with ExitStack() as stack:

        def run(
            *command: str | Path, ready: str = "", env: Mapping[str, str] | None = None
        ) -> children.Child:
            words: Sequence[str] = [str(word) for word in command]
            name = Path(words[0]).name
            whole = {**os.environ, **(env or {})}
            child = children.Child(name, words, log=tmp_path / f"{name}.log", env=whole)
            stack.callback(child.stop)
            if ready:
                child.wait_until_ready(ready)
            return child

        yield run


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failure: it would hide a program that is not there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or os.environ.get("CI") != "true":
        return
    if reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("Tests were skipped, which CI does not allow.", red=True)
