"""The dashboard *Anomalies*: what each watched series is, and what was expected of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules.anomalies import ACTIVE, ANOMALY
from exporter.mixin import frame
from exporter.mixin.dashboards.anomalies import course, expected, tables
from exporter.mixin.dashboards.anomalies.selection import CHOSEN, SAME, most
from exporter.mixin.leads import detail, linked, runbook
from exporter.mixin.promql import recorded, series, worst

if TYPE_CHECKING:
    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    metric = frame.label_choice("metric", series(own.ANOMALY_READY))
    # All of them, by their names: a pattern would also find what is not watched.
    metric.all_value = None
    by = ("metric", "backend", "kind")
    return frame.dashboard(
        dashboards.ANOMALIES,
        links,
        [
            linked(tables.now(), detail(dashboards.ALERTS), runbook(links, ANOMALY)),
            linked(tables.active(), detail(dashboards.ALERTS), runbook(links, ANOMALY)),
            linked(expected.one_series(), detail(dashboards.OVERVIEW), runbook(links, ANOMALY)),
            expected.places(),
            course.scores(),
            course.zscores(),
            course.kinds(),
            tables.readiness(),
        ],
        layers=[
            frame.layer(
                "Anomalies",
                worst(f"{recorded(ACTIVE, CHOSEN)} and {SAME}\n{most(1)}", *by),
                dashboards.ANOMALIES_SERIES.id,
            )
        ],
        variables=[metric],
    )
