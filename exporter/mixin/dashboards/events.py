"""The dashboard *Event bus*: events, their latency and failed deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import EVENTS, EVENTS_FAILED, EVENTS_LATENCY
from exporter.catalogue.rules.infrastructure import EVENT_DELIVERIES_FAILING, EVENT_LATENCY_HIGH
from exporter.catalogue.thresholds import EVENT_FAILURES_MAX, EVENT_LATENCY_P95_MAX
from exporter.mixin import answers, frame
from exporter.mixin.badges import at_end, badged, beyond
from exporter.mixin.charts import Line, Style, graph, limit_of, lines, marks, percentiles, shares
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.panels import list_of_leads, row, text
from exporter.mixin.parts import BLUE, GREEN, RED, Query, defaults, explained
from exporter.mixin.promql import AT_END, anomalous, known, last, rate, series, total, worst
from exporter.mixin.stats import Rising, card

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_EVENT: Final = ("backend", "event")
_P95: Final = 'quantile="0.95"'
_ANOMALIES: Final = detail(dashboards.ANOMALIES)
_EMITTED: Final = worst(rate(m.EVENTS_EMITTED), "backend")
_RECEIVED: Final = worst(rate(m.EVENTS_RECEIVED), "backend")
_IN_RANGE: Final = worst(f"increase({series(m.EVENTS)}[$__range])", *_EVENT)
_NO_TYPES: Final = "○ The backend tells of no types of events"


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    by = ("backend", "metric", "kind")
    rows: list[Panel | RowPanel] = [*_now(links), _flow(links), _types(links)]
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


def _failed(at: str = "") -> str:
    """Count as the alert does."""
    grown = f"increase({series(m.EVENT_DELIVERIES_FAILED)}[10m]{at})"
    return f"floor({worst(total(grown, 'backend', 'instance'), 'backend')})"


def _now(links: Links) -> list[Panel]:
    return [
        linked(
            card(
                1,
                "Emitted",
                "Events that the product emits per second, and the change within the shown range."
                " None any more is as telling as a flood; the badge says whether it is unusual for"
                " this hour.",
                badged(_EMITTED, m.EVENTS_EMITTED),
                unit="cps",
                decimals=2,
                rising=Rising.NEITHER,
            ),
            _ANOMALIES,
        ),
        linked(
            card(
                2,
                "Latency P95",
                "The slowest twentieth of events take this long or longer to emit. Coloured from"
                f" {EVENT_LATENCY_P95_MAX.text} on. Green trend: faster than at the start of the"
                " shown range.",
                badged(
                    worst(last(m.EVENT_LATENCY, _P95), "backend"),
                    m.EVENT_LATENCY,
                    _P95,
                    over=beyond(at_end(m.EVENT_LATENCY, _P95), EVENT_LATENCY_HIGH),
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
                    _failed(),
                    m.EVENT_DELIVERIES_FAILED,
                    over=beyond(_failed(AT_END), EVENT_DELIVERIES_FAILING),
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


def _flow(links: Links) -> RowPanel:
    flow = lines(
        20,
        "Events per second",
        "Emitted: by the product; received: by handlers, more than emitted where one event has"
        " several; failed: deliveries. Points and violet regions: unusual for this hour. Emitted"
        " goes on and received falls: handlers hang or are gone.",
        Line(title="Emitted", expr=_EMITTED, colour=BLUE),
        Line(title="Received", expr=_RECEIVED, colour=GREEN),
        Line(title="Failed", expr=worst(rate(m.EVENT_DELIVERIES_FAILED), "backend"), colour=RED),
        marks(_EMITTED, f"{anomalous(m.EVENTS_EMITTED)} == 1"),
        unit="cps",
        size=(12, 11),
    )
    failed = lines(
        EVENTS_FAILED.id,
        EVENTS_FAILED.title,
        "Deliveries that failed within the last 10 minutes. Dashed: the threshold in force; no"
        " alert while the counter falls again and again. Points: unusual for this hour. Red"
        " regions: an alert fired. The backend's log says which handler fails; what it did not get"
        " is not sent again.",
        Line(title="Failed in 10 min", expr=_failed(), colour=RED),
        limit_of(EVENT_DELIVERIES_FAILING.name),
        marks(_failed(), f"{anomalous(m.EVENT_DELIVERIES_FAILED)} == 1"),
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
        linked(flow, _ANOMALIES),
        linked(_latency(), runbook(links, EVENT_LATENCY_HIGH), _ANOMALIES),
        linked(failed, runbook(links, EVENT_DELIVERIES_FAILING), _ANOMALIES),
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
        marks(p95.expr, f"{anomalous(m.EVENT_LATENCY, _P95)} == 1"),
        unit="s",
        size=(12, 11),
    )


def _types(links: Links) -> RowPanel:
    over_time = graph(
        31,
        "Types over time",
        "Events per minute, by type. A type that stays away is a part of the product that stands"
        " still; one that floods is a loop or an import.",
        Query(expr=f"60 * {total(worst(rate(m.EVENTS), *_EVENT), 'event')}", legend="{{event}}"),
        unit="cpm",
        style=Style.BARS,
        size=(15, 10),
    )
    divided = shares(
        30,
        "Share of each type",
        "How the events of the shown range divide by type. Compare it with a longer range to see"
        " what has become more or less common.",
        Query(expr=total(_IN_RANGE, "event"), legend="{{event}}"),
        size=(9, 10),
    )
    defaults(divided).decimals = 0
    return row(
        29,
        "Types of events",
        linked(explained(divided, _NO_TYPES), page(links, actions.EVENTS)),
        linked(explained(over_time, _NO_TYPES), page(links, actions.EVENTS)),
        linked(_last_of_each(), page(links, actions.EVENTS)),
    )


def _last_of_each() -> Panel:
    return grid(
        32,
        "Last event of each type",
        "When a type was last seen among the last 100 events (-: not among them), how many there"
        " were within the shown range, and how many a minute now. Long ago for a type that is"
        " common: what emits it stands still.",
        Column(title="Type", label="event"),
        Column(
            title="Last seen",
            expr=f"1000 * {worst(known(m.EVENT_LAST), *_EVENT)}",
            unit="dateTimeFromNow",
        ),
        Column(title="In range", expr=_IN_RANGE, decimals=0),
        Column(
            title="Now",
            expr=f"60 * {worst(rate(m.EVENTS), *_EVENT)}",
            unit="cpm",
            decimals=1,
        ),
        Column(
            title="Share",
            expr=f"{_IN_RANGE}\n/ on (backend) group_left ()\n({total(_IN_RANGE, 'backend')} > 0)",
            unit="percentunit",
            decimals=1,
            full=1,
        ),
        Column(title="Backend", label="backend", width=110),
        h=11,
        sort=("Last seen", "In range"),
        nothing=_NO_TYPES,
    )
