"""How many lookups hit: as a share, and as a deployed backend counts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import CACHE_HIT_RATIO as PANEL
from exporter.catalogue.rules.performance import CACHE_HIT_RATE_LOW, CACHE_HIT_RATIO
from exporter.catalogue.thresholds import LOOKUPS_MIN
from exporter.mixin.charts import Line, Style, limit_of, lines, marks, shares
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, GREY, PURPLE, RED, Query, defaults, explained
from exporter.mixin.promql import anomalous, last, named, rate, recent, recorded, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

ANOMALIES: Final = detail(dashboards.ANOMALIES)
_TOLD: Final = worst(recent(m.CACHE_HIT_RATIO), "backend")
# What the alert judges, and without enough lookups what the API said last.
PRESENT: Final = (
    f"({worst(recorded(CACHE_HIT_RATIO), 'backend')}\nor on (backend)\n"
    f"{worst(last(m.CACHE_HIT_RATIO), 'backend')})"
)


def flow(metric: Metric) -> str:
    """Return how fast a counter grows, for each backend."""
    return worst(rate(metric), "backend")


def ratio(links: Links) -> RowPanel:
    """Return the row with the share of lookups that hit."""
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
    ratio = f"avg({PRESENT})"
    return row(
        9,
        "Hit rate",
        linked(over_time, runbook(links, CACHE_HIT_RATE_LOW), ANOMALIES),
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


def counted(links: Links) -> RowPanel:
    """Return the row with what a deployed backend counts."""
    lookups = lines(
        20,
        "Hits and misses",
        "Lookups per second: answered by the cache, and not. More misses at the same traffic: what"
        " was in it was cleared, made invalid or never stays for long.",
        Line(title="Hits", expr=flow(m.CACHE_HITS), colour=GREEN),
        Line(title="Misses", expr=flow(m.CACHE_MISSES), colour=RED),
        unit="cps",
        size=(12, 9),
        style=Style.BARS,
    )
    invalid = lines(
        21,
        "Invalidations",
        "Entries that are made invalid per minute, because what they hold has changed. Many at"
        " once: an import, or code that throws away too much.",
        Line(title="Invalidations", expr=f"60 * {flow(m.CACHE_INVALIDATIONS)}", colour=PURPLE),
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
