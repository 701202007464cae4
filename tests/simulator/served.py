"""The simulator as tests meet it: with a clock of theirs, or in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# A Wednesday, 15:00 UTC: the users are busy.
START = 1_795_618_800.0

_COMMAND = """
import argparse, sys
from exporter.simulator import command
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.run(parser.parse_args()))
"""


class Clock:
    """Unix time that moves when a test says so."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Served:
    """A simulator in a process of its own."""

    process: subprocess.Popen[str]
    first_line: str

    @property
    def url(self) -> str:
        return self.first_line.split(" on ")[1].split(" ")[0]

    def fault(self, **description: object) -> None:
        httpx.post(f"{self.url}/-/faults", json=description).raise_for_status()

    def mend(self) -> None:
        httpx.delete(f"{self.url}/-/faults").raise_for_status()


@contextmanager
def running(*flags: str, **environ: str) -> Iterator[Served]:
    """Run the command with *flags* until the block ends."""
    command = [sys.executable, "-c", _COMMAND, "--web.listen-address", "127.0.0.1:0", *flags]
    with subprocess.Popen(  # noqa: S603  # our own program
        command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield Served(process, process.stdout.readline().strip())
        finally:
            process.kill()
            process.communicate()
