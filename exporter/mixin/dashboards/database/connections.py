"""The connections of the pool: in use, waiting, and how many there may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import DATABASE_POOL
from exporter.catalogue.rules.infrastructure import DATABASE_POOL_SATURATED
from exporter.catalogue.thresholds import POOL_USAGE_MAX
from exporter.mixin.cards import Item, bars
from exporter.mixin.charts import Line, limit_of, lines, marks
from exporter.mixin.dashboards.database.queries import ANOMALIES
from exporter.mixin.leads import linked, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY
from exporter.mixin.promql import anomalous, known, recent, worst

if TYPE_CHECKING:
    from collections.abc import Callable

    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.links import Links


def section(links: Links) -> RowPanel:
    """Return the row with the connections."""
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
        linked(pool, runbook(links, DATABASE_POOL_SATURATED), ANOMALIES),
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
