"""The simulated backend's own request statistics, and their page in the Prometheus format."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Final

from exporter.simulator.processes import log_normal_below, log_normal_sigma, thinned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

# The buckets of prometheus-fastapi-instrumentator, which the real backend uses.
_FINE_EDGES: Final = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0),
    *(7.5, 10.0, 30.0, 60.0),
)
_COARSE: Final = (4, 6, 8)  # the places of 0.1, 0.5 and 1.0 among the fine edges

# (handler, method) -> (share of the requests, how its median relates to that of all).
_HANDLERS: Final = {
    ("/api/resources", "GET"): (0.38, 0.8),
    ("/api/search", "POST"): (0.24, 1.5),
    ("/api/resources/{resource_id}", "GET"): (0.16, 0.6),
    ("/api/annotations", "GET"): (0.12, 0.7),
    ("/api/graph/neighbors", "GET"): (0.06, 1.6),
    ("/api/resources", "POST"): (0.04, 1.8),
}
_CLIENT_ERRORS: Final = 0.012


class Histogram:
    """Latencies in cumulative buckets, as Prometheus has them."""

    __slots__ = ("below", "count", "sum_s")

    def __init__(self) -> None:
        self.below = [0] * len(_FINE_EDGES)
        self.count = 0
        self.sum_s = 0.0

    def observe(self, count: int, shares: list[float], mean_s: float, luck: float) -> None:
        """
        Add *count* latencies of a distribution.

        Args:
            shares: Share of the distribution below each edge.
            luck: A random number in [0, 1) that decides the fractions, so that counts are whole
                numbers and right on average.
        """
        for place, share in enumerate(shares):
            self.below[place] += int(count * share + luck)
        self.count += count
        self.sum_s += count * mean_s


class Traffic:
    """Requests and their latencies since the backend started at :attr:`started_at`."""

    def __init__(self, rng: Random, now: float) -> None:
        self._rng = rng
        self.restart(now)

    def restart(self, now: float) -> None:
        """Start counting anew."""
        self.started_at = now
        self.requests: Counter[tuple[str, str, str]] = Counter()
        self.latencies: dict[tuple[str, str], Histogram] = {}
        self.all = Histogram()
        self.responses_bytes: Counter[str] = Counter()

    def step(self, users: int, p50_ms: float, p95_ms: float, error_percent: float) -> None:
        """Answer the requests of *users* with latencies and errors as measured just now."""
        rng = self._rng
        sigma = log_normal_sigma(p50_ms, p95_ms)
        for (handler, method), (share, slowness) in _HANDLERS.items():
            count = int(users * share + rng.random())
            median_s = p50_ms * slowness / 1000
            shares = [log_normal_below(edge, median_s, sigma) for edge in _FINE_EDGES]
            mean_s = median_s * math.exp(sigma * sigma / 2)
            luck = rng.random()
            self._latency(handler, method).observe(count, shares, mean_s, luck)
            self.all.observe(count, shares, mean_s, luck)
            failed = thinned(rng, count, error_percent / 100)
            refused = thinned(rng, count - failed, _CLIENT_ERRORS)
            for status, number in (
                ("2xx", count - failed - refused),
                ("4xx", refused),
                ("5xx", failed),
            ):
                if number:
                    self.requests[handler, method, status] += number
            self.responses_bytes[handler] += count * 2048

    def record(self, handler: str, method: str, status: int, seconds: float) -> None:
        """Count one real request, such as a poll of whoever watches this simulator."""
        self.requests[handler, method, f"{status // 100}xx"] += 1
        shares = [float(seconds <= edge) for edge in _FINE_EDGES]
        self._latency(handler, method).observe(1, shares, seconds, 0.0)
        self.all.observe(1, shares, seconds, 0.0)
        self.responses_bytes[handler] += 512

    def page(self, now: float) -> str:
        """Render ``GET /metrics``."""
        return "".join(f"{line}\n" for line in self._lines(now))

    def _latency(self, handler: str, method: str) -> Histogram:
        return self.latencies.setdefault((handler, method), Histogram())

    def _lines(self, now: float) -> Iterator[str]:
        yield from _family("python_info", "gauge", "Python platform information")
        yield (
            'python_info{implementation="CPython",major="3",minor="11",patchlevel="7",'
            'version="3.11.7"} 1.0'
        )
        for name, kind, text, value in (
            ("resident_memory_bytes", "gauge", "Resident memory size in bytes.", 412_000_000.0),
            (
                "start_time_seconds",
                "gauge",
                "Start time of the process since unix epoch in seconds.",
                self.started_at,
            ),
            (
                "cpu_seconds_total",
                "counter",
                "Total user and system CPU time spent in seconds.",
                0.004 * self.all.count,
            ),
            ("open_fds", "gauge", "Number of open file descriptors.", 64.0),
        ):
            yield from _family(f"process_{name}", kind, text)
            yield f"process_{name} {value}"
        yield from self._request_lines()
        yield from self._latency_lines()
        created = min(now, self.started_at + 1)
        yield from _family("http_requests_created", "gauge", "Total number of requests.")
        for handler, method, status in self.requests:
            labels = f'handler="{handler}",method="{method}",status="{status}"'
            yield f"http_requests_created{{{labels}}} {created}"

    def _request_lines(self) -> Iterator[str]:
        text = "Total number of requests by method, status and handler."
        yield from _family("http_requests_total", "counter", text)
        for (handler, method, status), count in self.requests.items():
            labels = f'handler="{handler}",method="{method}",status="{status}"'
            yield f"http_requests_total{{{labels}}} {float(count)}"
        text = "Content length of outgoing responses by handler."
        yield from _family("http_response_size_bytes", "summary", text)
        for handler, size in self.responses_bytes.items():
            count = sum(n for (name, _, _), n in self.requests.items() if name == handler)
            yield f'http_response_size_bytes_count{{handler="{handler}"}} {float(count)}'
            yield f'http_response_size_bytes_sum{{handler="{handler}"}} {float(size)}'

    def _latency_lines(self) -> Iterator[str]:
        name = "http_request_duration_highr_seconds"
        yield from _family(name, "histogram", "Latency with many buckets but no API labels.")
        yield from _histogram(name, "", self.all, range(len(_FINE_EDGES)))
        name = "http_request_duration_seconds"
        yield from _family(name, "histogram", "Latency with only few buckets by handler.")
        for (handler, method), histogram in self.latencies.items():
            labels = f'handler="{handler}",method="{method}"'
            yield from _histogram(name, labels, histogram, _COARSE)


def _family(name: str, kind: str, text: str) -> tuple[str, str]:
    return f"# HELP {name} {text}", f"# TYPE {name} {kind}"


def _histogram(
    name: str, labels: str, histogram: Histogram, places: range | tuple[int, ...]
) -> Iterator[str]:
    before = f"{labels}," if labels else ""
    for place in places:
        edge = _FINE_EDGES[place]
        yield f'{name}_bucket{{{before}le="{edge}"}} {float(histogram.below[place])}'
    yield f'{name}_bucket{{{before}le="+Inf"}} {float(histogram.count)}'
    own = f"{{{labels}}}" if labels else ""
    yield f"{name}_count{own} {float(histogram.count)}"
    yield f"{name}_sum{own} {histogram.sum_s}"
