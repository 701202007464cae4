"""What users did within a window."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.parts import ENVELOPE, Amount, Nested, Part, Text, audit
from exporter.collectors.reading import Reading, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.collectors.reading import Context

# The window becomes a label value, so only what is a duration may.
_WINDOW = re.compile(r"[1-9]\d{0,3}[smhdw]")


class _Designed(Part):
    active_users: Amount = None
    resources_created: Amount = None
    resources_updated: Amount = None
    searches_performed: Amount = None
    annotations_created: Amount = None
    collections_created: Amount = None
    time_range: Text = None


class _Metrics(Part):
    active_users: Amount = None
    ignored: ClassVar[dict[str, str]] = {
        "total_users": "no metric asks for it",
        "total_interactions": "no metric asks for it",
        "positive_interactions": "no metric asks for it",
        "positive_rate": "no metric asks for it",
        "interactions_by_type": "no metric asks for it",
        "avg_session_duration_seconds": "no metric asks for it",
    }


class _Deployed(Part):
    time_window_days: Amount = None
    metrics: Nested[_Metrics] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


def read_engagement(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/monitoring/user-engagement?time_range=24h&time_window_days=7``.

        ops_engagement_active_users{window="24h"} 41.0
        ops_engagement_searches{window="24h"} 512.0

    By hand: ``curl -sH "Authorization: Bearer $TOKEN" $OPS_API_URL/api/monitoring/user-engagement``
    """
    if isinstance(payload, dict) and isinstance(payload.get("metrics"), dict):
        return _deployed(payload)
    if isinstance(payload, dict) and payload.keys() & _Designed.model_fields.keys():
        return _designed(payload, context)
    message = "expected metrics, or active_users, searches_performed, resources_created, …"
    raise SchemaError(message)


def _designed(payload: dict[str, Any], context: Context) -> Reading:
    reading = Reading(dialect=Dialect.DESIGNED)
    answer = _Designed.model_validate(payload)
    window = answer.time_range
    if window is not None and not _WINDOW.fullmatch(window):
        reading.missing.append("time_range")
        window = None
    window = window or context.time_range  # what was asked for
    reading.add(m.ACTIVE_USERS, answer.active_users, window)
    reading.add(m.RESOURCES_CREATED, answer.resources_created, window)
    reading.add(m.RESOURCES_UPDATED, answer.resources_updated, window)
    reading.add(m.SEARCHES, answer.searches_performed, window)
    reading.add(m.ANNOTATIONS_CREATED, answer.annotations_created, window)
    reading.add(m.COLLECTIONS_CREATED, answer.collections_created, window)
    audit(answer, payload, reading)
    return reading


def _deployed(payload: dict[str, Any]) -> Reading:
    reading = Reading(dialect=Dialect.DEPLOYED)
    answer = _Deployed.model_validate(payload)
    if answer.metrics is not None and answer.time_window_days:
        window = f"{answer.time_window_days:g}d"
        reading.add(m.ACTIVE_USERS, answer.metrics.active_users, window)
    audit(answer, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {"engagement": read_engagement}
