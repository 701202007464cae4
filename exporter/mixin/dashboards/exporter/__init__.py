"""The dashboard *Exporter*: can the numbers on the other dashboards be trusted?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.dashboards import EXPORTER, EXPORTER_API, EXPORTER_SCRAPED
from exporter.catalogue.rules.monitoring import (
    API_DOWN,
    COUNTERS_UNSTEADY,
    DATA_STALE,
    ENDPOINT_FAILING,
    SCHEMA_DRIFT,
    UNAUTHORIZED,
)
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.mixin import frame
from exporter.mixin.dashboards.exporter import cost, verdicts
from exporter.mixin.parts import Query
from exporter.mixin.promql import recent, series, total, worst
from exporter.mixin.readings import yes_no
from exporter.mixin.stats import single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

    from exporter.links import Links

_FAILING: Final = f"sum(1 - {worst(recent(own.ENDPOINT_SUCCESS), *verdicts.BY)})"


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    rows: list[m.Panel | m.RowPanel] = [
        *_now(),
        *verdicts.panels(),
        cost.of_backend(),
        verdicts.contents(),
        cost.of_exporter(),
    ]
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
            Query(expr=f"max({verdicts.AGE})"),
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
