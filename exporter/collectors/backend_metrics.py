"""
The deployed backend's own Prometheus page: latency, request rate, errors, uptime.

Its counters become what the designed API tells, from what grew between two polls. What we cause
ourselves is left out: on a quiet backend our own slow polls would be the P95.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.growth import Growth
from exporter.collectors.quantiles import quantile
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import plausible_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.collectors.reading import Context

_REQUESTS: Final = "http_requests_total"
_BY_HANDLER: Final = "http_request_duration_seconds_bucket"
_ALL_HANDLERS: Final = "http_request_duration_highr_seconds_bucket"
_START: Final = "process_start_time_seconds"
_FAMILIES: Final = (_REQUESTS, _BY_HANDLER, _ALL_HANDLERS, _START)

_OURS: Final = (
    "/metrics",
    "/api/monitoring/",
    "/api/v1/ingestion/health",
    "/api/v1/ingestion/worker",
    "/api/v1/ingestion/jobs",
    "/api/v1/ingestion/ingest",
    "/api/search/admin/",
    "/admin/",
)
# Below this a percentile would be the duration of a single request or two.
_REQUESTS_MIN: Final = 20
_QUANTILES: Final = (0.5, 0.95, 0.99)


def read_backend_metrics(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /metrics`` of the deployed backend.

        ops_api_response_time_seconds{quantile="0.95"} 0.21
        ops_api_requests_per_second 4.2
        ops_api_error_ratio 0.01
        ops_uptime_seconds 86400.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/metrics``
    """
    totals: dict[str, float] = {}
    start = None
    known = False
    for name, labels, value in _samples(payload):
        known = True
        if name == _START:
            start = plausible_time(value)
        elif math.isfinite(value):
            for key in _keys(name, labels):
                totals[key] = totals.get(key, 0.0) + value
    if not known:
        message = f"expected a Prometheus page with {_START} or {_REQUESTS}"
        raise SchemaError(message)
    reading = Reading(dialect=Dialect.DEPLOYED)
    if start is None:
        reading.missing.append(_START)
    elif context.received_at >= start:  # a clock that runs behind makes this negative
        reading.add(m.UPTIME, context.received_at - start)
    if Growth.was_reset(context, totals, process=start or 0.0):
        reading.resets.add(m.API_REQUEST_RATE)
    growth = Growth.since(context, totals, process=start or 0.0)
    if growth is not None:
        _add_rates(reading, growth)
    return reading


def _samples(text: Any) -> Iterator[tuple[str, dict[str, str], float]]:
    """
    Yield name, labels and value of the samples that are read.

    Raises:
        SchemaError: If such a line is no Prometheus text.
    """
    # Imported late: slow, and needed for deployed backends only.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    if not isinstance(text, str):
        message = "expected Prometheus text"
        raise SchemaError(message)
    # Other families of a busy backend can be thousands of lines that nobody reads.
    lines = "".join(f"{line}\n" for line in text.splitlines() if line.startswith(_FAMILIES))
    try:
        for family in text_string_to_metric_families(lines):
            for sample in family.samples:
                if sample.name in _FAMILIES:
                    yield sample.name, sample.labels, sample.value
    except (ValueError, KeyError, IndexError) as error:
        message = "expected Prometheus text"
        raise SchemaError(message) from error


def _keys(name: str, labels: dict[str, str]) -> Iterator[str]:
    """Yield the totals that a sample belongs to."""
    handler = labels.get("handler", "")
    ours = handler.startswith(_OURS) or handler.rstrip("/") + "/" in _OURS
    if name == _REQUESTS and not ours:
        yield "requests"
        # One spelling of the instrumentation groups statuses ("5xx"), the other does not ("500").
        if labels.get("status", "").startswith("5"):
            yield "errors"
    elif name == _BY_HANDLER and not ours:
        yield f"coarse {labels.get('le', '')}"
    elif name == _ALL_HANDLERS:
        yield f"fine {labels.get('le', '')}"


def _add_rates(reading: Reading, growth: Growth) -> None:
    requests = growth.get("requests", 0.0)
    reading.add(m.API_REQUEST_RATE, requests / growth.elapsed_s)
    if requests > 0:
        # Statuses are counted when an answer begins, so the two never differ by much.
        reading.add(m.API_ERROR_RATIO, min(1.0, growth.get("errors", 0.0) / requests))
    if requests < _REQUESTS_MIN:
        return
    coarse, fine = _buckets(growth, "coarse "), _buckets(growth, "fine ")
    for q in _QUANTILES:
        value = quantile(q, coarse, fine)
        reading.add(m.API_RESPONSE_TIME, value, f"{q:g}")


def _buckets(growth: Growth, prefix: str) -> list[tuple[float, float]]:
    """Return upper bound (seconds) and cumulative growth of each bucket, in order."""
    found: list[tuple[float, float]] = []
    for key, grown in growth.items():
        if key.startswith(prefix):
            try:
                found.append((float(key.removeprefix(prefix)), grown))
            except ValueError:
                continue
    return sorted(found)


READERS: dict[str, Callable[[Any, Context], Reading]] = {"backend_metrics": read_backend_metrics}
