"""Requests per second, latency, CPU and memory of ``GET /metrics``, three servers side by side."""

from __future__ import annotations

import gzip
import os
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import httpx

from scripts.children import LOOPBACK, Child, free_port
from scripts.layout import ROOT

from . import load
from .report import Figure, Goal, Section

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .load import Load

SIZES: Final = (300, 3_000, 30_000)
# Of our P50 against prometheus_client's, CPU per scrape and memory; by number of samples.
P50_FACTOR: Final = {3_000: 300, 30_000: 1_000}
CPU_MS_MAX: Final = {3_000: 0.15}
RESIDENT_MIB_MAX: Final = {3_000: 95.0, 30_000: 140.0}

# Memory is that of an exporter at work: with pages of several polls behind it.
_POLLS: Final = 10

# One process, so that its CPU time and memory are all there is; it never closes a connection.
_NGINX: Final = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 64; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen {address};
    root {folder};
    default_type "text/plain; version=0.0.4; charset=utf-8";
    gzip_static on;
  }}
}}
"""


def measure(wrk: Path, nginx: Path, folder: Path, *, seconds: int) -> Iterator[Section]:
    """Yield a section for each number of samples."""
    for samples in SIZES:
        with ExitStack() as stack:
            ours = stack.enter_context(_python("exporter", samples, folder))
            _poll(ours.url)
            # Each server alone: the cores are few, and what is idle still takes part of the cache.
            own = load.scrape(wrk, ours.url, ours.pid, seconds=seconds, folder=folder)
            static = stack.enter_context(_nginx(nginx, ours.url, folder))
            files = load.scrape(wrk, static.url, static.pid, seconds=seconds, folder=folder)
        with _python("client", samples, folder) as theirs:
            client = load.scrape(wrk, theirs.url, theirs.pid, seconds=seconds, folder=folder)
        yield Section(f"GET /metrics, {samples:,} samples", _figures(samples, own, client, files))


def _figures(samples: int, own: Load, client: Load, files: Load) -> list[Figure]:
    def figure(name: str, unit: str, attribute: str, goal: Goal | None = None) -> Figure:
        mine, others, nginxs = (getattr(one, attribute) for one in (own, client, files))
        return Figure(name=name, unit=unit, ours=mine, client=others, nginx=nginxs, goal=goal)

    def goal(limits: dict[int, float], text: str) -> Goal | None:
        return Goal(limit=limits[samples], text=text) if samples in limits else None

    factors = {size: client.p50_ms / factor for size, factor in P50_FACTOR.items()}
    text = f"prometheus_client's / {P50_FACTOR.get(samples, 1):,}"
    return [
        figure("requests per second", "/s", "per_second"),
        figure("P50", "ms", "p50_ms", goal(factors, text)),
        figure("P99", "ms", "p99_ms"),
        figure("CPU per scrape", "ms", "cpu_ms", goal(CPU_MS_MAX, "near nginx's")),
        figure("resident memory", "MiB", "resident_mib", goal(RESIDENT_MIB_MAX, "whole process")),
    ]


class Served:
    """A server that runs: its process and its page."""

    def __init__(self, child: Child, port: int) -> None:
        self.pid = child.pid
        self.url = f"http://{LOOPBACK}:{port}/metrics"
        child.wait_until_ready(self.url)


@contextmanager
def _python(server: str, samples: int, folder: Path) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "tests.bench.servers", server, str(samples), str(port)]
    # Nothing listens at the API's address: the pollers run, and what they do is refused at once.
    own = {"OPS_API_URL": f"http://{LOOPBACK}:{free_port()}", "PYTHONPATH": str(ROOT)}
    with _running(
        Child(server, command, log=folder / f"{server}.log", env=os.environ | own), port
    ) as it:
        yield it


@contextmanager
def _nginx(program: Path, source: str, folder: Path) -> Iterator[Served]:
    """Serve the bytes of *source*, plain and compressed, from files."""
    zipped = folder / "metrics.gz"
    with httpx.stream("GET", source, headers=load.HEADERS) as answer:
        zipped.write_bytes(b"".join(answer.iter_raw()))
    (folder / "metrics").write_bytes(gzip.decompress(zipped.read_bytes()))
    port = free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, address=f"{LOOPBACK}:{port}"))
    command = [str(program), "-p", str(folder), "-c", str(config)]
    with _running(Child("nginx", command, log=folder / "nginx.log"), port) as it:
        yield it


@contextmanager
def _running(child: Child, port: int) -> Iterator[Served]:
    try:
        yield Served(child, port)
    finally:
        child.stop()


def _poll(metrics_url: str) -> None:
    """Let the snapshot change some times, with a scrape after each."""
    poll_url = metrics_url.replace("/metrics", "/-/poll")
    for _ in range(_POLLS):
        httpx.post(poll_url).raise_for_status()
        httpx.get(metrics_url, headers=load.HEADERS).raise_for_status()
