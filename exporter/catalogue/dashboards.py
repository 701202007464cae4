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


def _panel(dashboard: Dashboard, number: int, title: str) -> Panel:
    return Panel(dashboard=dashboard, id=number, title=title)


OVERVIEW_STATUS: Final = _panel(OVERVIEW, 10, "System status")
OVERVIEW_RESPONSE_TIME: Final = _panel(OVERVIEW, 30, "Response time of the API")
OVERVIEW_ERROR_RATE: Final = _panel(OVERVIEW, 31, "Failed requests")
MODULE_STATUS: Final = _panel(MODULE, 1, "Status")
MODULE_RESPONSE_TIME: Final = _panel(MODULE, 10, "Response time")
MODULE_ERRORS: Final = _panel(MODULE, 11, "Errors")
DATABASE_POOL: Final = _panel(DATABASE, 10, "Connection pool")
DATABASE_QUERIES: Final = _panel(DATABASE, 11, "Slow queries")
EVENTS_LATENCY: Final = _panel(EVENTS, 10, "Time to emit an event")
EVENTS_FAILED: Final = _panel(EVENTS, 11, "Failed deliveries")
CACHE_HIT_RATIO: Final = _panel(CACHE, 10, "Hit rate")
INGESTION_QUEUE: Final = _panel(INGESTION, 10, "Queue length")
INGESTION_WORKERS: Final = _panel(INGESTION, 11, "Worker health")
INGESTION_HEARTBEATS: Final = _panel(INGESTION, 12, "Workers and their heartbeat")
INGESTION_JOBS: Final = _panel(INGESTION, 20, "Jobs")
MODELS_LOADED: Final = _panel(MODELS, 1, "Models")
MODELS_ERRORS: Final = _panel(MODELS, 11, "Failed inferences")
ALERTS_FIRING: Final = _panel(ALERTS, 1, "Alerts that fire")
ALERTS_SERVICE: Final = _panel(ALERTS, 20, "Action service")
ANOMALIES_SERIES: Final = _panel(ANOMALIES, 1, "Series and expected band")
EXPORTER_SCRAPED: Final = _panel(EXPORTER, 1, "Exporter")
EXPORTER_API: Final = _panel(EXPORTER, 2, "Monitoring API")
EXPORTER_CONFIGURATION: Final = _panel(EXPORTER, 5, "Configuration")
EXPORTER_VERDICTS: Final = _panel(EXPORTER, 7, "Verdict on each endpoint")
EXPORTER_HISTORY: Final = _panel(EXPORTER, 8, "Verdicts over time")
EXPORTER_AGE: Final = _panel(EXPORTER, 14, "Age of the last usable answer")
EXPORTER_FIELDS: Final = _panel(EXPORTER, 21, "Fields missing")
EXPORTER_RESETS: Final = _panel(EXPORTER, 24, "Counters that fell")

PANELS: Final = tuple(v for v in list(globals().values()) if isinstance(v, Panel))
