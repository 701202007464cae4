"""The dashboard *Database*: connections, queries and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import DATABASE, DATABASE_POOL, DATABASE_QUERIES
from exporter.catalogue.rules.infrastructure import DATABASE_POOL_SATURATED, SLOW_QUERIES
from exporter.catalogue.thresholds import POOL_USAGE_MAX, SLOW_QUERIES_MAX
from exporter.mixin import answers, frame
from exporter.mixin.badges import at_end, badged, beyond
from exporter.mixin.dashboards.database import connections, queries, tables
from exporter.mixin.leads import detail, linked, runbook
from exporter.mixin.parts import BAD, GOOD, IDLE, Query, explained
from exporter.mixin.promql import AT_END, anomalous, last, recent, worst
from exporter.mixin.stats import Rising, card, single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    by = ("backend", "metric", "kind")
    rows: list[Panel | RowPanel] = [
        *_now(links),
        connections.section(links),
        queries.section(links),
        tables.section(),
        tables.methods(),
    ]
    return frame.dashboard(
        DATABASE,
        links,
        rows,
        layers=[
            frame.fired("Alerts: pool", DATABASE_POOL_SATURATED),
            frame.fired("Alerts: slow queries", SLOW_QUERIES),
            frame.layer(
                "Unusual pool usage", anomalous(m.DATABASE_POOL_USAGE, by=by), DATABASE_POOL.id
            ),
            frame.layer("Unusual query duration", anomalous(m.DATABASE_QUERY_DURATION, by=by), 20),
            frame.layer(
                "Unusually many slow queries",
                anomalous(m.DATABASE_SLOW_QUERIES, by=by),
                DATABASE_QUERIES.id,
            ),
        ],
    )


def _now(links: Links) -> list[Panel]:
    told, now = worst(last(m.DATABASE_SLOW_QUERIES), "backend"), at_end(m.DATABASE_SLOW_QUERIES)
    return [
        linked(_reached(), detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)),
        linked(
            card(
                2,
                "Pool in use",
                "Share of the connections that are in use, and its change within the shown range."
                f" Coloured from {POOL_USAGE_MAX.text} on: soon requests wait for a connection."
                " The badge: over the threshold in force, or unusual for this hour.",
                badged(
                    worst(last(m.DATABASE_POOL_USAGE), "backend"),
                    m.DATABASE_POOL_USAGE,
                    over=beyond(at_end(m.DATABASE_POOL_USAGE), DATABASE_POOL_SATURATED),
                ),
                unit="percentunit",
                decimals=0,
                rising=Rising.BAD,
                limit=POOL_USAGE_MAX.value,
            ),
            runbook(links, DATABASE_POOL_SATURATED),
        ),
        linked(
            explained(
                card(
                    3,
                    "Mean query",
                    "How long a query takes on average, as the API works it out. Green trend:"
                    " faster than at the start of the shown range. Slower with the same traffic: a"
                    " missing index, or a table that has grown.",
                    badged(
                        worst(last(m.DATABASE_QUERY_DURATION), "backend"), m.DATABASE_QUERY_DURATION
                    ),
                    unit="s",
                    rising=Rising.BAD,
                ),
                "○ Not told",
            ),
            queries.ANOMALIES,
        ),
        linked(
            card(
                4,
                "Slow queries now",
                "Queries over 100 ms in the API's own window; of a deployed backend the operations"
                " that it counted as slow within 10 minutes. Coloured from"
                f" {SLOW_QUERIES_MAX.text} on.",
                badged(
                    f"({told}\nor on (backend)\n{queries.slow_operations()})",
                    m.DATABASE_SLOW_QUERIES,
                    over=beyond(
                        f"({now}\nor on (backend)\n{queries.slow_operations(AT_END)})", SLOW_QUERIES
                    ),
                ),
                unit="short",
                decimals=0,
                rising=Rising.BAD,
                limit=SLOW_QUERIES_MAX.value,
            ),
            runbook(links, SLOW_QUERIES),
        ),
        answers.banner(5, endpoints.DATABASE, endpoints.POOL, endpoints.PERFORMANCE, size=(5, 5)),
    ]


def _reached() -> Panel:
    up = f"3 * {worst(recent(m.DATABASE_UP), 'backend')}"
    answers_ = worst(
        recent(own.ENDPOINT_SUCCESS, f'endpoint="{endpoints.DATABASE.name}"'), "backend"
    )
    return single(
        1,
        "Reachability",
        "Whether the backend reaches its database; of several backends the worst. A designed"
        " backend does not say: then, whether the API answers about its database at all. Not"
        " reached: see whether the database runs, then the network between the two.",
        Query(expr=f"min({up}\nor on (backend)\n1 + {answers_})"),
        states={
            0: ("✖ not reached", BAD),
            1: ("○ no answer", IDLE),
            2: ("✔ answers", GOOD),
            3: ("✔ reached", GOOD),
        },
        size=(4, 5),
    )
