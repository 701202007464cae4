"""One scraper that asks without pause: wrk with one thread and one connection."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .process import cpu_s, resident_mib

if TYPE_CHECKING:
    from pathlib import Path

# As Prometheus asks, in the format that all three servers speak.
HEADERS: Final = {"Accept": "text/plain;version=0.0.4", "Accept-Encoding": "gzip"}

# Numbers instead of wrk's prose; times are in microseconds.
_REPORT: Final = """
done = function(summary, latency, requests)
  local e = summary.errors
  local errors = e.connect + e.read + e.write + e.status + e.timeout
  print(string.format(
    '\\n{"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "errors": %d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What *requests* scrapes one after the other came to."""

    requests: int
    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_ms: float
    resident_mib: float


def scrape(wrk: Path, url: str, pid: int, *, seconds: int, folder: Path) -> Load:
    """
    Scrape *url* for *seconds*; *pid* is the server's only process.

    Raises:
        RuntimeError: An answer was wrong, so that the figures would mean nothing.
    """
    script = folder / "report.lua"
    script.write_text(_REPORT)
    headers = [part for name, value in HEADERS.items() for part in ("-H", f"{name}: {value}")]
    before_s = cpu_s(pid)
    done = subprocess.run(  # noqa: S603 - our own arguments
        [wrk, "-t1", "-c1", f"-d{seconds}s", "--timeout=30s", "-s", script, *headers, url],
        capture_output=True,
        text=True,
        check=True,
    )
    used_s = cpu_s(pid) - before_s
    told = json.loads(done.stdout.splitlines()[-1])
    if told["errors"] or not told["requests"]:
        message = f"{url}: {told['requests']} answers, {told['errors']} errors"
        raise RuntimeError(message)
    return Load(
        requests=told["requests"],
        per_second=told["requests"] / told["duration_us"] * 1e6,
        p50_ms=told["p50_us"] / 1e3,
        p99_ms=told["p99_us"] / 1e3,
        cpu_ms=used_s / told["requests"] * 1e3,
        resident_mib=resident_mib(pid),
    )
