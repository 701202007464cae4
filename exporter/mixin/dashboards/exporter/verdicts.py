"""The verdict on each endpoint, now and over time, and what its answers lacked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import EXPORTER_HISTORY, EXPORTER_VERDICTS
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.catalogue.verdicts import Verdict
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.panels import row, timeline
from exporter.mixin.parts import Query
from exporter.mixin.promql import rate, recent, series, state_number, total, worst
from exporter.mixin.readings import VERDICTS

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

    from exporter.catalogue.model import Metric

BY: Final = ("backend", "endpoint")
EACH: Final = "{{endpoint}} · {{backend}}"
# What a backend does not offer is asked for every 10 minutes only; its age says nothing.
_NOT_OFFERED: Final = recent(own.ENDPOINT_STATUS, f'status="{Verdict.NOT_OFFERED}"')
AGE: Final = f"""\
time() - {worst(recent(own.ENDPOINT_LAST_SUCCESS), *BY)}
unless on (backend, endpoint)
{_NOT_OFFERED} == 1"""


def of_each(metric: Metric) -> Query:
    """Ask for *metric* of each endpoint."""
    return Query(expr=worst(recent(metric), *BY), legend=EACH)


def panels() -> list[m.Panel]:
    """Return the verdicts as a table and over time."""
    return [
        grid(
            EXPORTER_VERDICTS.id,
            EXPORTER_VERDICTS.title,
            "What the exporter says of each endpoint's last answer. A failing endpoint has no"
            " metrics until it answers again; the exporter's own page says more about why.",
            Column(title="Endpoint", label="endpoint", least=125),
            Column(title="Verdict", expr=state_number(own.ENDPOINT_STATUS, *BY), states=VERDICTS),
            Column(title="Last usable", expr=AGE, unit="s", decimals=0, limit=DATA_AGE_MAX),
            Column(title="Took", expr=worst(recent(own.ENDPOINT_DURATION), *BY), unit="s"),
            Column(title="Asked every", expr=worst(recent(own.ENDPOINT_INTERVAL), *BY), unit="s"),
            Column(
                title="Failed in range",
                expr=total(f"increase({series(own.ENDPOINT_FAILURES)}[$__range])", *BY),
                decimals=0,
            ),
            Column(title="Fields missing", expr=worst(recent(own.ENDPOINT_MISSING_FIELDS), *BY)),
            Column(title="Fields unknown", expr=worst(recent(own.ENDPOINT_UNKNOWN_FIELDS), *BY)),
            Column(title="Backend", label="backend", width=80),
        ),
        timeline(
            EXPORTER_HISTORY.id,
            EXPORTER_HISTORY.title,
            "The same over time. One endpoint alone: its own fault. All at once: the backend or"
            " the way to it. A gap: Prometheus did not reach the exporter.",
            Query(expr=state_number(own.ENDPOINT_STATUS, *BY), legend=EACH),
            VERDICTS,
        ),
    ]


def contents() -> m.RowPanel:
    """Return the row with what is missing, unknown, dropped or has fallen."""
    return row(
        20,
        "Contents: what the answers lacked, and what was left out",
        graph(
            21,
            "Fields missing",
            "Fields that the last usable answer lacked or had with a wrong type; their metrics are"
            " absent. More than before: the backend changed. ops-exporter check-api names them."
            " Red regions: an alert fired.",
            of_each(own.ENDPOINT_MISSING_FIELDS),
            unit="short",
        ),
        graph(
            22,
            "Fields unknown",
            "Fields that the exporter neither reads nor ignores knowingly: the backend offers"
            " something new. ops-exporter check-api names them.",
            of_each(own.ENDPOINT_UNKNOWN_FIELDS),
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
