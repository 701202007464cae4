"""The dashboard *Cache*: hits, size, evictions and the most used keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import CACHE
from exporter.catalogue.dashboards import CACHE_HIT_RATIO as PANEL
from exporter.catalogue.rules.performance import CACHE_HIT_RATE_LOW, CACHE_HIT_RATIO
from exporter.catalogue.thresholds import CACHE_HIT_RATIO_MIN, LOOKUPS_MIN
from exporter.mixin import answers, frame
from exporter.mixin.badges import badged, beyond
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Line, Style, limit_of, lines, marks, shares
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.panels import list_of_leads, row, text
from exporter.mixin.parts import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Query,
    defaults,
    explained,
    steps,
)
from exporter.mixin.promql import (
    AT_END,
    anomalous,
    known,
    last,
    named,
    rate,
    recent,
    recorded,
    series,
    total,
    worst,
)
from exporter.mixin.stats import Rising, card

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_KEY: Final = ("backend", "key")
_KEYS_SHOWN: Final = 50
_ANOMALIES: Final = detail(dashboards.ANOMALIES)
_TOLD: Final = worst(recent(m.CACHE_HIT_RATIO), "backend")
# What the alert judges, and without enough lookups what the API said last.
_PRESENT: Final = (
    f"({worst(recorded(CACHE_HIT_RATIO), 'backend')}\nor on (backend)\n"
    f"{worst(last(m.CACHE_HIT_RATIO), 'backend')})"
)


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    rows: list[Panel | RowPanel] = [*_now(links), _hit_rate(links), _counted(links), _told(links)]
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
        badged(_PRESENT, m.CACHE_HIT_RATIO, under=_low()),
        unit="percentunit",
        decimals=1,
        rising=Rising.GOOD,
    )
    defaults(now).thresholds = steps(CACHE_HIT_RATIO_MIN.value, base=ORANGE, above=BLUE)
    contents = cards(
        2,
        "Traffic and contents",
        "What the backend tells. A designed one: how large the cache is, and how many entries fall"
        " out of it for want of room; a deployed one: how often it is asked, and how many entries"
        " are made invalid. Size at its limit with evictions: the cache is too small.",
        Item(title="size", expr=f"sum({_known(m.CACHE_SIZE)})", unit="decbytes"),
        Item(title="evictions", expr=f"sum({_known(m.CACHE_EVICTIONS)})", unit="cps", decimals=2),
        Item(title="hits", expr=f"sum({_flow(m.CACHE_HITS)})", unit="cps", decimals=1),
        Item(title="misses", expr=f"sum({_flow(m.CACHE_MISSES)})", unit="cps", decimals=1),
        Item(
            title="invalidations",
            expr=f"60 * sum({_flow(m.CACHE_INVALIDATIONS)})",
            unit="cpm",
            decimals=1,
        ),
        size=(9, 5),
        nothing="○ The backend tells nothing of its cache",
    )
    return [
        linked(now, runbook(links, CACHE_HIT_RATE_LOW), _ANOMALIES),
        linked(contents, page(links, actions.CLEAR_CACHE)),
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


def _flow(metric: Metric) -> str:
    return worst(rate(metric), "backend")


def _hit_rate(links: Links) -> RowPanel:
    over_time = lines(
        PANEL.id,
        PANEL.title,
        "Current: what the alert judges. Of a backend that counts lookups it is the share of the"
        f" last 10 minutes, with {LOOKUPS_MIN.text} lookups or more; of others what they tell,"
        " while there is traffic. As told: the backend's own number, of a deployed one since its"
        " start. Dashed: the threshold in force. Points and violet regions: unusual for this hour."
        " Red regions: an alert fired. Low right after a start or a clearing is right; low for"
        " long: look at evictions and invalidations.",
        Line(title="As told", expr=_TOLD, colour=GREY),
        Line(title="Current", expr=recorded(CACHE_HIT_RATIO), colour=BLUE),
        limit_of(CACHE_HIT_RATE_LOW.name),
        marks(_TOLD, f"{anomalous(m.CACHE_HIT_RATIO)} == 1"),
        unit="percentunit",
        size=(16, 10),
    )
    defaults(over_time).max_val = 1
    ratio = f"avg({_PRESENT})"
    return row(
        9,
        "Hit rate",
        linked(over_time, runbook(links, CACHE_HIT_RATE_LOW), _ANOMALIES),
        linked(
            explained(
                shares(
                    11,
                    "Hits and misses now",
                    "How lookups divide now; of several backends their mean. A miss costs what the"
                    " cache is there to save.",
                    Query(
                        expr=named({"Hits": ratio, "Misses": f"1 - {ratio}"}),
                        legend="{{series}}",
                    ),
                    size=(8, 10),
                    colours={"Hits": GREEN, "Misses": RED},
                    unit="percentunit",
                ),
                "○ There was no lookup yet, or the backend tells nothing of its cache",
            ),
            page(links, actions.CLEAR_CACHE),
        ),
    )


def _counted(links: Links) -> RowPanel:
    lookups = lines(
        20,
        "Hits and misses",
        "Lookups per second: answered by the cache, and not. More misses at the same traffic: what"
        " was in it was cleared, made invalid or never stays for long.",
        Line(title="Hits", expr=_flow(m.CACHE_HITS), colour=GREEN),
        Line(title="Misses", expr=_flow(m.CACHE_MISSES), colour=RED),
        unit="cps",
        size=(12, 9),
        style=Style.BARS,
    )
    invalid = lines(
        21,
        "Invalidations",
        "Entries that are made invalid per minute, because what they hold has changed. Many at"
        " once: an import, or code that throws away too much.",
        Line(title="Invalidations", expr=f"60 * {_flow(m.CACHE_INVALIDATIONS)}", colour=PURPLE),
        unit="cpm",
        size=(12, 9),
    )
    return row(
        19,
        "What a deployed backend counts",
        linked(
            explained(
                lookups, "○ A designed backend tells its hit rate and does not count lookups"
            ),
            runbook(links, CACHE_HIT_RATE_LOW),
        ),
        linked(
            explained(
                invalid, "○ A designed backend does not count invalidations: see its evictions"
            ),
            page(links, actions.EVENTS),
        ),
    )


def _told(links: Links) -> RowPanel:
    clear = page(links, actions.CLEAR_CACHE)
    size = lines(
        30,
        "Size",
        "How large the cache is. It grows until it is full, and stays there: then entries fall out"
        " of it. A fall to nothing: it was cleared or has restarted.",
        Line(title="Size", expr=worst(recent(m.CACHE_SIZE), "backend"), colour=BLUE),
        unit="decbytes",
        size=(12, 9),
    )
    evictions = lines(
        31,
        "Evictions",
        "Entries that fall out per second for want of room. Many, with a falling hit rate: give"
        " the cache more room, or keep fewer or smaller things in it.",
        Line(title="Evictions", expr=worst(recent(m.CACHE_EVICTIONS), "backend"), colour=ORANGE),
        unit="cps",
        size=(12, 9),
    )
    return row(
        29,
        "What a designed backend tells",
        linked(explained(size, "○ A deployed backend does not tell how large its cache is"), clear),
        linked(
            explained(evictions, "○ A deployed backend does not count what falls out of its cache"),
            clear,
        ),
        linked(_keys(), clear),
    )


def _keys() -> Panel:
    hits = worst(known(m.CACHE_KEY_HITS), *_KEY)
    top = f"topk({_KEYS_SHOWN}, {hits})"
    among = f"and on (backend, key)\n{top}"
    return grid(
        32,
        "Most used keys",
        f"The {_KEYS_SHOWN} patterns of keys with the most hits: their share of all that the"
        " backend names, how many hits came within the shown range, and their size. Numbers and ids"
        " in a key are shown as a star. Large with few hits: keep it for a shorter time.",
        Column(title="Key", label="key"),
        Column(title="Hits", expr=top, width=95),
        Column(
            title="More hits",
            expr=f"{worst(f'delta({series(m.CACHE_KEY_HITS)}[$__range])', *_KEY)}\n{among}",
            decimals=0,
            width=95,
        ),
        Column(
            title="Share",
            expr=f"{top}\n/ on (backend) group_left ()\n({total(hits, 'backend')} > 0)",
            unit="percentunit",
            decimals=1,
            full=1,
        ),
        Column(
            title="Size",
            expr=f"{worst(known(m.CACHE_KEY_SIZE), *_KEY)}\n{among}",
            unit="decbytes",
            width=95,
        ),
        Column(title="Backend", label="backend", width=85),
        h=11,
        sort=("Hits",),
        nothing="○ The backend tells of no keys: a deployed one never does",
    )
