"""How long queries take, and how many are slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import DATABASE_QUERIES
from exporter.catalogue.rules.infrastructure import SLOW_QUERIES
from exporter.mixin.charts import Line, Style, limit_of, lines, marks
from exporter.mixin.leads import detail, linked, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, ORANGE, PURPLE, explained
from exporter.mixin.promql import anomalous, recent, series, total, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.links import Links

_NO_DURATIONS: Final = "○ A deployed backend tells no durations of queries: see Slow queries"
ANOMALIES: Final = detail(dashboards.ANOMALIES)
_SLOW_QUERIES: Final = worst(recent(m.DATABASE_SLOW_QUERIES), "backend")


def slow_operations(at: str = "") -> str:
    """Count as the alert does: a deployed backend has but a counter of slow operations."""
    grown = f"increase({series(m.SLOW_OPERATIONS)}[10m]{at})"
    return f"floor({worst(total(grown, 'backend', 'instance'), 'backend')})"


def section(links: Links) -> RowPanel:
    """Return the row with the queries."""
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
        Line(title="Slow operations in 10 min", expr=slow_operations(), colour=PURPLE),
        limit_of(SLOW_QUERIES.name),
        marks(_SLOW_QUERIES, f"{anomalous(m.DATABASE_SLOW_QUERIES)} == 1"),
        unit="short",
        size=(12, 9),
    )
    return row(
        19,
        "Queries",
        linked(slow, runbook(links, SLOW_QUERIES), ANOMALIES),
        linked(explained(durations, _NO_DURATIONS), ANOMALIES),
    )
