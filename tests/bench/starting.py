"""Time from the start of a program to its first answer."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Final

from scripts.children import LOOPBACK, Child, free_port
from scripts.layout import ours

from .report import Figure, Goal, Section

if TYPE_CHECKING:
    from pathlib import Path

START_FACTOR: Final = 5
HELP_FACTOR: Final = 3

_TIMES: Final = 9
_DEADLINE_S: Final = 30.0
# Fine enough for a start of 100 ms, and leaves the core to the program that starts.
_PAUSE_S: Final = 0.0005

_CLIENT: Final = (
    "import sys, threading\n"
    "from prometheus_client import start_http_server\n"
    f"start_http_server(int(sys.argv[1]), {LOOPBACK!r})\n"
    "threading.Event().wait()\n"
)


def measure(folder: Path) -> Section:
    """Return the section; programs take turns, so that a busy moment hits all of them alike."""
    own, client, bare, helped = [], [], [], []
    for _ in range(_TIMES):
        port = free_port()
        listen = {"--web.listen-address": f"{LOOPBACK}:{port}"}
        own.append(_first_answer_ms(ours("serve", listen), port, folder))
        port = free_port()
        client.append(_first_answer_ms([sys.executable, "-c", _CLIENT, str(port)], port, folder))
        bare.append(_run_ms([sys.executable, "-c", "pass"]))
        helped.append(_run_ms([*ours("serve")[:1], "--help"]))
    first = Goal(
        limit=START_FACTOR * median(client), text=f"{START_FACTOR} times prometheus_client's"
    )
    short = Goal(
        limit=HELP_FACTOR * median(bare),
        text=f"{HELP_FACTOR} times bare Python's {median(bare):.0f} ms",
    )
    return Section(
        "start",
        [
            Figure(
                name="first 200 of /-/healthy",
                unit="ms",
                ours=median(own),
                client=median(client),
                goal=first,
            ),
            Figure(name="ops-exporter --help", unit="ms", ours=median(helped), goal=short),
        ],
    )


def _first_answer_ms(command: list[str], port: int, folder: Path) -> float:
    # Nothing listens there: a start does not wait for the monitoring API.
    environment = os.environ | {"OPS_API_URL": f"http://{LOOPBACK}:{free_port()}"}
    start_s = time.perf_counter()
    child = Child(command[0], command, log=folder / "start.log", env=environment)
    try:
        while not _healthy(port):
            child.check()
            if time.perf_counter() - start_s > _DEADLINE_S:
                message = f"{command}: no answer within {_DEADLINE_S:g} s"
                raise TimeoutError(message)
            time.sleep(_PAUSE_S)
        return (time.perf_counter() - start_s) * 1e3
    finally:
        child.stop()


def _healthy(port: int) -> bool:
    """Ask by hand: a client library's own time would be part of the figure."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_DEADLINE_S) as connection:
            connection.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except ConnectionError:
        return False


def _run_ms(command: list[str]) -> float:
    start_s = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - our own commands
    return (time.perf_counter() - start_s) * 1e3
