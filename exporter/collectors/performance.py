"""Latency, request rate, errors and uptime; on the deployed backend method timings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.cache import add_lookups
from exporter.collectors.parts import ENVELOPE, Amount, Many, Nested, Part, Percent, Share, audit
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import ratio, seconds

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.catalogue.model import Metric
    from exporter.collectors.reading import Context


class Quantiles(Part):
    """Precomputed percentiles in milliseconds."""

    p50: Amount = None
    p95: Amount = None
    p99: Amount = None


class _Designed(Part):
    api_response_time: Nested[Quantiles] = None
    request_rate: Amount = None
    error_rate: Percent = None
    uptime_seconds: Amount = None


class _Timing(Part):
    average_ms: Amount = None
    count: Amount = None


class _Metrics(Part):
    cache_hit_rate: Share = None
    cache_hits: Amount = None
    cache_misses: Amount = None
    slow_query_count: Amount = None
    method_timings: Many[_Timing] = None
    ignored: ClassVar[dict[str, str]] = {
        "recommendation_metrics": "of no documented shape; recommendation-quality has them"
    }


class _Deployed(Part):
    metrics: Nested[_Metrics] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


def read_performance(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/performance``.

        ops_api_response_time_seconds{quantile="0.95"} 0.21
        ops_api_requests_per_second 42.0
        ops_api_error_ratio 0.012
        ops_uptime_seconds 86400.0
        ops_method_calls_total{method="SearchService.search"} 3.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/performance``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("metrics"), dict):
        return _deployed(payload)
    if isinstance(payload, dict) and payload.keys() & _Designed.model_fields.keys():
        return _designed(payload)
    message = "expected metrics, or api_response_time, request_rate, error_rate, uptime_seconds"
    raise SchemaError(message)


def _designed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    performance = _Designed.model_validate(payload)
    if performance.api_response_time is not None:
        add_quantiles(reading, m.API_RESPONSE_TIME, performance.api_response_time)
    reading.add(m.API_REQUEST_RATE, performance.request_rate)
    reading.add(m.API_ERROR_RATIO, ratio(performance.error_rate))
    reading.add(m.UPTIME, performance.uptime_seconds)
    audit(performance, payload, reading)
    return reading


def add_quantiles(reading: Reading, metric: Metric, quantiles: Quantiles) -> None:
    """Add the three precomputed percentiles of a summary."""
    reading.add(metric, seconds(quantiles.p50), "0.5")
    reading.add(metric, seconds(quantiles.p95), "0.95")
    reading.add(metric, seconds(quantiles.p99), "0.99")


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    performance = _Deployed.model_validate(payload)
    if (metrics := performance.metrics) is not None:
        add_lookups(reading, metrics.cache_hits, metrics.cache_misses, metrics.cache_hit_rate)
        reading.add(m.SLOW_OPERATIONS, metrics.slow_query_count)
        for method, timing in (metrics.method_timings or {}).items():
            if timing is not None:
                calls = timing.count or 0.0
                reading.add(m.METHOD_DURATION, seconds(timing.average_ms), method, weight=calls)
                reading.add(m.METHOD_CALLS, timing.count, method, weight=calls)
    audit(performance, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {"performance": read_performance}
