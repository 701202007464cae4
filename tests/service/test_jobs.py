"""What the service does by itself."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.service.jobs import Jobs
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    import pytest

DEADLINE_S = 10.0


class Work:
    """What a job does: as often as a test wants."""

    def __init__(self, *, stuck: bool = False, error: Exception | None = None) -> None:
        self.runs = 0
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self._stuck = stuck
        self._error = error

    async def __call__(self) -> None:
        self.runs += 1
        self.begun.set()
        try:
            if self._stuck:
                await asyncio.Event().wait()
            if self._error is not None:
                raise self._error
        finally:
            self.ended.set()


async def until(event: asyncio.Event) -> None:
    """Wait, but not for ever."""
    async with asyncio.timeout(DEADLINE_S):
        await event.wait()


async def test_a_job_runs_at_once_and_again(caplog: pytest.LogCaptureFixture) -> None:
    jobs, work = Jobs(), Work()
    jobs.start()
    jobs.every(0.01, "often", work)
    for _ in range(3):
        work.begun.clear()
        await until(work.begun)
    jobs.stop()

    assert work.runs >= 3
    assert caplog.records == []


async def test_a_job_that_is_cut_by_a_stop_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    jobs, begun, new = Jobs(), Work(stuck=True), Work()
    jobs.start()
    jobs.every(3600, "long", begun)
    await until(begun.begun)
    jobs.every(3600, "not begun yet", new)
    jobs.stop()
    await until(begun.ended)

    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


async def test_what_is_away_is_told_once_however_often_a_job_looks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    jobs, work = Jobs(), Work(error=DatabaseError("no connection"))
    jobs.start()
    jobs.every(0.01, "often", work)
    for _ in range(3):
        work.ended.clear()
        await until(work.ended)
    jobs.stop()

    assert work.runs >= 3
    told = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.getMessage() for record in told] == ["a job waits for better times"]


async def test_a_job_that_fails_runs_again(caplog: pytest.LogCaptureFixture) -> None:
    jobs, work = Jobs(), Work(error=RuntimeError("a mistake of ours"))
    jobs.start()
    jobs.every(0.01, "often", work)
    for _ in range(3):
        work.ended.clear()
        await until(work.ended)
    jobs.stop()

    assert work.runs >= 3
    assert "a mistake of ours" in caplog.text
