"""What the backend tells of its last jobs and events, of either dialect, when a page asks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from exporter.actions.jobs import known
from exporter.actions.upstream import Unreachable
from exporter.actions.words import NOT_OFFERED, plain, said
from exporter.catalogue import metrics as m
from exporter.collectors.ingestion import read_jobs
from exporter.collectors.labels import job_id, label, repository
from exporter.collectors.reading import Context, SchemaError
from exporter.collectors.words import unix_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.actions.model import Readings, Site
    from exporter.actions.upstream import Upstream

Row = TypeVar("Row")

SHOWN_MAX: Final = 100
_JOBS: Final = f"/api/v1/ingestion/jobs/history?limit={SHOWN_MAX}"
_EVENTS: Final = f"/api/monitoring/events/history?limit={SHOWN_MAX}"
# A traceback; what is longer says no more.
_ERROR_MAX: Final = 4000
_DENIED: Final = (401, 403)
_STRANGE: Final = "its answer has a shape that is in neither dialect"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """
    An ingestion job in its newest state.

    Attributes:
        id: As the exporter names it: the actions know it by that.
        started_at: Unix seconds; None where it is not known.
        error: Why it failed or was skipped, in the backend's words; may have several lines.
    """

    id: str
    repository: str
    status: str
    started_at: float | None = None
    duration_s: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """
    Something that happened in the product; its data is its users' and is not read.

    Attributes:
        at: Unix seconds; None where the backend tells none that could be.
    """

    name: str
    at: float | None
    priority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Generic[Row]):
    """
    What was told, the newest first.

    Attributes:
        problem: Why nothing was, in words; empty when it was. There may be rows all the same, which
            the exporter knows.
    """

    rows: Sequence[Row] = ()
    problem: str = ""


class _NotTold(Exception):  # noqa: N818 - a state of the backend, not a mistake
    """Raised when there is no history; the text says why."""


async def jobs(site: Site) -> History[Job]:
    """Return the last jobs; what the exporter knows of them when the backend does not tell."""
    try:
        body = await _ask(site.upstream, _JOBS)
        return History(rows=_jobs(body))
    except _NotTold as error:
        problem = str(error)
    except SchemaError:
        problem = _STRANGE
    return History(rows=_last_known(site.readings), problem=problem)


async def events(upstream: Upstream) -> History[Event]:
    """Return the last events."""
    try:
        body = await _ask(upstream, _EVENTS)
        return History(rows=_events(body))
    except _NotTold as problem:
        return History(problem=str(problem))


async def _ask(upstream: Upstream, path: str) -> Any:
    try:
        reply = await upstream.get(path)
    except Unreachable as error:
        message = f"it cannot be reached: {error}"
        raise _NotTold(message) from None
    status = reply.status
    if status in NOT_OFFERED:
        message = "this is not offered by this backend"
    elif status in _DENIED:
        message = f"it does not accept the reading token (HTTP {status})"
    elif not reply.success:
        text = said(reply.body)
        message = f"it answered HTTP {status}{f': {text}' if text else ''}"
    elif isinstance(reply.body, dict) and reply.body.get("status") == "error":
        # With HTTP 200: the deployed backend says so in the body alone.
        message = f"it says: {said(reply.body) or 'error'}"
    else:
        return reply.body
    raise _NotTold(message)


def _jobs(body: Any) -> list[Job]:
    # As the exporter reads it, so that a job has the same name here as in its metrics.
    reading = read_jobs(body, Context(received_at=0.0))
    values = {(s.metric, s.labels[0]): s.value for s in reading.samples}
    errors = _errors(body)
    return [
        Job(
            id=name,
            repository=where,
            status=status,
            started_at=values.get((m.INGESTION_JOB_STARTED, name)),
            duration_s=values.get((m.INGESTION_JOB_DURATION, name)),
            error=errors.get(name, ""),
        )
        for name, where, status in (
            s.labels for s in reading.samples if s.metric is m.INGESTION_JOB_INFO
        )
    ]


def _last_known(readings: Readings) -> list[Job]:
    """Return what the exporter tells of the jobs: nothing of their errors."""
    return [
        Job(
            id=job.id,
            repository=job.repository,
            status=job.status,
            started_at=job.started_at if math.isfinite(job.started_at) else None,
        )
        for job in known(readings) or []
    ]


def _errors(body: Any) -> dict[str, str]:
    """Return by job what its newest row says of its end."""
    errors: dict[str, str] = {}
    for row in _rows(body, "jobs"):
        texts = (row.get(name) for name in ("error_message", "error", "reason"))
        text = next((text for text in texts if isinstance(text, str) and text.strip()), "")
        if "id" in row:
            name = label(str(row["id"]))
        elif isinstance(row.get("repo_url"), str):
            name = job_id(repository(row["repo_url"]))
        else:
            continue
        errors.setdefault(name, _block(text))
    return errors


def _events(body: Any) -> list[Event]:
    if not isinstance(body, list) and not (
        isinstance(body, dict) and isinstance(body.get("events"), list)
    ):
        raise _NotTold(_STRANGE)
    events = [
        Event(name=label(name), at=_moment(row), priority=plain(row.get("priority") or "", 20))
        for row in _rows(body, "events")
        if isinstance(name := row.get("name", row.get("type")), str)
    ]
    # One dialect has the newest first, the other last.
    events.sort(key=lambda event: event.at or 0.0, reverse=True)
    return events[:SHOWN_MAX]


def _moment(row: dict[str, Any]) -> float | None:
    text = row.get("timestamp")
    return unix_time(text) if isinstance(text, str) else None


def _rows(body: Any, name: str) -> list[dict[str, Any]]:
    rows = body.get(name) if isinstance(body, dict) else body
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _block(text: str) -> str:
    """Return a text of others with its lines, but nothing that could move or hide characters."""
    lines = (
        "".join(c if c.isprintable() else " " for c in line)
        for line in text[:_ERROR_MAX].splitlines()
    )
    return "\n".join(lines).strip() + ("…" if len(text) > _ERROR_MAX else "")
