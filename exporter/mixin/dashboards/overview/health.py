"""Health at a glance: status, four quick stats, response time and errors, quick actions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models import common as c

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules.performance import (
    ERROR_RATE,
    ERROR_RATIO,
    RESPONSE_TIME,
    RESPONSE_TIME_HIGH,
)
from exporter.mixin import firing
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Line, limit_of, lines, marks, percentiles
from exporter.mixin.leads import detail, linked, page
from exporter.mixin.panels import list_of_leads, text
from exporter.mixin.parts import GOOD, IDLE, RED, Query, override, words
from exporter.mixin.promql import (
    AT_END,
    anomalous,
    last,
    marked,
    recent,
    recorded,
    state_number,
    threshold,
    worst,
)
from exporter.mixin.readings import HEALTH, SEVERITIES, SILENT, WAS
from exporter.mixin.stats import Rising, card, options_of, tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_P95: Final = 'quantile="0.95"'
_PRODUCT: Final = "product"
_BADGE: Final = "{{mark}}"
_OVER: Final = "▲ over threshold"
_ANOMALY: Final = "▲ anomaly"
_USUAL: Final = "✔ usual"
# The actions that a person may want without looking at anything else.
_QUICK: Final = (
    actions.REFRESH,
    actions.CLEAR_CACHE,
    actions.INGEST,
    actions.GENERATE_SPARSE_EMBEDDINGS,
    actions.ALERTS,
    actions.JOBS,
    actions.EVENTS,
    actions.AUDIT,
)


def panels(links: Links) -> list[Panel]:
    """Return status, quick stats, charts and quick actions."""
    return [
        _status(),
        *_quick_stats(),
        _response_time(),
        _error_rate(),
        text(
            32,
            "Actions",
            "Each opens a page that asks before it acts; only then something changes.",
            list_of_leads(*(page(links, route) for route in _QUICK)),
            (5, 7),
        ),
    ]


def _status() -> Panel:
    state = state_number(m.SYSTEM_STATUS, "backend", select=last)
    silent = f"{SILENT} * ({worst(recent(own.UP), 'backend')} == bool 0)"
    known = f"{state}\n+ on (backend)\n({silent} or on (backend) 0 * {state} + {SILENT})"
    product = f'label_replace(max({known}) or vector(0), "rank", "{_PRODUCT}", "", "")'
    panel = tiles(
        dashboards.OVERVIEW_STATUS.id,
        dashboards.OVERVIEW_STATUS.title,
        "What the product says of itself; of several backends the worst. Degraded or down: the"
        " alerts above say what is wrong, the modules below where. Was: it gives no answer now, and"
        " this is what it said last. Below: how many alerts of the worst severity fire that nobody"
        " has acknowledged; a click leads to them.",
        Query(expr=f"{product}\nor\n{firing.worst()}", legend="{{rank}}"),
        size=(5, 5),
    )
    # Not for all tiles: an override would add to these, and the number of alerts is no state.
    said = {0: ("○ not known", IDLE)} | HEALTH | WAS
    override(panel, "byName", _PRODUCT, {"mappings": words(said)})
    options = options_of(panel)
    options.orientation = c.VizOrientation.HORIZONTAL
    options.text = c.VizTextDisplayOptions(title_size=12, value_size=18)
    for rank, (says, colour) in {0: ("✔ no alert", GOOD), **SEVERITIES}.items():
        badge = {
            "displayName": says if rank == 0 else f"{says} alerts",
            "color": {"mode": "fixed", "fixedColor": colour},
            "links": [detail(dashboards.ALERTS).from_value],
        }
        override(panel, "byName", str(rank), badge)
    return linked(panel, detail(dashboards.ALERTS))


def _quick_stats() -> list[Panel]:
    over_time = f"{recorded(RESPONSE_TIME, _P95)}{AT_END} > on () group_left () "
    over_errors = f"{recorded(ERROR_RATIO)}{AT_END} > on () group_left () "
    return [
        card(
            20,
            "Latency P95",
            "The slowest twentieth of requests take this long or longer. Green trend: faster than"
            " at the start of the shown range. The badge says whether this is over the threshold"
            " or unusual for this hour.",
            _badged(
                worst(last(m.API_RESPONSE_TIME, _P95), "backend"),
                (_OVER, over_time + threshold(RESPONSE_TIME_HIGH.name, AT_END)),
                (_ANOMALY, _unusual(m.API_RESPONSE_TIME, _P95)),
            ),
            unit="s",
            rising=Rising.BAD,
            limit=RESPONSE_TIME_HIGH.limit.threshold.value if RESPONSE_TIME_HIGH.limit else None,
        ),
        card(
            21,
            "Requests",
            "Requests that the API serves per second. No more traffic at all is as telling as a"
            " flood; the badge says whether it is unusual for this hour.",
            _badged(
                worst(last(m.API_REQUEST_RATE), "backend"),
                (_ANOMALY, _unusual(m.API_REQUEST_RATE)),
            ),
            unit="reqps",
            rising=Rising.NEITHER,
        ),
        card(
            22,
            "Errors",
            "Share of requests that fail. Green trend: fewer than at the start of the shown range."
            " Over the threshold or unusual: look at the modules and at what changed last.",
            _badged(
                worst(last(m.API_ERROR_RATIO), "backend"),
                (_OVER, over_errors + threshold(ERROR_RATE.name, AT_END)),
                (_ANOMALY, _unusual(m.API_ERROR_RATIO)),
            ),
            unit="percentunit",
            decimals=2,
            rising=Rising.BAD,
            limit=ERROR_RATE.limit.threshold.value if ERROR_RATE.limit else None,
        ),
        linked(
            cards(
                23,
                "Uptime",
                "Time since the backend process started. Short without a deployment: it crashed.",
                Item(
                    title="since the last start",
                    expr=f"min({last(m.UPTIME)})",
                    unit="s",
                    decimals=1,
                ),
                size=(4, 5),
            ),
            detail(dashboards.EXPORTER, dashboards.EXPORTER_RESETS),
        ),
    ]


def _badged(expression: str, *marks_: tuple[str, str]) -> Query:
    return Query(expr=marked(expression, *marks_, usual=_USUAL), legend=_BADGE)


def _unusual(metric: Metric, *matchers: str) -> str:
    return f"{anomalous(metric, *matchers, at=AT_END)} == 1"


def _response_time() -> Panel:
    p50, p95, p99 = percentiles(m.API_RESPONSE_TIME)
    panel = lines(
        dashboards.OVERVIEW_RESPONSE_TIME.id,
        dashboards.OVERVIEW_RESPONSE_TIME.title,
        "Half of the requests are faster than P50 (dotted), 95 of 100 than P95 (solid), 99 than P99"
        " (dots and dashes). Dashed: the threshold in force for P95. Points and violet regions:"
        " unusual for this hour. Red regions: an alert fired. A gap: no usable answer.",
        p50,
        p95,
        p99,
        limit_of(RESPONSE_TIME_HIGH.name),
        marks(p95.expr, f"{anomalous(m.API_RESPONSE_TIME, _P95)} == 1"),
        unit="s",
        size=(12, 7),
        calm=True,
    )
    return linked(panel, detail(dashboards.ANOMALIES), detail(dashboards.MODULE))


def _error_rate() -> Panel:
    ratio = worst(recent(m.API_ERROR_RATIO), "backend")
    panel = lines(
        dashboards.OVERVIEW_ERROR_RATE.id,
        dashboards.OVERVIEW_ERROR_RATE.title,
        "Share of requests that fail. Dashed: the threshold in force. Points and violet regions:"
        " unusual for this hour. Red regions: an alert fired. A step up with a deployment: take it"
        " back.",
        Line(title="Failed", expr=ratio, colour=RED),
        limit_of(ERROR_RATE.name),
        marks(ratio, f"{anomalous(m.API_ERROR_RATIO)} == 1"),
        unit="percentunit",
        size=(7, 7),
        calm=True,
    )
    return linked(panel, detail(dashboards.ANOMALIES), detail(dashboards.MODULE))
