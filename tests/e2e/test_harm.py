"""
How much of the backend's time the exporter takes, told by the backend itself.

The simulated backend stands still for as long as the real one does: 2-3 s for health, 3 s for the
workers. That no two minutes see more than 10 % is shown in simulated hours (tests/polling); here
the first seconds of a real exporter are held against what the backend measured.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Start

DEADLINE_S = 40.0
LIMIT_S = 12.0  # 10 % of two minutes
SLOW = ("/api/monitoring/health", "/api/monitoring/workers/status")


@dataclass
class Page:
    """A metrics page that is read anew each time."""

    url: str

    def value(self, series: str) -> float:
        """Return the value of *series*; 0 when it is not there."""
        text = httpx.get(f"{self.url}/metrics", timeout=DEADLINE_S, trust_env=False).text
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def wait_for(self, series: str, least: float) -> None:
        until = time.monotonic() + DEADLINE_S
        while self.value(series) < least:
            assert time.monotonic() < until, f"{series} never reached {least}"
            time.sleep(0.1)


def spent(backend: Page, path: str) -> tuple[float, float]:
    """Return how many requests the backend answered on *path* and how long they took."""
    name, labels = "http_request_duration_seconds", f'{{handler="{path}",method="GET"}}'
    return backend.value(f"{name}_count{labels}"), backend.value(f"{name}_sum{labels}")


def test_the_slow_endpoints_are_asked_once_and_then_left_alone(
    start: Start, free_port: Callable[[], int]
) -> None:
    program = (sys.executable, "-m", "exporter.cli")
    api, own = (f"127.0.0.1:{free_port()}" for _ in range(2))
    command = (*program, "simulate", "--dialect", "deployed", "--web.listen-address", api)
    start(*command, ready=f"http://{api}/-/healthy")
    start(
        *(*program, "serve", "--web.listen-address", own),
        ready=f"http://{own}/-/ready",
        env={"OPS_API_URL": f"http://{api}", "OPS_POLL_INTERVAL": "1s"},
    )
    backend, exporter = Page(f"http://{api}"), Page(f"http://{own}")
    exporter.wait_for('ops_endpoint_success{endpoint="health"}', 1)
    exporter.wait_for('ops_endpoint_success{endpoint="workers"}', 1)
    before = exporter.value('ops_polls_total{endpoint="cache"}')

    # The light ones go on at their pace of a second meanwhile.
    exporter.wait_for('ops_polls_total{endpoint="cache"}', before + 8)

    (health, health_s), (workers, workers_s) = (spent(backend, path) for path in SLOW)
    assert health == workers == 1
    assert 5 < health_s + workers_s < LIMIT_S
    for name, took_s in (("health", health_s), ("workers", workers_s)):
        interval_s = exporter.value(f'ops_endpoint_interval_seconds{{endpoint="{name}"}}')
        assert took_s / interval_s <= 0.05
