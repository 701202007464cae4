"""The endpoints of the monitoring API: path, access, weight and who reads the answer."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.model import Endpoint

HEALTH: Final = Endpoint(
    name="health",
    path="/api/monitoring/health",
    section="health",
    public=True,
    # 2-4 s on the deployed backend, which answers nobody else meanwhile.
    expected_s=3.0,
)
PERFORMANCE: Final = Endpoint(
    name="performance", path="/api/monitoring/performance", section="performance"
)
BACKEND_METRICS: Final = Endpoint(
    name="backend_metrics", path="/metrics", section="backend_metrics", text=True
)
RECOMMENDATIONS: Final = Endpoint(
    name="recommendations",
    path="/api/monitoring/recommendation-quality",
    section="recommendations",
    windowed=True,
)
ENGAGEMENT: Final = Endpoint(
    name="engagement",
    path="/api/monitoring/user-engagement",
    section="engagement",
    windowed=True,
)
DATABASE: Final = Endpoint(name="database", path="/api/monitoring/database", section="database")
POOL: Final = Endpoint(name="pool", path="/api/monitoring/db/pool", section="database")
EVENTS: Final = Endpoint(name="events", path="/api/monitoring/events", section="events")
EVENT_HISTORY: Final = Endpoint(
    name="event_history",
    path="/api/monitoring/events/history",
    section="events",
    query=(("limit", "100"),),
)
CACHE: Final = Endpoint(name="cache", path="/api/monitoring/cache/stats", section="cache")
WORKERS: Final = Endpoint(
    name="workers",
    path="/api/monitoring/workers/status",
    section="workers",
    # 3 s normally, 6 s while its broker is down; it stops the whole backend as well.
    expected_s=4.0,
)
ML: Final = Endpoint(name="ml", path="/api/monitoring/health/ml", section="models", public=True)
MODELS: Final = Endpoint(name="models", path="/api/monitoring/model-health", section="models")
EDGE_WORKER: Final = Endpoint(
    name="edge_worker", path="/api/v1/ingestion/health/worker", section="workers", public=True
)
JOBS: Final = Endpoint(
    name="jobs",
    path="/api/v1/ingestion/jobs/history",
    section="ingestion",
    query=(("limit", "100"),),
    public=True,
)
INGESTION: Final = Endpoint(
    name="ingestion",
    path="/api/v1/ingestion/health",
    section="ingestion",
    public=True,
    usable_statuses=(503,),  # a dependency is down; the body says which
    usable_key="services",
)

# In the order in which tables list them and in which they are first asked.
ENDPOINTS: Final = (
    HEALTH,
    PERFORMANCE,
    BACKEND_METRICS,
    RECOMMENDATIONS,
    ENGAGEMENT,
    DATABASE,
    POOL,
    EVENTS,
    EVENT_HISTORY,
    CACHE,
    WORKERS,
    ML,
    MODELS,
    EDGE_WORKER,
    JOBS,
    INGESTION,
)
BY_NAME: Final = {endpoint.name: endpoint for endpoint in ENDPOINTS}
