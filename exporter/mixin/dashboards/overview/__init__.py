"""The dashboard *System Operations*: is the product healthy, and what is wrong with it now?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import metrics
from exporter.catalogue.dashboards import (
    OVERVIEW,
    OVERVIEW_ERROR_RATE,
    OVERVIEW_RESPONSE_TIME,
)
from exporter.catalogue.rules.performance import ERROR_RATE, RESPONSE_TIME_HIGH
from exporter.catalogue.rules.workers import BACKLOG
from exporter.mixin import frame
from exporter.mixin.dashboards.overview import (
    health,
    infrastructure,
    modules,
    now,
    users,
    work,
)
from exporter.mixin.promql import anomalous

if TYPE_CHECKING:
    from grafana_foundation_sdk.models import dashboard as m

    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    rows: list[m.Panel | m.RowPanel] = [
        *now.panels(links),
        *health.panels(links),
        modules.section(links),
        infrastructure.section(links),
        work.ingestion(links),
        work.models(),
        users.engagement(),
        users.operations(links),
    ]
    by = ("backend", "metric", "kind")
    return frame.dashboard(
        OVERVIEW,
        links,
        rows,
        layers=[
            frame.fired("Alerts: response time", RESPONSE_TIME_HIGH),
            frame.fired("Alerts: errors", ERROR_RATE),
            frame.fired("Alerts: queue", BACKLOG, on=[work.QUEUE]),
            frame.layer(
                "Unusual response time",
                anomalous(metrics.API_RESPONSE_TIME, by=by),
                OVERVIEW_RESPONSE_TIME.id,
            ),
            frame.layer(
                "Unusual error rate",
                anomalous(metrics.API_ERROR_RATIO, by=by),
                OVERVIEW_ERROR_RATE.id,
            ),
        ],
        variables=[frame.choice("status", "Modules", ("healthy", "degraded", "down"))],
    )
