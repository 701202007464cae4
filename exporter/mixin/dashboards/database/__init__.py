"""The dashboard *Database*: connections, queries and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import DATABASE, DATABASE_POOL, DATABASE_QUERIES
from exporter.catalogue.rules.infrastructure import DATABASE_POOL_SATURATED, SLOW_QUERIES
from exporter.catalogue.thresholds import POOL_USAGE_MAX, SLOW_QUERIES_MAX
from exporter.mixin import answers, frame
from exporter.mixin.badges import at_end, badged, beyond
from exporter.mixin.cards import Item, bars
from exporter.mixin.charts import Line, Style, limit_of, lines, marks
from exporter.mixin.dashboards.database import tables
from exporter.mixin.leads import detail, linked, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import (
    BAD,
    BLUE,
    GOOD,
    GREEN,
    GREY,
    IDLE,
    ORANGE,
    PURPLE,
    Query,
    explained,
)
from exporter.mixin.promql import AT_END, anomalous, known, last, recent, series, total, worst
from exporter.mixin.stats import Rising, card, single

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_NO_DURATIONS: Final = "○ A deployed backend tells no durations of queries: see Slow queries"
_ANOMALIES: Final = detail(dashboards.ANOMALIES)
_SLOW_QUERIES: Final = worst(recent(m.DATABASE_SLOW_QUERIES), "backend")


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    by = ("backend", "metric", "kind")
    rows: list[Panel | RowPanel] = [
        *_now(links),
        _connections(links),
        _queries(links),
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


def _slow_operations(at: str = "") -> str:
    """Count as the alert does: a deployed backend has but a counter of slow operations."""
    grown = f"increase({series(m.SLOW_OPERATIONS)}[10m]{at})"
    return f"floor({worst(total(grown, 'backend', 'instance'), 'backend')})"


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
            _ANOMALIES,
        ),
        linked(
            card(
                4,
                "Slow queries now",
                "Queries over 100 ms in the API's own window; of a deployed backend the operations"
                " that it counted as slow within 10 minutes. Coloured from"
                f" {SLOW_QUERIES_MAX.text} on.",
                badged(
                    f"({told}\nor on (backend)\n{_slow_operations()})",
                    m.DATABASE_SLOW_QUERIES,
                    over=beyond(
                        f"({now}\nor on (backend)\n{_slow_operations(AT_END)})", SLOW_QUERIES
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


def _connections(links: Links) -> RowPanel:
    usage = worst(recent(m.DATABASE_POOL_USAGE), "backend")
    pool = lines(
        DATABASE_POOL.id,
        DATABASE_POOL.title,
        "Share of the connections in use. Dashed: the threshold in force. Points and violet"
        " regions: unusual for this hour. Red regions: an alert fired. At 100 % requests wait: look"
        " for slow queries and for code that keeps connections before you enlarge the pool.",
        Line(title="In use", expr=usage, colour=BLUE),
        limit_of(DATABASE_POOL_SATURATED.name),
        marks(usage, f"{anomalous(m.DATABASE_POOL_USAGE)} == 1"),
        unit="percentunit",
        size=(12, 9),
    )
    return row(
        9,
        "Connections",
        linked(pool, runbook(links, DATABASE_POOL_SATURATED), _ANOMALIES),
        lines(
            12,
            "Connections over time",
            "Connections in use, those that wait to be used, and how many there may be. In use"
            " near the most there may be: the pool is too small or something holds on to them.",
            Line(title="Active", expr=_state("active", recent), colour=GREEN),
            Line(title="Idle", expr=_state("idle", recent), colour=BLUE),
            Line(
                title="Max", expr=worst(recent(m.DATABASE_CONNECTIONS_MAX), "backend"), colour=GREY
            ),
            unit="short",
            size=(7, 9),
        ),
        bars(
            13,
            "Connections now",
            "The same now, as last told; of several backends the sum, and the"
            f" fullest pool. Used is coloured from {POOL_USAGE_MAX.text} on.",
            Item(title="Active", expr=f"sum({_state('active', known)})", colour=GREEN),
            Item(title="Idle", expr=f"sum({_state('idle', known)})", colour=BLUE),
            Item(
                title="Max",
                expr=f"sum({worst(known(m.DATABASE_CONNECTIONS_MAX), 'backend')})",
                colour=GREY,
            ),
            Item(
                title="Used",
                expr=f"max({known(m.DATABASE_POOL_USAGE)})",
                unit="percentunit",
                decimals=0,
                limit=POOL_USAGE_MAX.value,
                colour=GREEN,
                top=1,
            ),
            size=(5, 9),
        ),
    )


def _state(state: str, select: Callable[..., str]) -> str:
    return worst(select(m.DATABASE_CONNECTIONS, f'state="{state}"'), "backend")


def _queries(links: Links) -> RowPanel:
    mean = worst(recent(m.DATABASE_QUERY_DURATION), "backend")
    slowest = worst(recent(m.DATABASE_SLOWEST_QUERY), "backend")
    durations = lines(
        20,
        "Query durations",
        "The mean of all queries, and the slowest one that the API remembers; ten times as long is"
        " one line higher. Points and violet regions: the mean is unusual for this hour. Only the"
        " slowest rises: one query to mend; the mean too: the database is short of something.",
        Line(title="Mean", expr=mean, colour=BLUE),
        Line(title="Slowest", expr=slowest, colour=ORANGE),
        marks(mean, f"{anomalous(m.DATABASE_QUERY_DURATION)} == 1"),
        unit="s",
        size=(12, 9),
        style=Style.LOG,
    )
    slow = lines(
        DATABASE_QUERIES.id,
        DATABASE_QUERIES.title,
        "Queries over 100 ms in the API's own window. Of a deployed backend: operations that it"
        " counted as slow within the last 10 minutes. Dashed: the threshold in force. Points:"
        " unusual for this hour. Red regions: an alert fired. Find them in the database's own log"
        " of slow queries.",
        Line(title="Slow queries", expr=_SLOW_QUERIES, colour=BLUE),
        Line(title="Slow operations in 10 min", expr=_slow_operations(), colour=PURPLE),
        limit_of(SLOW_QUERIES.name),
        marks(_SLOW_QUERIES, f"{anomalous(m.DATABASE_SLOW_QUERIES)} == 1"),
        unit="short",
        size=(12, 9),
    )
    return row(
        19,
        "Queries",
        linked(slow, runbook(links, SLOW_QUERIES), _ANOMALIES),
        linked(explained(durations, _NO_DURATIONS), _ANOMALIES),
    )
