"""The dashboard *Exporter*: can the numbers on the other dashboards be trusted?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import (
    EXPORTER,
    EXPORTER_API,
    EXPORTER_HISTORY,
    EXPORTER_SCRAPED,
    EXPORTER_VERDICTS,
)
from exporter.catalogue.rules.monitoring import (
    API_DOWN,
    COUNTERS_UNSTEADY,
    DATA_STALE,
    ENDPOINT_FAILING,
    SCHEMA_DRIFT,
    UNAUTHORIZED,
)
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.catalogue.verdicts import Verdict
from exporter.mixin import frame
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.panels import row, timeline
from exporter.mixin.parts import Query
from exporter.mixin.promql import rate, recent, series, state_number, total, worst
from exporter.mixin.readings import VERDICTS, yes_no
from exporter.mixin.stats import single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_BY: Final = ("backend", "endpoint")
_EACH: Final = "{{endpoint}} · {{backend}}"
_REPLICA: Final = "{{instance}} · {{backend}}"

# What a backend does not offer is asked for every 10 minutes only; its age says nothing.
_NOT_OFFERED: Final = recent(own.ENDPOINT_STATUS, f'status="{Verdict.NOT_OFFERED}"')
_AGE: Final = f"""\
time() - {worst(recent(own.ENDPOINT_LAST_SUCCESS), *_BY)}
unless on (backend, endpoint)
{_NOT_OFFERED} == 1"""
_FAILING: Final = f"sum(1 - {worst(recent(own.ENDPOINT_SUCCESS), *_BY)})"


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    rows: list[m.Panel | m.RowPanel] = [*_now(), *_verdicts(), _pace(), _contents(), _cost()]
    return frame.dashboard(
        EXPORTER,
        links,
        rows,
        layers=[
            frame.fired("Alerts: failures", API_DOWN, ENDPOINT_FAILING, UNAUTHORIZED, on=[13]),
            frame.fired("Alerts: age", DATA_STALE),
            frame.fired("Alerts: fields", SCHEMA_DRIFT),
            frame.fired("Alerts: counters", COUNTERS_UNSTEADY),
        ],
    )


def _of_each(metric: Metric) -> Query:
    return Query(expr=worst(recent(metric), *_BY), legend=_EACH)


def _now() -> list[m.Panel]:
    return [
        single(
            EXPORTER_SCRAPED.id,
            EXPORTER_SCRAPED.title,
            "Whether Prometheus reaches the exporter; with replicas, whether it reaches one. Down:"
            " everything below is old. See OpsExporterDown in the runbook.",
            Query(expr=f"min({worst(series('up'), 'backend')})"),
            states=yes_no("scraped", "down"),
        ),
        single(
            EXPORTER_API.id,
            EXPORTER_API.title,
            "Whether the health endpoint gave a usable answer the last time, also one that says"
            " that the product is down. No answer: see OpsMonitoringApiDown in the runbook.",
            Query(expr=f"min({worst(recent(own.UP), 'backend')})"),
            states=yes_no("answers", "no answer"),
        ),
        single(
            3,
            "Endpoints failing",
            "Endpoints whose last answer was not usable: their metrics are absent, those of the"
            " others are not affected. The table below says which and why.",
            Query(expr=_FAILING),
            limit=1,
        ),
        single(
            4,
            "Oldest answer",
            "Time since the last usable answer of the endpoint that has been silent for longest;"
            " one that never gave any does not count. Coloured when it is older than the slowest"
            f" pace, {DATA_AGE_MAX.text}.",
            Query(expr=f"max({_AGE})"),
            unit="s",
            limit=DATA_AGE_MAX.value,
        ),
        single(
            5,
            "Configuration",
            "Whether the last attempt to load the configuration succeeded. Rejected: the one"
            " before it is still in force; ops-exporter check-config names the mistake.",
            Query(expr=f"min({recent(own.CONFIG_RELOAD_SUCCESSFUL)})"),
            states=yes_no("loaded", "rejected"),
        ),
        single(
            6,
            "Version",
            "What is running. Several versions at once are right only during an upgrade.",
            Query(expr=total(recent(own.BUILD_INFO), "version"), legend="{{version}}"),
            by_name=True,
        ),
    ]


def _verdicts() -> list[m.Panel]:
    return [
        grid(
            EXPORTER_VERDICTS.id,
            EXPORTER_VERDICTS.title,
            "What the exporter says of each endpoint's last answer. A failing endpoint has no"
            " metrics until it answers again; the exporter's own page says more about why.",
            Column(title="Endpoint", label="endpoint"),
            Column(title="Backend", label="backend"),
            Column(title="Verdict", expr=state_number(own.ENDPOINT_STATUS, *_BY), states=VERDICTS),
            Column(title="Last usable", expr=_AGE, unit="s", decimals=0, limit=DATA_AGE_MAX),
            Column(title="Took", expr=worst(recent(own.ENDPOINT_DURATION), *_BY), unit="s"),
            Column(title="Asked every", expr=worst(recent(own.ENDPOINT_INTERVAL), *_BY), unit="s"),
            Column(
                title="Failed in range",
                expr=total(f"increase({series(own.ENDPOINT_FAILURES)}[$__range])", *_BY),
                decimals=0,
            ),
            Column(title="Fields missing", expr=worst(recent(own.ENDPOINT_MISSING_FIELDS), *_BY)),
            Column(title="Fields unknown", expr=worst(recent(own.ENDPOINT_UNKNOWN_FIELDS), *_BY)),
        ),
        timeline(
            EXPORTER_HISTORY.id,
            EXPORTER_HISTORY.title,
            "The same over time. One endpoint alone: its own fault. All at once: the backend or"
            " the way to it. A gap: Prometheus did not reach the exporter.",
            Query(expr=state_number(own.ENDPOINT_STATUS, *_BY), legend=_EACH),
            VERDICTS,
        ),
    ]


def _pace() -> m.RowPanel:
    return row(
        9,
        "Pace: what asking costs the backend",
        graph(
            10,
            "Duration of requests",
            "How long each endpoint took to answer. Slow endpoints can stop the whole backend while"
            " they run; the exporter then asks them alone and less often.",
            _of_each(own.ENDPOINT_DURATION),
            unit="s",
            style=Style.LOG,
        ),
        graph(
            11,
            "Pace in force",
            "Time from one request to the next. It grows for slow endpoints, after time-outs and"
            " for what a backend does not offer.",
            _of_each(own.ENDPOINT_INTERVAL),
            unit="s",
            style=Style.LOG,
        ),
        graph(
            12,
            "Requests",
            "Requests to the monitoring API, by endpoint; replicas add up. What a backend has to"
            " bear of us.",
            Query(expr=f"60 * {total(rate(own.POLLS), *_BY)}", legend=_EACH),
            unit="cpm",
            style=Style.BARS,
        ),
        graph(
            13,
            "Failures by reason",
            "Requests without a usable answer. refused and timeout: network or backend;"
            " unauthorized: the token; schema and invalid: the backend changed. Red regions: an"
            " alert fired.",
            Query(
                expr=f"60 * {total(rate(own.ENDPOINT_FAILURES), 'backend', 'reason')}",
                legend="{{reason}} · {{backend}}",
            ),
            unit="cpm",
            style=Style.BARS,
        ),
        graph(
            14,
            "Age of the last usable answer",
            "A saw-tooth that falls at each answer. A line that keeps rising is an endpoint whose"
            f" metrics are gone. Dashed: the slowest pace, {DATA_AGE_MAX.text}. Red regions: an"
            " alert fired.",
            Query(expr=_AGE, legend=_EACH),
            unit="s",
            limit=DATA_AGE_MAX,
            size=(24, 9),
        ),
    )


def _contents() -> m.RowPanel:
    return row(
        20,
        "Contents: what the answers lacked, and what was left out",
        graph(
            21,
            "Fields missing",
            "Fields that the last usable answer lacked or had with a wrong type; their metrics are"
            " absent. More than before: the backend changed. ops-exporter check-api names them."
            " Red regions: an alert fired.",
            _of_each(own.ENDPOINT_MISSING_FIELDS),
            unit="short",
        ),
        graph(
            22,
            "Fields unknown",
            "Fields that the exporter neither reads nor ignores knowingly: the backend offers"
            " something new. ops-exporter check-api names them.",
            _of_each(own.ENDPOINT_UNKNOWN_FIELDS),
            unit="short",
        ),
        graph(
            23,
            "Series dropped",
            "Series left out because a metric had more entities than limits.cardinality allows."
            " Raise the limit, or find out what makes so many.",
            Query(
                expr=f"60 * {worst(rate(own.SERIES_DROPPED), 'backend', 'metric')}",
                legend="{{metric}} · {{backend}}",
            ),
            unit="cpm",
            style=Style.BARS,
        ),
        graph(
            24,
            "Counters that fell",
            "One bar: the backend restarted. Again and again: two backend processes take turns, and"
            " rates of these counters are worthless. Red regions: an alert fired.",
            Query(
                expr=f"60 * {worst(rate(own.RESETS_OBSERVED), 'backend', 'metric')}",
                legend="{{metric}} · {{backend}}",
            ),
            unit="cpm",
            style=Style.BARS,
        ),
        collapsed=True,
    )


def _cost() -> m.RowPanel:
    return row(
        30,
        "Cost: the exporter itself",
        graph(
            31,
            "Memory",
            "Resident memory of the exporter. It is flat after the first minutes; steady growth is"
            " a leak: please report it.",
            Query(expr=series("process_resident_memory_bytes"), legend=_REPLICA),
            unit="bytes",
        ),
        graph(
            32,
            "CPU",
            "Share of one core. It rises with the number of scrapers and targets, hardly with the"
            " number of series.",
            Query(expr=rate("process_cpu_seconds_total"), legend=_REPLICA),
            unit="percentunit",
        ),
        graph(
            33,
            "Open files",
            "Files and sockets that the exporter holds open. It must stay far below the limit.",
            Query(expr=series("process_open_fds"), legend=_REPLICA),
            unit="short",
        ),
        graph(
            34,
            "Time since the configuration was loaded",
            "Falls to zero at each start and each successful reload.",
            Query(expr=f"time() - {recent(own.CONFIG_RELOAD_SUCCESS_TIME)}", legend=_REPLICA),
            unit="s",
        ),
        collapsed=True,
    )
