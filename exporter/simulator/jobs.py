"""Ingestion jobs: they arrive, wait, are processed one at a time by the edge worker, and end."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from exporter.simulator.processes import identifier

if TYPE_CHECKING:
    from random import Random

_ARRIVAL_S: Final = 240.0
_DURATION_S: Final = 45.0
_DURATION_SPREAD: Final = 0.6
_PICK_UP_S: Final = 3.0
_FAILED: Final = 0.04
_SKIPPED: Final = 0.05
_RETRIED: Final = 0.6
_RETRY_AFTER_S: Final = 90.0
# Jobs of the product's own schedule: more would leave no room for those of a user.
_OWN_PENDING: Final = 5
_REMEMBERED: Final = 200

_OWNERS: Final = ("harbour-lab", "north-archive", "open-meadow", "quiet-river")
_PROJECTS: Final = ("atlas", "corpus", "field-notes", "glossary", "lexicon", "papers", "survey")
_ERRORS: Final = (
    "Clone failed: repository not found",
    "Clone failed: connection to git.internal.example timed out",
    "CUDA out of memory",
    "Parser error in src/main.py: invalid syntax",
)

ENDED: Final = frozenset({"completed", "failed", "skipped"})


@dataclass(slots=True)
class Job:
    """
    One ingestion of a repository.

    Attributes:
        takes_s: How long the worker needs for it.
        outcome: How it will end: completed, failed or skipped.
    """

    id: str
    number: int
    repository: str
    created_at: float
    takes_s: float
    outcome: str
    status: str = "pending"
    changed_at: float = 0.0
    started_at: float | None = None
    completed_at: float | None = None
    error: str | None = None
    files: int | None = None
    embeddings: int | None = None

    @property
    def duration_s(self) -> float | None:
        """How long it was processed; None before it ends, or when it never began."""
        if self.completed_at is None or self.started_at is None:
            return None
        return self.completed_at - self.started_at


class Jobs:
    """
    The jobs of the last hours.

    Attributes:
        by_id: The latest jobs, oldest first.
        log: A copy of a job for each state that it had, oldest first.
    """

    def __init__(self, rng: Random, now: float) -> None:
        self._rng = rng
        self.by_id: dict[str, Job] = {}
        self.log: deque[Job] = deque(maxlen=2 * _REMEMBERED)
        self._waiting: deque[Job] = deque()
        self._running: Job | None = None
        self._ends_at = 0.0
        self._free_at = now
        self._next_arrival = now
        self._retries: deque[tuple[float, str]] = deque()
        self._changes: list[Job] = []

    @property
    def pending(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def running(self) -> Job | None:
        """The job that is processed now."""
        return self._running

    def newest_first(self) -> list[Job]:
        """List the jobs, the newest first."""
        return list(reversed(self.by_id.values()))

    def step(self, now: float, step_s: float, busy: float, *, worker_online: bool) -> list[Job]:
        """Move on to *now* and return the jobs that began or ended, in order, as they were then."""
        if not worker_online:
            self._ends_at += step_s  # the worker took the job with it and resumes it later
            self._free_at = now
        while True:
            arrival = self._next_arrival
            retry = self._retries[0][0] if self._retries else math.inf
            change = self._next_change() if worker_online else math.inf
            at = min(arrival, retry, change)
            if at > now:
                break
            if at == change:
                self._change(at)
            elif at == retry:
                self.add(self._retries.popleft()[1], at)
            else:
                self._arrive(at, busy)
        changes, self._changes = self._changes, []
        return changes

    def add(self, repository: str, now: float) -> Job:
        """Queue a job for *repository*."""
        rng = self._rng
        draw = rng.random()
        job = Job(
            id=identifier(rng),
            number=rng.getrandbits(32),
            repository=repository,
            created_at=now,
            takes_s=_DURATION_S * rng.lognormvariate(0.0, _DURATION_SPREAD),
            outcome="failed"
            if draw < _FAILED
            else "skipped"
            if draw > 1 - _SKIPPED
            else "completed",
        )
        self.by_id[job.id] = job
        self._waiting.append(job)
        self._write(job, "pending", now)
        while len(self.by_id) > _REMEMBERED:
            del self.by_id[next(iter(self.by_id))]
        return job

    def cancel(self, job: Job, now: float) -> None:
        """End *job*, which has not ended, as failed."""
        if job is self._running:
            self._running, self._free_at = None, now
        else:
            self._waiting.remove(job)
        self._end(job, "failed", now, "cancelled")

    def _arrive(self, at: float, busy: float) -> None:
        rng = self._rng
        if self.pending < _OWN_PENDING:
            self.add(f"https://github.com/{rng.choice(_OWNERS)}/{rng.choice(_PROJECTS)}", at)
        self._next_arrival = at + rng.expovariate(busy / _ARRIVAL_S)

    def _next_change(self) -> float:
        if self._running is not None:
            return self._ends_at
        if self._waiting:
            return max(self._free_at, self._waiting[0].created_at + _PICK_UP_S)
        return math.inf

    def _change(self, at: float) -> None:
        if self._running is not None:
            self._finish(self._running, at)
            return
        job = self._waiting.popleft()
        job.started_at = at
        self._running, self._ends_at = job, at + job.takes_s
        self._write(job, "processing", at)

    def _finish(self, job: Job, at: float) -> None:
        rng = self._rng
        self._running, self._free_at = None, at
        error = rng.choice(_ERRORS) if job.outcome == "failed" else None
        if job.outcome == "completed":
            job.files = 1 + int(job.takes_s * rng.uniform(2, 5))
            job.embeddings = job.files * rng.randint(3, 9)
        self._end(job, job.outcome, at, error)
        if error and rng.random() < _RETRIED:
            self._retries.append((at + _RETRY_AFTER_S, job.repository))

    def _end(self, job: Job, status: str, at: float, error: str | None) -> None:
        job.completed_at = at
        job.error = error
        self._write(job, status, at)

    def _write(self, job: Job, status: str, at: float) -> None:
        job.status = status
        job.changed_at = at
        self.log.append(replace(job))
        if status != "pending":
            self._changes.append(self.log[-1])
