"""The paths of the simulated API and the names by which faults speak of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Dialect(StrEnum):
    """The shape in which the simulated API answers."""

    DESIGNED = "designed"
    DEPLOYED = "deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One path of the API.

    Attributes:
        name: How faults and logs call it.
        public: Needs no token.
        action: Changes something: POST, with the admin token.
        heavy: The deployed backend stands still while it answers this.
        only: Exists in this dialect only; None for both.
    """

    name: str
    path: str
    public: bool = False
    action: bool = False
    heavy: bool = False
    only: Dialect | None = None

    @property
    def method(self) -> str:
        """The only HTTP method that the endpoint answers."""
        return "POST" if self.action else "GET"


_MONITORING: Final = "/api/monitoring"
_INGESTION: Final = "/api/v1/ingestion"
_SPARSE: Final = "/admin/sparse-embeddings/generate"
_DESIGNED: Final = Dialect.DESIGNED
_DEPLOYED: Final = Dialect.DEPLOYED

ENDPOINTS: Final = (
    Endpoint(name="health", path=f"{_MONITORING}/health", public=True, heavy=True),
    Endpoint(name="module", path=f"{_MONITORING}/health/module/{{name}}", public=True),
    Endpoint(name="ml", path=f"{_MONITORING}/health/ml", public=True),
    Endpoint(name="performance", path=f"{_MONITORING}/performance"),
    Endpoint(name="backend_metrics", path="/metrics", only=_DEPLOYED),
    Endpoint(name="recommendations", path=f"{_MONITORING}/recommendation-quality"),
    Endpoint(name="engagement", path=f"{_MONITORING}/user-engagement"),
    Endpoint(name="database", path=f"{_MONITORING}/database"),
    Endpoint(name="pool", path=f"{_MONITORING}/db/pool"),
    Endpoint(name="events", path=f"{_MONITORING}/events"),
    Endpoint(name="event_history", path=f"{_MONITORING}/events/history"),
    Endpoint(name="cache", path=f"{_MONITORING}/cache/stats"),
    Endpoint(name="workers", path=f"{_MONITORING}/workers/status", heavy=True),
    Endpoint(name="models", path=f"{_MONITORING}/model-health"),
    Endpoint(name="worker_status", path=f"{_INGESTION}/worker/status", public=True),
    Endpoint(name="edge_worker", path=f"{_INGESTION}/health/worker", public=True),
    Endpoint(name="jobs", path=f"{_INGESTION}/jobs/history", public=True),
    Endpoint(name="ingestion", path=f"{_INGESTION}/health", public=True),
    Endpoint(name="root_health", path="/health", public=True, only=_DEPLOYED),
    Endpoint(name="ingest", path=f"{_INGESTION}/ingest/{{repo_url:path}}", action=True),
    Endpoint(name="generate", path=_SPARSE, action=True, only=_DESIGNED),
    Endpoint(name="generate", path=f"/api/search{_SPARSE}", action=True, only=_DEPLOYED),
    Endpoint(name="clear_cache", path=f"{_MONITORING}/cache/clear", action=True, only=_DESIGNED),
    Endpoint(
        name="cancel_job", path=f"{_INGESTION}/jobs/{{job_id}}/cancel", action=True, only=_DESIGNED
    ),
)

NAMES: Final = tuple(dict.fromkeys(endpoint.name for endpoint in ENDPOINTS))


def offered(dialect: Dialect) -> tuple[Endpoint, ...]:
    """Return the endpoints that a backend of *dialect* has."""
    return tuple(endpoint for endpoint in ENDPOINTS if endpoint.only in {None, dialect})
