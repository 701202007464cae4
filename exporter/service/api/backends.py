"""What a backend tells of its last jobs and events."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query
from pydantic import Field

from exporter.service import histories
from exporter.service.api import problems, routing
from exporter.service.api.actions import BackendName
from exporter.service.api.callers import Reader, TheRuntime
from exporter.service.api.models import Asked, Told, moment_or_none
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError

router = routing.router("Jobs and events")

JobState = Literal["pending", "processing", "completed", "failed", "skipped"]


class OfJobs(Asked):
    """Which jobs."""

    backend: BackendName = ""
    status: JobState | None = Field(None, description="Only those in this state.")


class OfEvents(Asked):
    """Which events."""

    backend: BackendName = ""
    name: str = Field("", max_length=128, description="Only those of this name.")


class Job(Told):
    """An ingestion job in its newest state."""

    id: str = Field(description="Actions know it by this.")
    repository: str = Field(examples=["github.com/owner/name"])
    status: JobState
    started_at: datetime | None
    duration_s: float | None
    error: str = Field(description="The backend's words; may have several lines.")


class Jobs(Told):
    """The last jobs, the newest first."""

    backend: str
    jobs: tuple[Job, ...] = Field(max_length=histories.SHOWN_MAX)
    problem: str = Field(
        description="Why the backend itself does not tell; then these are what the exporter knows,"
        " without errors. Empty when it tells."
    )


class Event(Told):
    """Something that happened; its data belongs to users and is not told."""

    name: str
    at: datetime | None
    priority: str


class Events(Told):
    """The last events, the newest first."""

    backend: str
    events: tuple[Event, ...] = Field(max_length=histories.SHOWN_MAX)


@router.get("/jobs", summary="Ingestion jobs", responses=documented(problems.NOT_FOUND))
async def list_jobs(given: Annotated[OfJobs, Query()], runtime: TheRuntime, _: Reader) -> Jobs:
    """Return the last 100 ingestion jobs."""
    site = await runtime.performer.sites.site(given.backend)
    history = await histories.jobs(site)
    if history.problem and not history.rows:
        raise ToldError(problems.UNAVAILABLE, f"The backend does not tell: {history.problem}.")
    found = [row for row in history.rows if given.status in {None, row.status}]
    return Jobs.model_validate(
        {
            "backend": site.backend,
            "problem": history.problem,
            "jobs": [
                {
                    "id": row.id,
                    "repository": row.repository,
                    "status": row.status,
                    "started_at": moment_or_none(row.started_at),
                    "duration_s": row.duration_s,
                    "error": row.error,
                }
                for row in found[: histories.SHOWN_MAX]
            ],
        }
    )


@router.get("/events", summary="Events", responses=documented(problems.NOT_FOUND))
async def list_events(
    given: Annotated[OfEvents, Query()], runtime: TheRuntime, _: Reader
) -> Events:
    """Return which of the last 100 events there were, and when."""
    site = await runtime.performer.sites.site(given.backend)
    history = await histories.events(site.upstream)
    if history.problem:
        raise ToldError(problems.UNAVAILABLE, f"The backend does not tell: {history.problem}.")
    return Events(
        backend=site.backend,
        events=tuple(
            Event(name=row.name, at=moment_or_none(row.at), priority=row.priority)
            for row in history.rows
            if given.name in {"", row.name}
        ),
    )
