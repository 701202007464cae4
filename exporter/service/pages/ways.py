"""Where a page leads on to: our own pages, and Grafana at the configured address alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.links import Links

if TYPE_CHECKING:
    from exporter.catalogue.actions import Route
    from exporter.catalogue.dashboards import Dashboard
    from exporter.service.visits import Visit

# Where the effect of an action shows.
_SHOWN_ON: Final = {
    actions.INGEST.slug: dashboards.INGESTION,
    actions.RETRY_JOB.slug: dashboards.INGESTION,
    actions.CANCEL_JOB.slug: dashboards.INGESTION,
    actions.CLEAR_CACHE.slug: dashboards.CACHE,
    actions.GENERATE_SPARSE_EMBEDDINGS.slug: dashboards.MODELS,
}
_ON_JOBS: Final = frozenset((actions.INGEST.slug, actions.RETRY_JOB.slug, actions.CANCEL_JOB.slug))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    A link.

    Attributes:
        outside: It leads away from this service.
    """

    text: str
    url: str
    outside: bool = False


def grafana(visit: Visit, dashboard: Dashboard, backend: str = "") -> Way:
    """Lead to a dashboard, of that backend alone."""
    links = Links.of(visit.runtime.settings)
    url = (
        links.dashboard(dashboard, None, backend=backend) if backend else links.dashboard(dashboard)
    )
    return Way(text=f"{dashboard.title} in Grafana", url=url, outside=True)


def page(visit: Visit, route: Route, text: str = "", **query: str) -> Way:
    """Lead to a page of ours."""
    given = {name: value for name, value in query.items() if value}
    return Way(text=text or route.title, url=visit.url(route.path, **given))


def of_action(visit: Visit, slug: str, backend: str) -> list[Way]:
    """Lead to where the effect of an action shows, and to who did it before."""
    ways = [page(visit, actions.JOBS, "All jobs", backend=backend)] if slug in _ON_JOBS else []
    dashboard = _SHOWN_ON.get(slug, dashboards.OVERVIEW)
    return [
        *ways,
        grafana(visit, dashboard, backend),
        page(visit, actions.AUDIT, "Earlier runs", action=slug),
    ]
