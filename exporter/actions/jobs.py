"""The ingestion jobs that the exporter tells of: the state that is checked before an action."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions.model import Field, InputError
from exporter.actions.repository import LENGTH_MAX, canonical
from exporter.catalogue import metrics as m

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.actions.model import Readings
    from exporter.settings import ActionsSettings

OPEN: Final = frozenset(("pending", "processing"))
_ID: Final = "job_id"
_ID_MAX: Final = 128  # a label's length
# How the exporter ends a label that it has cut.
_CUT: Final = re.compile(r".{119}~[0-9a-f]{8}", re.DOTALL)

FIELDS: Final = (
    Field(
        name=_ID,
        title="Job",
        hint="The id of a job, as the list of jobs shows it.",
        required=False,
        limit=_ID_MAX,
    ),
    Field(
        name="repository",
        title="Repository",
        hint="Instead of a job: its newest one is meant.",
        placeholder="github.com/owner/name",
        required=False,
        limit=LENGTH_MAX,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    An ingestion job.

    Attributes:
        repository: As host/path.
        status: pending, processing, completed, failed or skipped.
        started_at: Unix seconds; infinite for one that has not started: it is the newest.
    """

    id: str
    repository: str
    status: str
    started_at: float = math.inf

    @property
    def nameless(self) -> bool:
        """Whether the API knows the job by another id than the exporter, or by none."""
        digest = hashlib.sha256(self.repository.encode("utf-8", "replace")).hexdigest()
        return self.id == digest[:12] or _CUT.fullmatch(self.id) is not None

    @property
    def cut(self) -> bool:
        """Whether the name of the repository was too long for a label."""
        return _CUT.fullmatch(self.repository) is not None


class JobProblem(Exception):  # noqa: N818 - the state of a backend, not a mistake
    """Raised when no job is meant that an action could have; the text says why."""


def clean(raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
    """Return the job's id or the repository, whichever is given; InputError without either."""
    job_id = raw.get("job_id", "").strip()
    if not job_id:
        repository = raw.get("repository", "")
        if not repository.strip():
            raise InputError(_ID, "Write the id of a job, or a repository.")
        return {"repository": canonical(repository, settings.ingest.hosts, name="repository")}
    # A path's own words, even when they are percent-encoded.
    if len(job_id) > _ID_MAX or not job_id.isprintable() or job_id in {".", ".."}:
        text = f"Write the id of a job as the list of jobs shows it: at most {_ID_MAX} characters."
        raise InputError(_ID, text)
    return {"job_id": job_id}


def known(readings: Readings) -> list[Job] | None:
    """Return the jobs, the newest first; None when nothing is known of any."""
    if readings.value(m.INGESTION_JOBS.name, status="failed") is None:
        return None
    started = {
        labels.get("job_id", ""): value
        for labels, value in readings.samples(m.INGESTION_JOB_STARTED.name)
    }
    jobs = [
        Job(
            id=labels["job_id"],
            repository=labels["repository"],
            status=labels["status"],
            started_at=started.get(labels["job_id"], math.inf),
        )
        for labels, _ in readings.samples(m.INGESTION_JOB_INFO.name)
        if {"job_id", "repository", "status"} <= labels.keys()
    ]
    return sorted(jobs, key=lambda job: job.started_at, reverse=True)


def meant(readings: Readings, parameters: Mapping[str, str]) -> tuple[Job, list[Job]]:
    """
    Return the job that *parameters* mean, and all jobs of its repository, the newest first.

    Raises:
        JobProblem: If it is not known.
    """
    jobs = known(readings)
    if jobs is None:
        why = readings.problem or "the exporter has no job history of this backend"
        message = f"The state of the job is not known ({why}), and without it nothing is done."
        raise JobProblem(message)
    job_id, repository = parameters.get("job_id"), parameters.get("repository")
    found = [job for job in jobs if job_id == job.id or (repository == job.repository)]
    if not found:
        what = f"job {job_id}" if job_id else f"job of {repository}"
        message = f"The exporter knows no {what}: it tells of the latest jobs only."
        raise JobProblem(message)
    return found[0], [job for job in jobs if job.repository == found[0].repository]
