"""Ingestion jobs and the services that ingestion stands on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import AfterValidator, StrictStr

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Dialect
from exporter.collectors.labels import job_id, repository
from exporter.collectors.parts import (
    ENVELOPE,
    LENIENT,
    OPTIONAL,
    Identifier,
    MaybeAmount,
    MaybeText,
    Nested,
    Part,
    Row,
    Text,
    audit,
)
from exporter.collectors.reading import Reading, SchemaError
from exporter.collectors.words import health_state, job_state, unix_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.collectors.reading import Context

_ENDED: Final = frozenset(("completed", "failed", "skipped"))


def _normalised(url: str) -> str:
    if name := repository(url):
        return name
    message = "names no repository"
    raise ValueError(message)


# As host and path; one that is empty or blank names none, and is as bad as a number.
_Repository = Annotated[Annotated[StrictStr, AfterValidator(_normalised)] | None, LENIENT]


class _DesignedJob(Part):
    id: Annotated[Identifier, OPTIONAL] = None
    repo_url: _Repository = None
    status: Text = None
    started_at: MaybeText = None
    duration_seconds: MaybeAmount = None
    ignored: ClassVar[dict[str, str]] = {
        "completed_at": "started + duration",
        "error_message": "free text",
    }


class _DeployedJob(Part):
    repo_url: _Repository = None
    status: Text = None
    timestamp: MaybeText = None
    duration_seconds: MaybeAmount = None
    ignored: ClassVar[dict[str, str]] = {
        "files_processed": "no metric asks for it",
        "embeddings_generated": "no metric asks for it",
        "error": "free text",
        "reason": "free text",
        "age_seconds": "time() - the timestamp",
    }


class _DesignedJobs(Part):
    jobs: Row[_DesignedJob] = None


class _DeployedJobs(Part):
    jobs: Row[_DeployedJob] = None
    ignored: ClassVar[dict[str, str]] = {**ENVELOPE, "count": "of the rows asked for"}


class _Services(Part):
    qdrant: Text = None
    ignored: ClassVar[dict[str, str]] = {"redis": "health has it", "database": "health has it"}


class _Health(Part):
    services: Nested[_Services] = None
    ignored: ClassVar[dict[str, str]] = ENVELOPE


@dataclass(kw_only=True)
class _Job:
    """An ingestion job in its newest state; None is what the answer does not tell."""

    id: str
    repository: str | None
    status: str | None
    started_at: float | None
    duration_s: float | None
    begun: bool = False  # the row that began its newest run was seen


def read_jobs(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/v1/ingestion/jobs/history?limit=100``.

        ops_ingestion_jobs{status="failed"} 1.0
        ops_ingestion_job_info{job_id="j-17",repository="github.com/o/r3",status="failed"} 1.0
        ops_ingestion_job_duration_seconds{job_id="j-17"} 93.0

    By hand: ``curl -s $OPS_API_URL/api/v1/ingestion/jobs/history?limit=100``
    """
    del context
    if isinstance(payload, dict) and isinstance(payload.get("jobs"), list):
        rows, raw = payload["jobs"], payload
    elif isinstance(payload, list):
        rows, raw = payload, {"jobs": payload}
    else:
        message = "expected jobs, or a list"
        raise SchemaError(message)
    # Only designed jobs have an id; an older deployed backend answers a bare list as well.
    designed = any(isinstance(row, dict) and "id" in row for row in rows) or raw is not payload
    if designed and not any(isinstance(row, dict) and "timestamp" in row for row in rows):
        reading = Reading(dialect=Dialect.DESIGNED)
        named = _DesignedJobs.model_validate(raw)
        audit(named, raw, reading)
        _add_jobs(reading, _designed(reading, named))
    else:
        reading = Reading(dialect=Dialect.DEPLOYED)
        logged = _DeployedJobs.model_validate(raw)
        audit(logged, raw, reading)
        _add_jobs(reading, _deployed(reading, logged))
    return reading


