"""Ingestion jobs, and what can be done about each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions import jobs as known_jobs
from exporter.catalogue import dashboards
from exporter.catalogue.actions import CANCEL_JOB, INGEST, JOBS, RETRY_JOB
from exporter.catalogue.metrics import JOB_STATES
from exporter.service.histories import SHOWN_MAX, Job, jobs
from exporter.service.pages import marks
from exporter.service.pages.backends import chosen
from exporter.service.pages.moments import moment_or_none, took
from exporter.service.pages.ways import grafana, page
from exporter.service.visits import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.pages.marks import Mark
    from exporter.service.pages.moments import Moment
    from exporter.service.pages.ways import Way
    from exporter.service.visits import Visit

_QUERY_MAX: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job in the table; *way* is what can be done about it."""

    id: str
    repository: str
    mark: Mark
    started: Moment | None
    took: str
    error: str
    way: Way | None


async def _look(visit: Visit) -> Response:
    site, problem = await chosen(visit)
    history = await jobs(site)
    state = visit.given.get("status", "")
    state = state if state in JOB_STATES else ""
    query = visit.given.get("q", "").strip()[:_QUERY_MAX]
    found = [job for job in history.rows if query.lower() in f"{job.repository} {job.id}".lower()]
    counts = Counter(job.status for job in found)
    shown = [job for job in found if not state or job.status == state]
    more = {"q": query, "backend": visit.given.get("backend", "")}
    return await visit.page(
        "jobs.html",
        400 if problem else 200,
        site=site,
        backends=visit.runtime.performer.sites.backends,
        rows=[_row(visit, job, site.backend) for job in shown],
        # A state that no job is in is offered where it is the one chosen.
        states=[
            (each, marks.job(each), counts[each], page(visit, JOBS, status=each, **more).url)
            for each in JOB_STATES
            if counts[each] or each == state
        ],
        all_url=page(visit, JOBS, **more).url,
        total=len(found),
        state=state,
        q=query,
        limit=SHOWN_MAX,
        problem=problem,
        silence=history.problem,
        cancels=site.settings.cancel_job.path is not None,
        ways=[
            page(visit, INGEST, backend=visit.given.get("backend", "")),
            grafana(visit, dashboards.INGESTION, site.backend),
        ],
    )


def _row(visit: Visit, job: Job, backend: str) -> Row:
    now = visit.runtime.wall()
    return Row(
        id=job.id,
        repository=job.repository,
        mark=marks.job(job.status),
        started=moment_or_none(job.started_at, now),
        took=took(job.duration_s),
        error=job.error,
        way=_way(visit, job, backend),
    )


def _way(visit: Visit, job: Job, backend: str) -> Way | None:
    """Lead to what can be done about a job: the page there asks first."""
    if job.status == "failed":
        return page(visit, RETRY_JOB, "Retry", job_id=job.id, backend=backend)
    offered = visit.runtime.settings.actions.cancel_job.path is not None
    if job.status in known_jobs.OPEN and offered:
        return page(visit, CANCEL_JOB, "Cancel", job_id=job.id, backend=backend)
    return None


PAGES: Final = (Page(path=JOBS.path, look=_look, nav=JOBS.title),)
