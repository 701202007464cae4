"""The dashboard *Cache*: hits, size, evictions and the most used keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import actions, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import CACHE
from exporter.catalogue.dashboards import CACHE_HIT_RATIO as PANEL
from exporter.catalogue.rules.performance import CACHE_HIT_RATE_LOW, CACHE_HIT_RATIO
from exporter.catalogue.thresholds import CACHE_HIT_RATIO_MIN
from exporter.mixin import answers, frame
from exporter.mixin.badges import badged, beyond
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.cache import contents, hits
from exporter.mixin.leads import linked, page, runbook
from exporter.mixin.panels import list_of_leads, text
from exporter.mixin.parts import BLUE, ORANGE, defaults, steps
from exporter.mixin.promql import AT_END, anomalous, known, recorded, worst
from exporter.mixin.stats import Rising, card

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    rows: list[Panel | RowPanel] = [
        *_now(links),
        hits.ratio(links),
        hits.counted(links),
        contents.section(links),
    ]
    unusual = anomalous(m.CACHE_HIT_RATIO, by=("backend", "metric", "kind"))
    return frame.dashboard(
        CACHE,
        links,
        rows,
        layers=[
            frame.fired("Alerts: hit rate", CACHE_HIT_RATE_LOW),
            frame.layer("Unusual hit rate", unusual, PANEL.id),
        ],
    )


def _now(links: Links) -> list[Panel]:
    now = card(
        1,
        "Hit rate now",
        "Share of the lookups that the cache answers: of the last 10 minutes where the backend"
        f" counts them, else as it tells. Coloured below {CACHE_HIT_RATIO_MIN.text}. Green trend:"
        " better than at the start of the shown range.",
        badged(hits.PRESENT, m.CACHE_HIT_RATIO, under=_low()),
        unit="percentunit",
        decimals=1,
        rising=Rising.GOOD,
    )
    defaults(now).thresholds = steps(CACHE_HIT_RATIO_MIN.value, base=ORANGE, above=BLUE)
    traffic = cards(
        2,
        "Traffic and contents",
        "What the backend tells. A designed one: how large the cache is, and how many entries fall"
        " out of it for want of room; a deployed one: how often it is asked, and how many entries"
        " are made invalid. Size at its limit with evictions: the cache is too small.",
        Item(title="size", expr=f"sum({_known(m.CACHE_SIZE)})", unit="decbytes"),
        Item(title="evictions", expr=f"sum({_known(m.CACHE_EVICTIONS)})", unit="cps", decimals=2),
        Item(title="hits", expr=f"sum({hits.flow(m.CACHE_HITS)})", unit="cps", decimals=1),
        Item(title="misses", expr=f"sum({hits.flow(m.CACHE_MISSES)})", unit="cps", decimals=1),
        Item(
            title="invalidations",
            expr=f"60 * sum({hits.flow(m.CACHE_INVALIDATIONS)})",
            unit="cpm",
            decimals=1,
        ),
        size=(9, 5),
        nothing="○ The backend tells nothing of its cache",
    )
    return [
        linked(now, runbook(links, CACHE_HIT_RATE_LOW), hits.ANOMALIES),
        linked(traffic, page(links, actions.CLEAR_CACHE)),
        answers.banner(3, endpoints.CACHE, endpoints.PERFORMANCE, size=(5, 5)),
        text(
            4,
            "Actions",
            "Each opens a page that asks before it acts. After the cache was cleared the product"
            " is slower, until it has filled again.",
            list_of_leads(
                *(
                    page(links, route)
                    for route in (actions.CLEAR_CACHE, actions.REFRESH, actions.AUDIT)
                )
            ),
            (5, 5),
        ),
    ]


def _low() -> str:
    return beyond(f"{recorded(CACHE_HIT_RATIO)}{AT_END}", CACHE_HIT_RATE_LOW, "<")


def _known(metric: Metric) -> str:
    return worst(known(metric), "backend")
