"""What an action may be for: jobs that it fits, repositories ingested before, backends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions import jobs
from exporter.catalogue import actions
from exporter.service.pages import marks
from exporter.service.pages.moments import moment, moment_or_none

if TYPE_CHECKING:
    from exporter.actions.model import Readings
    from exporter.service.pages.marks import Mark
    from exporter.service.pages.moments import Moment
    from exporter.service.visits import Visit

# The design's list of recent ingestions.
_RECENT: Final = 5
_OFFERED: Final = 10
_UNKNOWN: Final = "Not known at the moment."
# Title and states.
_FITTING: Final = {
    actions.RETRY_JOB.slug: ("Failed jobs", ("failed",)),
    actions.CANCEL_JOB.slug: ("Jobs that have not ended", ("pending", "processing")),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """
    Something to choose, or that was chosen before.

    Attributes:
        url: Where choosing it leads; empty where there is nothing to choose.
    """

    text: str
    mark: Mark
    at: Moment | None = None
    note: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """
    A list beside the form.

    Attributes:
        empty: What is said when there is nothing in it.
    """

    title: str
    rows: tuple[Choice, ...]
    empty: str


async def beside(visit: Visit, slug: str, backend: str, readings: Readings) -> list[Choices]:
    """Return the lists beside the form of an action."""
    if slug == actions.INGEST.slug:
        return [_recent(visit, readings), await _asked(visit, backend)]
    if slug in _FITTING:
        return [_fitting(visit, slug, backend, readings)]
    return []


def _fitting(visit: Visit, slug: str, backend: str, readings: Readings) -> Choices:
    title, wanted = _FITTING[slug]
    path = actions.RETRY_JOB.path if slug == actions.RETRY_JOB.slug else actions.CANCEL_JOB.path
    found = [job for job in jobs.known(readings) or [] if job.status in wanted]
    rows = tuple(
        _job(visit, job, visit.url(path, job_id=job.id, backend=backend))
        for job in found[:_OFFERED]
    )
    return Choices(
        title=title,
        rows=rows,
        empty=_UNKNOWN if jobs.known(readings) is None else "There is none.",
    )


def _recent(visit: Visit, readings: Readings) -> Choices:
    known = jobs.known(readings)
    return Choices(
        title="Last five ingestions",
        rows=tuple(_job(visit, job) for job in (known or [])[:_RECENT]),
        empty=_UNKNOWN if known is None else "There has been none.",
    )


async def _asked(visit: Visit, backend: str) -> Choices:
    now = visit.runtime.wall()
    slug = actions.INGEST.slug
    records = await visit.runtime.performer.records(4 * _RECENT, action=slug)
    mine = [record for record in records if record.parameters.get("backend") == backend]
    return Choices(
        title="Asked for here",
        rows=tuple(
            Choice(
                text=str(record.parameters.get("repo_url", "")),
                mark=marks.outcome(record.state),
                at=moment(record.at, now),
                note=f"by {record.who}",
                url=visit.url(f"{actions.AUDIT.path}/{record.id}"),
            )
            for record in mine[:_RECENT]
        ),
        empty="Nobody has asked for one here.",
    )


def _job(visit: Visit, job: jobs.Job, url: str = "") -> Choice:
    started = job.started_at if math.isfinite(job.started_at) else None
    return Choice(
        text=job.repository,
        mark=marks.job(job.status),
        at=moment_or_none(started, visit.runtime.wall()),
        note="" if started else "not started",
        url=url,
    )
