"""The event bus: counts, latency, event types and the newest event of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import (
    ENVELOPE,
    Amount,
    Many,
    Nested,
    Part,
    Row,
    Text,
    audit,
)
from exporter.collectors.performance import Quantiles, add_quantiles
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import unix_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context

# The deployed backend's only source of the design's engagement numbers: its events, counted since
# the process started, and so labelled.
_ENGAGEMENT: Final = {
    "resource.created": m.RESOURCES_CREATED,
    "resource.updated": m.RESOURCES_UPDATED,
    "search.executed": m.SEARCHES,
    "annotation.created": m.ANNOTATIONS_CREATED,
    "collection.created": m.COLLECTIONS_CREATED,
}
_SINCE_START: Final = "since_start"


class _Designed(Part):
    events_emitted: Amount = None
    events_received: Amount = None
    event_latency_ms: Nested[Quantiles] = None
    event_types: Many[Amount] = None
    failed_deliveries: Amount = None


class _Metrics(Part):
    events_emitted: Amount = None
    events_delivered: Amount = None
    handler_errors: Amount = None
    event_types: Many[Amount] = None
    emission_latency_p50: Amount = None
    emission_latency_p95: Amount = None
    emission_latency_p99: Amount = None
    ignored: ClassVar[dict[str, str]] = {
        "total_handler_time_ms": "no metric asks for it",
        "total_emission_time_ms": "the percentiles tell more",
        "handler_latency_p50": "the event's latency is that of its emission",
        "handler_latency_p95": "the event's latency is that of its emission",
        "handler_latency_p99": "the event's latency is that of its emission",
    }


class _Deployed(Part):
    metrics: Nested[_Metrics] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


class _DesignedEvent(Part):
    type: Text = None
    timestamp: Text = None


class _DeployedEvent(Part):
    name: Text = None
    timestamp: Text = None
    ignored: ClassVar[dict[str, str]] = {
        "data": "user data",
        "priority": "no metric asks for it",
        "correlation_id": "unbounded",
    }


class _DesignedHistory(Part):
    events: Row[_DesignedEvent] = None


class _DeployedHistory(Part):
    events: Row[_DeployedEvent] = None
    ignored: ClassVar[dict[str, str]] = {**ENVELOPE, "count": "of the rows asked for"}


def read_events(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/events``.

        ops_events_emitted_total 48.0
        ops_event_latency_seconds{quantile="0.95"} 0.00032
        ops_events_total{event="resource.created"} 40.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/events``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("metrics"), dict):
        return _deployed(payload)
    if isinstance(payload, dict) and payload.keys() & _Designed.model_fields.keys():
        return _designed(payload)
    message = "expected metrics, or events_emitted, events_received, event_latency_ms, event_types"
    raise SchemaError(message)


def _designed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    events = _Designed.model_validate(payload)
    reading.add(m.EVENTS_EMITTED, events.events_emitted)
    reading.add(m.EVENTS_RECEIVED, events.events_received)
    reading.add(m.EVENT_DELIVERIES_FAILED, events.failed_deliveries)
    if events.event_latency_ms is not None:
        add_quantiles(reading, m.EVENT_LATENCY, events.event_latency_ms)
    for event, count in (events.event_types or {}).items():
        reading.add(m.EVENTS, count, event, weight=count or 0.0)
    audit(events, payload, reading)
    return reading


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    answer = _Deployed.model_validate(payload)
    if (events := answer.metrics) is not None:
        reading.add(m.EVENTS_EMITTED, events.events_emitted)
        reading.add(m.EVENTS_RECEIVED, events.events_delivered)
        reading.add(m.EVENT_DELIVERIES_FAILED, events.handler_errors)
        quantiles = Quantiles(
            p50=events.emission_latency_p50,
            p95=events.emission_latency_p95,
            p99=events.emission_latency_p99,
        )
        # Without an event the percentiles are 0.0, which means "no data".
        if events.events_emitted or quantiles.p50 or quantiles.p95 or quantiles.p99:
            add_quantiles(reading, m.EVENT_LATENCY, quantiles)
        for event, count in (events.event_types or {}).items():
            reading.add(m.EVENTS, count, event, weight=count or 0.0)
            if event in _ENGAGEMENT:
                reading.add(_ENGAGEMENT[event], count, _SINCE_START)
    audit(answer, payload, reading)
    return reading


def read_history(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/events/history?limit=100``.

        ops_event_last_timestamp_seconds{event="resource.created"} 1795445530.6

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/events/history``
    """
    del context
    history: _DeployedHistory | _DesignedHistory
    if isinstance(payload, dict) and isinstance(payload.get("events"), list):
        reading = Reading(dialect=Dialect.DEPLOYED)
        history, raw = _DeployedHistory.model_validate(payload), payload
        rows = [(row.name, row.timestamp) for row in history.events or [] if row is not None]
    elif isinstance(payload, list):
        reading = Reading(dialect=Dialect.DESIGNED)
        raw = {"events": payload}
        history = _DesignedHistory.model_validate(raw)
        rows = [(row.type, row.timestamp) for row in history.events or [] if row is not None]
    else:
        message = "expected events, or a list"
        raise SchemaError(message)
    newest: dict[str, float] = {}
    for event, timestamp in rows:
        moment = unix_time(timestamp)
        if event is None or moment is None:
            if timestamp is not None and moment is None:
                reading.missing.append("events[*].timestamp")
            continue
        newest[event] = max(newest.get(event, moment), moment)
    for event, moment in newest.items():
        reading.add(m.EVENT_LAST, moment, event, weight=moment)
    audit(history, raw, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {
    "events": read_events,
    "event_history": read_history,
}