def _designed(reading: Reading, answer: _DesignedJobs) -> Iterable[_Job]:
    """Return one job for each id."""
    jobs: dict[str, _Job] = {}
    for row in answer.jobs or []:
        if row is None or (row.repo_url is None and row.id is None):
            continue
        started = _moment(reading, "started_at", row.started_at)
        job = _Job(
            id=row.id or job_id(row.repo_url or ""),
            repository=row.repo_url,
            status=_status(reading, row.status),
            started_at=started,
            duration_s=row.duration_seconds,
        )
        known = jobs.get(job.id)
        if known is None or (started or 0.0) > (known.started_at or 0.0):
            jobs[job.id] = job
    # A job that has not started is younger than any that has.
    return sorted(jobs.values(), key=lambda job: -(job.started_at or math.inf))


def _deployed(reading: Reading, answer: _DeployedJobs) -> Iterable[_Job]:
    """
    Return one job for each repository: rows are state writes, the newest first.

    Only their order counts: a clock that was wrong once must not turn the log round.
    """
    jobs: dict[str, _Job] = {}
    for row in answer.jobs or []:
        if row is None:
            continue
        status, moment = _status(reading, row.status), _moment(reading, "timestamp", row.timestamp)
        if row.repo_url is None:
            continue
        job = jobs.get(row.repo_url)
        if job is None:
            # Also with a status that is not known: the rows before it are of the past.
            job = jobs[row.repo_url] = _Job(
                id=job_id(row.repo_url),
                repository=row.repo_url,
                status=status,
                started_at=None,
                duration_s=row.duration_seconds,
            )
        if job.begun:
            continue
        # Rows before its "pending", or before a row that ended another, are of older runs.
        if status == "pending" or (job.started_at is not None and status in _ENDED):
            job.begun = True
        elif status == "processing" and moment is not None:
            job.started_at = moment
    return jobs.values()


def _status(reading: Reading, text: str | None) -> str | None:
    status = job_state(text)
    if status is None and text is not None:
        reading.missing.append("jobs[*].status")
    return status


def _moment(reading: Reading, name: str, text: str | None) -> float | None:
    moment = unix_time(text)
    if moment is None and text:
        reading.missing.append(f"jobs[*].{name}")
    return moment


def _add_jobs(reading: Reading, jobs: Iterable[_Job]) -> None:
    """Add the *jobs*, of which the first are the latest."""
    counts = dict.fromkeys(m.JOB_STATES, 0)
    for place, job in enumerate(jobs):
        weight = float(-place)
        if job.status is not None:
            counts[job.status] += 1
            if job.repository is not None:
                labels = (job.id, job.repository, job.status)
                reading.add(m.INGESTION_JOB_INFO, 1.0, *labels, weight=weight)
        reading.add(m.INGESTION_JOB_STARTED, job.started_at, job.id, weight=weight)
        reading.add(m.INGESTION_JOB_DURATION, job.duration_s, job.id, weight=weight)
    for status, count in counts.items():
        reading.add(m.INGESTION_JOBS, count, status)


def read_ingestion(payload: Any, context: Context) -> Reading:
    """
    Read ``GET /api/v1/ingestion/health``; only qdrant is told nowhere else.

        ops_component_status{component="qdrant",status="healthy"} 1.0

    By hand: ``curl -s $OPS_API_URL/api/v1/ingestion/health``
    """
    del context
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        payload = payload[0]  # an older backend answers [{…}, 503]
    if not isinstance(payload, dict) or not isinstance(payload.get("services"), dict):
        message = "expected services"
        raise SchemaError(message)
    reading = Reading(dialect=None)
    answer = _Health.model_validate(payload)
    if answer.services is not None:
        reading.add_states(m.COMPONENT_STATUS, health_state(answer.services.qdrant), "qdrant")
    audit(answer, payload, reading)
    return reading


READERS: dict[str, Callable[[Any, Context], Reading]] = {
    "jobs": read_jobs,
    "ingestion": read_ingestion,
}
