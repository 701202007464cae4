"""The exporter at work against the simulator: one poll, and its share of a core at its own pace."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Final

import httpx

from scripts.children import LOOPBACK, Child, free_port
from scripts.layout import ours

from .process import cpu_s, resident_mib
from .report import Figure, Goal, Section

if TYPE_CHECKING:
    from pathlib import Path

CORE_SHARE_MAX: Final = 0.5  # percent

_SCRAPE_INTERVAL_S: Final = 15.0
# As long as the first round of requests and the late imports may take: they are not the pace.
_SETTLING_S: Final = 15.0
_POLLS: Final = 10
# Asked again earlier, the exporter says "too soon".
_POLL_INTERVAL_S: Final = 2.0


def measure(folder: Path, *, scrapes: int) -> Section:
    """Return the section; it takes *scrapes* times 15 s and some 45 s more."""
    with ExitStack() as stack:
        api = start(stack, "simulate", "/", folder, {})
        exporter = start(stack, "serve", "/-/ready", folder, {"OPS_API_URL": api.url})
        time.sleep(_SETTLING_S)
        share, samples = _share_of_a_core(exporter, scrapes)
        memory_mib = resident_mib(exporter.pid)
        wall_ms, cpu_ms, endpoints = _poll(exporter)
    goal = Goal(limit=CORE_SHARE_MAX, text="default pace, a scrape every 15 s")
    return Section(
        f"at work against the simulator, {samples:,} samples",
        [
            Figure(name="share of one core", unit="%", ours=share, goal=goal),
            Figure(name="resident memory", unit="MiB", ours=memory_mib),
            Figure(name=f"one poll of {endpoints} endpoints", unit="ms", ours=wall_ms),
            Figure(name="its CPU in the exporter", unit="ms", ours=cpu_ms),
        ],
    )


class Program:
    """A command of ours that serves."""

    def __init__(self, child: Child, url: str) -> None:
        self.pid = child.pid
        self.url = url


def start(
    stack: ExitStack, command: str, ready: str, folder: Path, environment: dict[str, str]
) -> Program:
    """Run a command of ours; return it once *ready* is answered."""
    address = f"{LOOPBACK}:{free_port()}"
    child = Child(
        command,
        ours(command, {"--web.listen-address": address}),
        log=folder / f"{command}.log",
        env=os.environ | environment,
    )
    stack.callback(child.stop)
    child.wait_until_ready(f"http://{address}{ready}")
    return Program(child, f"http://{address}")


def _share_of_a_core(exporter: Program, scrapes: int) -> tuple[float, int]:
    """Return percent of a core and the number of samples of the page."""
    page = ""
    with httpx.Client(base_url=exporter.url) as scraper:
        start_s, before_s = time.monotonic(), cpu_s(exporter.pid)
        for number in range(1, scrapes + 1):
            page = scraper.get("/metrics").raise_for_status().text
            time.sleep(max(0.0, start_s + number * _SCRAPE_INTERVAL_S - time.monotonic()))
        used_s = cpu_s(exporter.pid) - before_s
        share = used_s / (time.monotonic() - start_s) * 100
    return share, sum(not line.startswith("#") for line in page.splitlines())


def _poll(exporter: Program) -> tuple[float, float, int]:
    """Return time and CPU (ms) of an early poll, and how many endpoints one asks."""
    taken_ms, asked = [], []
    before_s = cpu_s(exporter.pid)
    for _ in range(_POLLS):
        start_s = time.perf_counter()
        answer = httpx.post(f"{exporter.url}/-/poll", timeout=30.0).raise_for_status().json()
        taken_ms.append((time.perf_counter() - start_s) * 1e3)
        asked.append(len(answer["asked"]))
        time.sleep(_POLL_INTERVAL_S)
    return median(taken_ms), (cpu_s(exporter.pid) - before_s) / _POLLS * 1e3, round(median(asked))
