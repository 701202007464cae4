"""The first page: what is wrong now, what can be done about it, what was done last."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions import ACTIONS
from exporter.catalogue import actions, dashboards
from exporter.service.pages import marks, overview, progress
from exporter.service.pages.entries import entry
from exporter.service.pages.ways import grafana
from exporter.service.visits import Page
from exporter.store import episodes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from exporter.service.pages.marks import Mark
    from exporter.service.visits import Visit
    from exporter.settings import ActionsSettings
    from exporter.store.episodes import Episode

_RECENT: Final = 5
_ALERTS: Final = 5
# The gravest first.
_SEVERITIES: Final = ("critical", "warning", "info")
# It fires all the time, so that its absence tells of a broken chain.
_WATCHDOG: Final = "OpsWatchdog"
_SAYS: Final = {
    actions.INGEST.slug: "Put a repository into the queue of the edge worker.",
    actions.RETRY_JOB.slug: "Ingest the repository of a failed job again.",
    actions.CANCEL_JOB.slug: "End a job that waits or is stuck.",
    actions.CLEAR_CACHE.slug: "Empty the cache; it fills again by itself.",
    actions.GENERATE_SPARSE_EMBEDDINGS.slug: "Compute them anew for all resources, for hours.",
    actions.REFRESH.slug: "Ask the backend now instead of at the next turn.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """An action that can be chosen; *mark* says why not, or that it runs."""

    title: str
    url: str
    says: str
    mark: Mark | None


async def _look(visit: Visit) -> Response:
    performer = visit.runtime.performer
    names = performer.sites.backends
    sites = await asyncio.gather(*(performer.sites.site(name) for name in names))
    firing = await visit.runtime.database.read(episodes.firing)
    states = {name: await performer.sparse(name) for name in names}
    now = visit.runtime.wall()
    running = [
        (name, progress.of_sparse(state.running, state, now))
        for name, state in states.items()
        if state.running is not None
    ]
    return await visit.page(
        "start.html",
        backends=[overview.backend(visit, site.backend, site.readings) for site in sites],
        alerts=_alerts(firing),
        counts=_counts(firing),
        tiles=_tiles(visit, running=bool(running)),
        running=running,
        recent=[entry(visit, record) for record in await performer.records(_RECENT)],
        ways=[grafana(visit, board) for board in (dashboards.OVERVIEW, dashboards.ALERTS)],
    )


def _alerts(firing: Sequence[Episode]) -> list[tuple[Mark, str, str]]:
    """Return mark, name and summary of the gravest alerts, the newest of each severity first."""
    known = [episode for episode in firing if episode.name != _WATCHDOG]
    known.sort(key=lambda episode: _rank(episode.severity))
    return [
        (marks.severity(each.severity), each.name, str(each.annotations.get("summary", "")))
        for each in known[:_ALERTS]
    ]


def _counts(firing: Sequence[Episode]) -> list[tuple[Mark, int]]:
    counts = Counter(episode.severity for episode in firing if episode.name != _WATCHDOG)
    return [(marks.severity(word), counts[word]) for word in sorted(counts, key=_rank)]


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)


def _tiles(visit: Visit, *, running: bool) -> list[Tile]:
    settings = visit.runtime.settings.actions
    return [
        Tile(
            title=action.route.title,
            url=visit.url(action.route.path),
            says=_SAYS[action.route.slug],
            mark=_mark(action.route.slug, settings, running=running and action.background),
        )
        for action in ACTIONS
    ]


def _mark(slug: str, settings: ActionsSettings, *, running: bool) -> Mark | None:
    clear = settings.clear_cache
    offered = {
        actions.CANCEL_JOB.slug: settings.cancel_job.path is not None,
        actions.CLEAR_CACHE.slug: clear.path is not None or clear.redis_pattern is not None,
    }
    if not offered.get(slug, True):
        return marks.NOT_OFFERED
    return marks.RUNNING if running else None


PAGES: Final = (Page(path=actions.QUICK_ACTIONS.path, look=_look, nav=actions.QUICK_ACTIONS.title),)
