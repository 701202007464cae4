"""Retry a failed job: its repository is ingested again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.actions import facts, jobs
from exporter.actions.ingest import queue
from exporter.actions.model import Confirmation, Field, InputError, Outcome, Site
from exporter.actions.repository import canonical
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.settings import ActionsSettings


_INGEST: Final = f"“{actions.INGEST.title}”"


class RetryJob:
    """Ingests the repository of a failed job again; of no other job."""

    route = actions.RETRY_JOB
    button = "Retry"
    background = False
    fields: tuple[Field, ...] = jobs.FIELDS

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return the job's id or the repository; InputError without either."""
        return jobs.clean(raw, settings)

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say which repository is ingested again, or why it is not."""
        undo = "It can be cancelled while it waits, where the backend offers that."
        try:
            job, same = jobs.meant(site.readings, parameters)
        except jobs.JobProblem as problem:
            target = parameters.get("repository") or parameters["job_id"]
            return Confirmation(
                will="The repository of a failed job will be ingested again.",
                undo=undo,
                target=target,
                refusal=f"{problem} To ingest a repository whatever its jobs, use {_INGEST}.",
            )
        return Confirmation(
            will=f"{job.repository} will join the queue again; its job {job.id} has {job.status}."
            if job.status == "failed"
            else f"{job.repository} would join the queue again.",
            undo=undo,
            target=job.repository,
            facts=[("Job", job.id), ("State", job.status), *facts.queue(site.readings)],
            refusal=_refusal(site, job, same),
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Ingest it again; the state has been checked by `confirm`."""
        job, _ = jobs.meant(site.readings, parameters)
        return await queue(site, job.repository)


def _refusal(site: Site, job: jobs.Job, same: list[jobs.Job]) -> str:
    """Say why *job* is not retried; *same* are all jobs of its repository."""
    if job.status != "failed":
        return f"Only a failed job is retried, and this one is {job.status}."
    again = next((other for other in same if other.status in jobs.OPEN), None)
    if again is not None:
        return f"The repository is on its way again already: job {again.id} is {again.status}."
    if job.cut:
        return f"The name of the repository is too long to be known whole: use {_INGEST}."
    try:
        canonical(job.repository, site.settings.ingest.hosts)
    except InputError as error:
        return f"The job names {job.repository!r}, which may not be ingested. {error}"
    return ""
