"""The dashboard *Event bus*: events, their latency and failed deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import actions, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import EVENTS, EVENTS_FAILED, EVENTS_LATENCY
from exporter.catalogue.rules.infrastructure import EVENT_DELIVERIES_FAILING, EVENT_LATENCY_HIGH
from exporter.catalogue.thresholds import EVENT_FAILURES_MAX, EVENT_LATENCY_P95_MAX
from exporter.mixin import answers, frame
from exporter.mixin.badges import at_end, badged, beyond
from exporter.mixin.dashboards.events import kinds, traffic
from exporter.mixin.leads import linked, page, runbook
from exporter.mixin.panels import list_of_leads, text
from exporter.mixin.promql import AT_END, anomalous, last, worst
from exporter.mixin.stats import Rising, card

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    by = ("backend", "metric", "kind")
    rows: list[Panel | RowPanel] = [*_now(links), traffic.section(links), kinds.section(links)]
    return frame.dashboard(
        EVENTS,
        links,
        rows,
        layers=[
            frame.fired("Alerts: latency", EVENT_LATENCY_HIGH),
            frame.fired("Alerts: failed deliveries", EVENT_DELIVERIES_FAILING),
            frame.layer("Unusual traffic", anomalous(m.EVENTS_EMITTED, by=by), 20),
            frame.layer("Unusual latency", anomalous(m.EVENT_LATENCY, by=by), EVENTS_LATENCY.id),
            frame.layer(
                "Unusually many failures",
                anomalous(m.EVENT_DELIVERIES_FAILED, by=by),
                EVENTS_FAILED.id,
            ),
        ],
    )


def _now(links: Links) -> list[Panel]:
    return [
        linked(
            card(
                1,
                "Emitted",
                "Events that the product emits per second, and the change within the shown range."
                " None any more is as telling as a flood; the badge says whether it is unusual for"
                " this hour.",
                badged(traffic.EMITTED, m.EVENTS_EMITTED),
                unit="cps",
                decimals=2,
                rising=Rising.NEITHER,
            ),
            traffic.ANOMALIES,
        ),
        linked(
            card(
                2,
                "Latency P95",
                "The slowest twentieth of events take this long or longer to emit. Coloured from"
                f" {EVENT_LATENCY_P95_MAX.text} on. Green trend: faster than at the start of the"
                " shown range.",
                badged(
                    worst(last(m.EVENT_LATENCY, traffic.P95), "backend"),
                    m.EVENT_LATENCY,
                    traffic.P95,
                    over=beyond(at_end(m.EVENT_LATENCY, traffic.P95), EVENT_LATENCY_HIGH),
                ),
                unit="s",
                rising=Rising.BAD,
                limit=EVENT_LATENCY_P95_MAX.value,
            ),
            runbook(links, EVENT_LATENCY_HIGH),
        ),
        linked(
            card(
                3,
                "Failed in 10 min",
                "Deliveries that failed within the last 10 minutes; coloured from"
                f" {EVENT_FAILURES_MAX.text} on. A single one is retried by its handler.",
                badged(
                    traffic.failed(),
                    m.EVENT_DELIVERIES_FAILED,
                    over=beyond(traffic.failed(AT_END), EVENT_DELIVERIES_FAILING),
                ),
                unit="short",
                decimals=0,
                rising=Rising.BAD,
                limit=EVENT_FAILURES_MAX.value,
            ),
            runbook(links, EVENT_DELIVERIES_FAILING),
        ),
        answers.banner(4, endpoints.EVENTS, endpoints.EVENT_HISTORY, size=(5, 5)),
        text(
            5,
            "One by one",
            "The last 100 events one by one with their time; asked for when the page is opened.",
            list_of_leads(
                page(links, actions.EVENTS, "Last 100 events"), page(links, actions.REFRESH)
            ),
            (4, 5),
        ),
    ]
