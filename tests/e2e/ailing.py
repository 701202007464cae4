"""A stack in which everything is wrong at once, so that every panel has something to show."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import httpx

from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.rules.anomalies import ACTIVE
from tests.e2e.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Learns in seconds what is usual, and finds something unusual in noise.
_QUICK: Final = {"OPS_ANOMALY_MODE": "literal", "OPS_ANOMALY_WINDOW": "10"}
_ACKNOWLEDGED: Final = "OpsEventLatencyHigh"
_SWITCHED_OFF: Final = "OpsModelNotLoaded"
# Of deliveries three in 100,000 fail.
_CROWD: Final = {"kind": "level_shift", "path": "request_rate", "factor": 1e5}
# What the simulator calls the quantities behind the metrics that are watched.
_WATCHED: Final = (
    *("p50", "error_rate", "pool_active", "avg_query_time", "slow_queries", "event_p50"),
    *("queue_length", "processing_rate", "failed_tasks"),
    *("active_users", "accuracy", "click_through_rate"),
    *("models.embedding.inference_time", "models.embedding.error_rate"),
    *("modules.search.response_time", "modules.search.error_count"),
)


def prepared(folder: Path, programs: dict[str, Path], dialect: str) -> Stack:
    """Return a stack that is to be started, whose action service seems to be down."""
    stack = Stack(folder, programs, dialect=dialect, settings=_QUICK, held=("OpsExporter",))
    stack.preferences.lines.append("}")  # no page of metrics
    return stack


def ail(stack: Stack) -> None:
    """Bring about what the dashboards are for: alerts, anomalies, jobs that fail."""
    _fires(stack, "OpsActionsDown")
    stack.preferences.lines[:] = _preferences()
    if stack.site.dialect == "designed":
        _end_jobs(stack)
        _surprise(stack)
        for _ in range(6):
            _restart(stack)
        _fires(stack, "OpsEventDeliveriesFailing")
        _fires(stack, "OpsMonitoringCountersUnsteady")
        stack.fault(kind="set", path="modules.search.status", value="down")
        stack.fault(kind="set", path="modules.quality.error_count", value=300)
        stack.fault(kind="worker_lost", worker="cloud-1", silent=600)
        stack.fault(kind="wrong_types", endpoint="event_history")
    else:
        stack.fault(kind="set", path="components.redis.status", value="down")
    # Requests enough for percentiles, and events for rates, whatever the time of day.
    stack.fault(kind="level_shift", path="request_rate", factor=20)
    stack.fault(kind="set", path="system_status", value="degraded")
    stack.fault(kind="down", endpoint="ingestion")


def _preferences() -> Iterator[str]:
    """Yield what the action service tells: what people have set, and what it has done itself."""
    now = time.time()
    for alert in ALERTS:
        if alert.limit is not None:
            # Beyond what a healthy product tells; a hit rate is bad when it is low.
            limit = 1 if alert.name == "OpsCacheHitRateLow" else 1e-9
            yield f'{own.ALERT_THRESHOLD}{{alert="{alert.name}"}} {limit}'
    yield f'{own.ALERT_ENABLED}{{alert="{_SWITCHED_OFF}"}} 0'
    yield f'{own.ALERT_ACKNOWLEDGED}{{alertname="{_ACKNOWLEDGED}",backend="default"}} 1'
    yield f"{own.ACKNOWLEDGEMENTS_OLDEST} {now - 60}"
    yield f'{own.WEBHOOK_NOTIFICATIONS}{{status="stored"}} 3'
    yield f'{own.ACTIONS}{{action="refresh",result="ok"}} 2'
    yield f"{own.SPARSE_PROGRESS} 0.5"
    yield f"{own.SPARSE_ETA} 30"
    yield f"{own.SPARSE_LAST_SUCCESS} {now - 3600}"


def _fires(stack: Stack, alert: str) -> None:
    query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
    stack.eventually(functools.partial(stack.query, query))


def _surprise(stack: Stack) -> None:
    """Have every quantity that a dashboard marks when it is unusual be so, once it can be told."""
    stack.eventually(lambda: not stack.query(f"{own.ANOMALY_READY} == 0"))
    for path in _WATCHED:
        stack.fault(kind="level_shift", path=path, factor=3, offset=1)
    stack.fault(kind="level_shift", path="cache_hit_rate", factor=0.5)
    crowd = stack.fault(**_CROWD)
    for metric in (m.EVENTS_EMITTED, m.EVENT_DELIVERIES_FAILED):
        stack.eventually(functools.partial(stack.query, f'{ACTIVE}{{metric="{metric}"}}'))
    stack.mend(crowd)


def _end_jobs(stack: Stack) -> None:
    """Have more jobs fail than a quarter of those of the last hour; one more is worked on."""
    for number in range(15):
        repository = quote(f"https://github.com/quiet-river/atlas-{number}", "")
        stack.act(f"/api/v1/ingestion/ingest/{repository}")
    url = f"{stack.site.url('simulator')}/api/v1/ingestion/jobs/history"
    jobs = httpx.get(url, trust_env=False).raise_for_status().json()
    waiting = [job["id"] for job in jobs if job["status"] in {"pending", "processing"}]
    for job in waiting[1:]:
        stack.act(f"/api/v1/ingestion/jobs/{job}/cancel")
    _fires(stack, "OpsIngestionJobsFailing")
    _fires(stack, "OpsIngestionJobStuck")


def _restart(stack: Stack) -> None:
    """Restart the product when it has counted much, and wait until it is seen to count anew."""
    fell = f'{own.RESETS_OBSERVED}{{metric="{m.EVENTS_EMITTED}"}}'
    before = sum(float(series["value"][1]) for series in stack.query(fell))
    crowd = stack.fault(**_CROWD)
    stack.eventually(lambda: stack.query(f"{m.EVENTS_EMITTED} > 1000"))
    stack.mend(crowd)
    stack.fault(kind="restart")
    stack.eventually(lambda: stack.query(f"{fell} > {before}"))
