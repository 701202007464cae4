"""
The identity of every dashboard, and of the panels that something links to.

Links in notifications, bookmarks and wikis hold these ids: they never change.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_UID: Final = re.compile(r"ops-[a-z]{1,36}")  # Grafana allows 40 characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A dashboard; *purpose* is a sentence that says what it shows."""

    uid: str
    title: str
    purpose: str

    def __post_init__(self) -> None:
        if not _UID.fullmatch(self.uid):
            message = f"{self.uid}: must be ops- and lower-case letters"
            raise ValueError(message)
        if not self.purpose.endswith("."):
            message = f"{self.uid}: purpose is a sentence and ends with a full stop"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel that something outside its dashboard links to."""

    dashboard: Dashboard
    id: int
    title: str


OVERVIEW: Final = Dashboard(
    uid="ops-overview",
    title="System Operations",
    purpose="The whole product at a glance, and what is wrong with it now.",
)
MODULE: Final = Dashboard(
    uid="ops-module", title="Module", purpose="One module: status, response time and errors."
)
DATABASE: Final = Dashboard(
    uid="ops-database", title="Database", purpose="Connections, queries and tables."
)
EVENTS: Final = Dashboard(
    uid="ops-events", title="Event bus", purpose="Events, their latency and failed deliveries."
)
CACHE: Final = Dashboard(
    uid="ops-cache", title="Cache", purpose="Hits, size, evictions and the most used keys."
)
INGESTION: Final = Dashboard(
    uid="ops-ingestion",
    title="Ingestion and workers",
    purpose="The queue, ingestion jobs and the workers that run them.",
)
MODELS: Final = Dashboard(
    uid="ops-models", title="ML models", purpose="Models: loaded, how fast, how often wrong."
)
ENGAGEMENT: Final = Dashboard(
    uid="ops-engagement",
    title="Engagement",
    purpose="What users do, and how good recommendations are.",
)
ALERTS: Final = Dashboard(
    uid="ops-alerts",
    title="Alerts and history",
    purpose="Alerts that fire, that fired, and who has taken them on.",
)
ANOMALIES: Final = Dashboard(
    uid="ops-anomalies",
    title="Anomalies",
    purpose="Each watched series with the band that was expected of it.",
)
EXPORTER: Final = Dashboard(
    uid="ops-exporter",
    title="Exporter",
    purpose="How far the numbers on the other dashboards can be trusted: the verdict on each"
    " endpoint of the monitoring API, and what asking costs.",
)

DASHBOARDS: Final = tuple(v for v in list(globals().values()) if isinstance(v, Dashboard))

EXPORTER_SCRAPED: Final = Panel(dashboard=EXPORTER, id=1, title="Exporter")
EXPORTER_API: Final = Panel(dashboard=EXPORTER, id=2, title="Monitoring API")
EXPORTER_VERDICTS: Final = Panel(dashboard=EXPORTER, id=7, title="Verdict on each endpoint")
EXPORTER_HISTORY: Final = Panel(dashboard=EXPORTER, id=8, title="Verdicts over time")
ANOMALIES_SERIES: Final = Panel(dashboard=ANOMALIES, id=1, title="Series and expected band")

PANELS: Final = tuple(v for v in list(globals().values()) if isinstance(v, Panel))
