"""How many events there are, how long they take to emit, and which deliveries fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import EVENTS_FAILED, EVENTS_LATENCY
from exporter.catalogue.rules.infrastructure import EVENT_DELIVERIES_FAILING, EVENT_LATENCY_HIGH
from exporter.mixin.charts import Line, graph, limit_of, lines, marks, percentiles
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, RED, Query, explained
from exporter.mixin.promql import anomalous, rate, series, total, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

P95: Final = 'quantile="0.95"'
ANOMALIES: Final = detail(dashboards.ANOMALIES)
EMITTED: Final = worst(rate(m.EVENTS_EMITTED), "backend")
_RECEIVED: Final = worst(rate(m.EVENTS_RECEIVED), "backend")


def failed(at: str = "") -> str:
    """Count as the alert does."""
    grown = f"increase({series(m.EVENT_DELIVERIES_FAILED)}[10m]{at})"
    return f"floor({worst(total(grown, 'backend', 'instance'), 'backend')})"


def section(links: Links) -> RowPanel:
    """Return the row with traffic, latency and failures."""
    flow = lines(
        20,
        "Events per second",
        "Emitted: by the product; received: by handlers, more than emitted where one event has"
        " several; failed: deliveries. Points and violet regions: unusual for this hour. Emitted"
        " goes on and received falls: handlers hang or are gone.",
        Line(title="Emitted", expr=EMITTED, colour=BLUE),
        Line(title="Received", expr=_RECEIVED, colour=GREEN),
        Line(title="Failed", expr=worst(rate(m.EVENT_DELIVERIES_FAILED), "backend"), colour=RED),
        marks(EMITTED, f"{anomalous(m.EVENTS_EMITTED)} == 1"),
        unit="cps",
        size=(12, 11),
    )
    lost = lines(
        EVENTS_FAILED.id,
        EVENTS_FAILED.title,
        "Deliveries that failed within the last 10 minutes. Dashed: the threshold in force; no"
        " alert while the counter falls again and again. Points: unusual for this hour. Red"
        " regions: an alert fired. The backend's log says which handler fails; what it did not get"
        " is not sent again.",
        Line(title="Failed in 10 min", expr=failed(), colour=RED),
        limit_of(EVENT_DELIVERIES_FAILING.name),
        marks(failed(), f"{anomalous(m.EVENT_DELIVERIES_FAILED)} == 1"),
        unit="short",
        size=(12, 9),
    )
    handlers = graph(
        21,
        "Handlers for each event",
        "Events received for each one emitted, over ten minutes. It is steady, whatever the"
        " traffic: a step down is a handler that does not get its events any more.",
        Query(
            expr=f"{_over(m.EVENTS_RECEIVED)}\n/\n({_over(m.EVENTS_EMITTED)} > 0)",
            legend="Handlers · {{backend}}",
        ),
        unit="short",
    )
    return row(
        9,
        "Traffic, latency and failures",
        linked(flow, ANOMALIES),
        linked(_latency(), runbook(links, EVENT_LATENCY_HIGH), ANOMALIES),
        linked(lost, runbook(links, EVENT_DELIVERIES_FAILING), ANOMALIES),
        linked(
            explained(handlers, "○ No event was emitted within ten minutes"),
            page(links, actions.EVENTS),
        ),
    )


def _over(counter: Metric) -> str:
    return worst(f"increase({series(counter)}[10m])", "backend")


def _latency() -> Panel:
    p50, p95, p99 = percentiles(m.EVENT_LATENCY)
    return lines(
        EVENTS_LATENCY.id,
        EVENTS_LATENCY.title,
        "Half of the events are faster than P50 (dotted), 95 of 100 than P95 (solid), 99 than P99"
        " (dots and dashes). Dashed: the threshold in force for P95. Points and violet regions:"
        " unusual for this hour. Red regions: an alert fired. Whoever emits waits for it: look for"
        " a handler that works within the emission.",
        p50,
        p95,
        p99,
        limit_of(EVENT_LATENCY_HIGH.name),
        marks(p95.expr, f"{anomalous(m.EVENT_LATENCY, P95)} == 1"),
        unit="s",
        size=(12, 11),
    )
