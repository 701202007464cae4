"""What the product stands on: database, event bus and cache, side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.rules.performance import CACHE_HIT_RATIO
from exporter.catalogue.thresholds import (
    EVENT_LATENCY_P95_MAX,
    POOL_USAGE_MAX,
    SLOW_QUERIES_MAX,
)
from exporter.mixin.cards import Item, bars, cards
from exporter.mixin.charts import Style, graph, shares
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY, RED, Query
from exporter.mixin.promql import known, last, named, rate, recorded, series, total, worst
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_DATABASE: Final = detail(dashboards.DATABASE)
_EVENTS: Final = detail(dashboards.EVENTS)
_CACHE: Final = detail(dashboards.CACHE)
_KEYS_SHOWN: Final = 10
_P95: Final = 'quantile="0.95"'


def section(links: Links) -> RowPanel:
    """Return the row with three columns, as the page was designed."""
    clear = page(links, actions.CLEAR_CACHE)
    return row(
        50,
        "Infrastructure: database, event bus, cache",
        linked(_pool(), _DATABASE),
        linked(_bus(), _EVENTS),
        linked(_hit_rate(), _CACHE, clear),
        linked(_queries(), _DATABASE),
        linked(_event_history(), _EVENTS, page(links, actions.EVENTS)),
        linked(_cache(), _CACHE, clear),
        linked(_tables(), _DATABASE),
        linked(_event_types(), _EVENTS),
        linked(_keys(), _CACHE, clear),
    )


def _pool() -> Panel:
    def connections(state: str) -> str:
        chosen = known(m.DATABASE_CONNECTIONS, f'state="{state}"')
        return f"sum({worst(chosen, 'backend')})"

    return bars(
        51,
        "Database: connection pool",
        "Connections in use and waiting, and how many there may be at most. Used:"
        f" coloured from {POOL_USAGE_MAX.text} on; when all are used, requests wait for one.",
        Item(title="Active", expr=connections("active"), colour=GREEN),
        Item(title="Idle", expr=connections("idle"), colour=BLUE),
        Item(title="Max", expr=_summed(m.DATABASE_CONNECTIONS_MAX), colour=GREY),
        Item(
            title="Used",
            expr=f"max({known(m.DATABASE_POOL_USAGE)})",
            unit="percentunit",
            decimals=0,
            limit=POOL_USAGE_MAX.value,
            colour=GREEN,
            top=1,
        ),
        size=(8, 6),
    )


def _queries() -> Panel:
    return cards(
        52,
        "Database: queries",
        f"Mean duration, queries over 100 ms (many: from {SLOW_QUERIES_MAX.text}) and the slowest"
        " one that the API remembers. A deployed backend counts slow operations only.",
        Item(title="mean", expr=f"max({last(m.DATABASE_QUERY_DURATION)})", unit="s"),
        Item(
            title="slow",
            expr=f"max({last(m.DATABASE_SLOW_QUERIES)})",
            limit=SLOW_QUERIES_MAX.value,
        ),
        Item(title="slowest", expr=f"max({last(m.DATABASE_SLOWEST_QUERY)})", unit="s"),
        Item(title="slow operations", expr=f"60 * {_flow(m.SLOW_OPERATIONS)}", unit="cpm"),
        size=(8, 6),
        rising=Rising.BAD,
    )


def _tables() -> Panel:
    by = ("backend", "table")
    return grid(
        53,
        "Database: tables",
        "The largest tables on top: rows and size. Steady growth of one is a retention to set."
        " Empty for a deployed backend: it tells none.",
        Column(title="Table", label="table", least=92),
        Column(title="Rows", expr=worst(known(m.DATABASE_TABLE_ROWS), *by), width=70),
        Column(
            title="Size",
            expr=worst(known(m.DATABASE_TABLE_SIZE), *by),
            unit="decbytes",
            width=70,
        ),
        Column(title="Backend", label="backend", width=80),
        w=8,
        h=8,
        sort=("Size",),
        nothing="○ The backend tells of no tables",
    )


def _bus() -> Panel:
    return cards(
        54,
        "Event bus",
        "Events emitted and received per second (one event can have several handlers), how long"
        " emitting takes (P95), and failed deliveries per minute.",
        Item(title="emitted", expr=_flow(m.EVENTS_EMITTED), unit="cps", decimals=2),
        Item(title="received", expr=_flow(m.EVENTS_RECEIVED), unit="cps", decimals=2),
        Item(
            title="latency P95",
            expr=f"max({last(m.EVENT_LATENCY, _P95)})",
            unit="s",
            limit=EVENT_LATENCY_P95_MAX.value,
        ),
        Item(title="failed", expr=f"60 * {_flow(m.EVENT_DELIVERIES_FAILED)}", unit="cpm"),
        size=(8, 6),
    )


def _event_history() -> Panel:
    return graph(
        55,
        "Event bus: events by type",
        "Events per minute. A type that stays away is a part of the product that stands still."
        " The last 100 events one by one: Last events.",
        Query(
            expr=f"60 * {total(worst(rate(m.EVENTS), 'backend', 'event'), 'event')}",
            legend="{{event}}",
        ),
        unit="cpm",
        style=Style.BARS,
        size=(8, 6),
        calm=True,
    )


def _event_types() -> Panel:
    grown = f"increase({series(m.EVENTS)}[$__range])"
    return shares(
        56,
        "Event bus: types",
        "How the events of the shown range divide by type.",
        Query(expr=f"{total(worst(grown, 'backend', 'event'), 'event')} > 0", legend="{{event}}"),
        size=(8, 8),
        hole=False,
    )


def _hit_rate() -> Panel:
    ratio = f"avg({recorded(CACHE_HIT_RATIO)} or on (backend) {last(m.CACHE_HIT_RATIO)})"
    return shares(
        57,
        "Cache: hit rate",
        "Share of lookups that the cache answers, and that it does not. Low right after it was"
        " cleared or the backend restarted; low for long: look at what is evicted.",
        Query(expr=named({"Hits": ratio, "Misses": f"1 - {ratio}"}), legend="{{series}}"),
        size=(8, 6),
        colours={"Hits": GREEN, "Misses": RED},
        unit="percentunit",
    )


def _cache() -> Panel:
    return cards(
        58,
        "Cache: size and evictions",
        "How large the cache is and how fast entries fall out of it for want of room. A deployed"
        " backend counts what was invalidated instead.",
        Item(title="size", expr=_summed(m.CACHE_SIZE), unit="decbytes"),
        Item(title="evictions", expr=_summed(m.CACHE_EVICTIONS), unit="cps", decimals=2),
        Item(title="invalidations", expr=f"60 * {_flow(m.CACHE_INVALIDATIONS)}", unit="cpm"),
        size=(8, 6),
        rising=Rising.NEITHER,
    )


def _keys() -> Panel:
    by = ("backend", "key")
    hits = worst(known(m.CACHE_KEY_HITS), *by)
    return grid(
        59,
        "Cache: most used keys",
        f"The {_KEYS_SHOWN} patterns of keys with the most hits, and their size. Numbers and ids in"
        " a key are shown as a star. Empty for a deployed backend: it tells none.",
        Column(title="Key", label="key", least=92),
        Column(title="Hits", expr=f"topk({_KEYS_SHOWN}, {hits})", width=70),
        Column(
            title="Size",
            expr=f"{worst(known(m.CACHE_KEY_SIZE), *by)}\nand on (backend, key)"
            f" topk({_KEYS_SHOWN}, {hits})",
            unit="decbytes",
            width=70,
        ),
        Column(title="Backend", label="backend", width=80),
        w=8,
        h=8,
        sort=("Hits",),
        nothing="○ The backend tells of no keys",
    )


def _summed(metric: Metric) -> str:
    return f"sum({worst(known(metric), 'backend')})"


def _flow(metric: Metric) -> str:
    return f"sum({worst(rate(metric), 'backend')})"
