"""Cancel a job that has not ended, where the backend has a path for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.actions import jobs
from exporter.actions.model import Confirmation, Field, Outcome, Site, State
from exporter.actions.repository import segment
from exporter.actions.words import NOT_OFFERED, outcome, plain
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.settings import ActionsSettings

_NOT_OFFERED: Final = (
    "This is not offered by this backend. If it has a path that cancels a job, set"
    " actions.cancel_job.path."
)
_GONE: Final = "The backend knows no such job any more, or has no such path."


class CancelJob:
    """Ends a job that waits or is being processed."""

    route = actions.CANCEL_JOB
    button = "Cancel the job"
    background = False
    fields: tuple[Field, ...] = jobs.FIELDS

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return the job's id or the repository; InputError without either."""
        return jobs.clean(raw, settings)

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say which job ends, or why it does not."""
        undo = "What it had done is lost; the repository can be ingested again."
        try:
            job, _ = jobs.meant(site.readings, _open_first(site, parameters))
        except jobs.JobProblem as problem:
            return Confirmation(
                will="A job that has not ended will be cancelled.",
                undo=undo,
                target=parameters.get("job_id") or parameters["repository"],
                refusal=_NOT_OFFERED if site.settings.cancel_job.path is None else f"{problem}",
            )
        return Confirmation(
            will=f"The job {job.id} of {job.repository} will be cancelled.",
            undo=undo,
            target=job.id,
            facts=[("Repository", job.repository), ("State", job.status)],
            refusal=_refusal(site, job),
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Cancel it; the state has been checked by `confirm`."""
        job, _ = jobs.meant(site.readings, _open_first(site, parameters))
        path = site.settings.cancel_job.path or ""

        def done(body: dict[str, Any]) -> Outcome:
            details = {"status": plain(body["status"], 40)} if body.get("status") else {}
            return Outcome(
                state=State.DONE, message=f"The job {job.id} is cancelled.", details=details
            )

        call = site.upstream.post(path.replace("{job_id}", segment(job.id)), {})
        return await outcome(
            call,
            done,
            instead=dict.fromkeys(NOT_OFFERED, _GONE),
            # A cancelled job counts as a failed one: here the word tells of success.
            failures=frozenset(("error",)),
        )


def _open_first(site: Site, parameters: Mapping[str, str]) -> Mapping[str, str]:
    """Return the id of the only job of the repository that has not ended, if there is one."""
    repository = parameters.get("repository")
    every = jobs.known(site.readings) or []
    found = [job for job in every if job.repository == repository and job.status in jobs.OPEN]
    if len(found) > 1:
        message = f"{len(found)} jobs of {repository} have not ended: name one by its id."
        raise jobs.JobProblem(message)
    return {"job_id": found[0].id} if found else parameters


def _refusal(site: Site, job: jobs.Job) -> str:
    if site.settings.cancel_job.path is None:
        return _NOT_OFFERED
    if job.status not in jobs.OPEN:
        return f"Only a job that has not ended can be cancelled, and this one is {job.status}."
    if job.nameless:
        return "This backend gives its jobs no ids, so none can be named to it."
    return ""
