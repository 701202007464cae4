"""Programs run beside us: each in a process group of its own, ended by its id."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
# Prometheus writes its head block on SIGTERM; what takes longer than this hangs.
STOP_DEADLINE_S: Final = 10.0
_POLL_S: Final = 0.05


class ChildError(Exception):
    """Raised when a child ended or did not become ready; the text ends with its last lines."""


class Child:
    """
    A program that is running.

    Args:
        name: What a person calls it.
        command: Program and arguments.
        log: Where its output goes, standard output and error in one.
        env: The environment; our own without it.
    """

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, env: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=env,
                start_new_session=True,  # Ctrl-C at the terminal reaches us alone; we stop it
            )

    @property
    def pid(self) -> int:
        """The process id, which is also the id of its group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """What it ended with, or None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise ChildError if it has ended."""
        if (code := self.exit_code) is not None:
            message = f"{self.name} ended with exit code {code}"
            raise ChildError(self._with_tail(message))

    def wait_until_ready(self, url: str, *, deadline_s: float = 30.0) -> None:
        """
        Wait until a GET of *url* is answered with 200.

        Raises:
            ChildError: If it ends before that, or *deadline_s* passes.
        """
        until = time.monotonic() + deadline_s
        while not _answers(url):
            self.check()
            if time.monotonic() > until:
                message = f"{self.name} was not ready after {deadline_s:g} s ({url})"
                raise ChildError(self._with_tail(message))
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """End it and all that it started; harmless when it has ended."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_DEADLINE_S)
        self._signal(signal.SIGKILL)  # whatever is left of its group
        self._process.wait()

    def kill(self) -> None:
        """End it as a crash or the kernel does, without a word; and all that it started."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def tail(self, lines: int = 15) -> str:
        """Return the last *lines* of what it wrote."""
        text = self.log.read_text("utf-8", errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _with_tail(self, message: str) -> str:
        return f"{message}; its last lines:\n{self.tail()}"

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def free_port(preferred: int = 0) -> int:
    """Return *preferred* when nothing listens there on loopback, otherwise any free port."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            # As servers do: a port whose connections are merely closing counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    message = "no free port on loopback"
    raise OSError(message)
