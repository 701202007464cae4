"""
The deployed backend's own Prometheus page: latency, request rate, errors, uptime.

Its counters become what the designed API tells, from what grew between two polls. What we cause
ourselves is left out: on a quiet backend our own slow polls would be the P95.
"""

from __future__ import annotations

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

# More than a float counts exactly is no count.
_TOTAL_MAX: Final = 2.0**53

_OURS: Final = (
    "/metrics/",
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
    if not isinstance(payload, str):
        message = "expected Prometheus text"
        raise SchemaError(message)
    reading = Reading(dialect=Dialect.DEPLOYED)
    samples, unreadable = _samples(payload)
    reading.missing += unreadable
    # A backend that nobody has asked yet names the family and has no sample of it.
    counts_requests = f"# TYPE {_REQUESTS} " in payload or any(s[0] == _REQUESTS for s in samples)
    if not samples and not counts_requests:
        message = f"expected a Prometheus page with {_START} or {_REQUESTS}"
        raise SchemaError(message)
    totals = _totals(samples, reading)
    if counts_requests:
        totals.setdefault("requests", 0.0)
    else:
        reading.missing.append(_REQUESTS)
    start = plausible_time(next((s[2] for s in samples if s[0] == _START), None))
    if start is None:
        reading.missing.append(_START)
    elif context.received_at >= start:  # a clock that runs behind makes this negative
        reading.add(m.UPTIME, context.received_at - start)
    if Growth.was_reset(context, totals, process=start or 0.0):
        reading.resets.add(m.API_REQUEST_RATE)
    growth = Growth.since(context, totals, process=start or 0.0)
    if growth is not None and "requests" in growth:
        _add_rates(reading, growth)
    return reading


_Read = tuple[str, dict[str, str], float]


def _samples(text: str) -> tuple[list[_Read], list[str]]:
    """Return name, labels and value of the samples that are read; and the names of bad lines."""
    # Other families of a busy backend can be thousands of lines that nobody reads.
    lines = [line for line in text.split("\n") if line.startswith(_FAMILIES)]
    found = _parsed(lines)
    if found is not None:
        return found, []
    # One bad line costs itself alone.
    found, bad = [], []
    for line in lines:
        one = _parsed([line])
        if one is None:
            bad.append(next(name for name in _FAMILIES if line.startswith(name)))
        else:
            found += one
    return found, bad


def _parsed(lines: list[str]) -> list[_Read] | None:
    """Return what *lines* tell, None when one of them is no Prometheus text."""
    # Imported late: slow, and needed for deployed backends only.
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415

    try:
        return [
            (sample.name, sample.labels, float(sample.value))
            for family in text_string_to_metric_families("".join(f"{line}\n" for line in lines))
            for sample in family.samples
            if sample.name in _FAMILIES
        ]
    except Exception:  # noqa: BLE001 - the parser promises no kind of error
        return None


def _totals(samples: list[_Read], reading: Reading) -> dict[str, float]:
    """Return the sums of what is counted, without what we cause ourselves."""
    totals: dict[str, float] = {}
    for name, labels, value in samples:
        if name == _START:
            continue
        if not 0 <= value <= _TOTAL_MAX:
            reading.missing.append(name)
            continue
        for key in _keys(name, labels):
            totals[key] = totals.get(key, 0.0) + value
    return totals


def _keys(name: str, labels: dict[str, str]) -> Iterator[str]:
    """Yield the totals that a sample belongs to."""
    ours = f"{labels.get('handler', '').rstrip('/')}/".startswith(_OURS)
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
    requests = growth["requests"]
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
                bound = float(key.removeprefix(prefix))
            except ValueError:
                continue
            if bound > 0:
                found.append((bound, grown))
    return sorted(found)


READERS: dict[str, Callable[[Any, Context], Reading]] = {"backend_metrics": read_backend_metrics}
