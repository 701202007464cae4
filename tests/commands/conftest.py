"""Commands as a user runs them, with simulators as their backends."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Protocol

import httpx
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scripts.children import Child
    from tests.conftest import Start

PROGRAM = (sys.executable, "-m", "exporter.cli")
DEADLINE_S = 30.0


class Cli(Protocol):
    """Runs a command to its end."""

    def __call__(self, *words: object, **env: str) -> subprocess.CompletedProcess[str]: ...


class Simulate(Protocol):
    """Starts a simulated API and returns its URL."""

    def __call__(self, *words: str) -> str: ...


@pytest.fixture
def cli() -> Cli:
    def run(*words: object, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - our own program
            [*PROGRAM, *map(str, words)],
            env={**clean_environment(), **env},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    return run


def clean_environment() -> dict[str, str]:
    """Return the environment without what could change what the commands print."""
    mine = ("OPS_", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_", "SIMULATOR_")
    return {name: text for name, text in os.environ.items() if not name.startswith(mine)}


@pytest.fixture
def simulate(start: Start, free_port: Callable[[], int]) -> Simulate:
    def run(*words: str) -> str:
        address = f"127.0.0.1:{free_port()}"
        command = (*PROGRAM, "simulate", "--web.listen-address", address, "--slow-scale", "0.05")
        start(*command, *words, ready=f"http://{address}/-/healthy")
        return f"http://{address}"

    return run


def break_it(url: str, **fault: object) -> None:
    """Switch a fault of the simulated API on."""
    httpx.post(f"{url}/-/faults", json=fault, trust_env=False).raise_for_status()


def wait_for(true: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    until = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < until, f"it never happened that {what}"
        time.sleep(0.02)


def wait_for_end(child: Child) -> int:
    wait_for(lambda: child.exit_code is not None, f"{child.name} ended")
    assert child.exit_code is not None
    return child.exit_code
