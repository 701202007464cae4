"""What the service does by itself, again and again; nothing that fails ends it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from exporter.logs import Log
from exporter.service.alertmanager import AlertmanagerError
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = Log(__name__)


class Jobs:
    """
    An in-process timer.

    Of several replicas, each has the same one: which of them does a job is said by a lease in the
    database, that the job itself asks for.
    """

    def __init__(self) -> None:
        self._scheduler = AsyncIOScheduler(timezone=UTC, executors={"default": _Executor()})
        self._failing: dict[str, str] = {}

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.start()

    def every(self, seconds: float, name: str, function: Callable[[], Awaitable[object]]) -> None:
        """Run *function* now and every *seconds*, never twice at the same time."""
        self._scheduler.add_job(
            self._run,
            "interval",
            args=(name, function),
            seconds=seconds,
            next_run_time=datetime.now(UTC),
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=None,
        )

    def stop(self) -> None:
        """Run nothing any more; what runs is cut."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _run(self, name: str, function: Callable[[], Awaitable[object]]) -> None:
        try:
            await function()
        except asyncio.CancelledError:
            return  # a stop has cut it, and nobody waits for it
        except (AlertmanagerError, DatabaseError) as error:
            # Said once, and once more when it works again: it may be away for the whole night.
            reason = str(error)
            if self._failing.get(name) != reason:
                _log.warning("a job waits for better times", job=name, reason=reason)
            self._failing[name] = reason
        except Exception:  # noqa: BLE001 - its next run may succeed
            _log.exception("a job failed", job=name)
        else:
            if self._failing.pop(name, None) is not None:
                _log.info("a job works again", job=name)


class _Executor(AsyncIOExecutor):  # type: ignore[misc]
    """Takes a job that a stop has cut before it began for what it is: no error in the log."""

    def _run_job_error(self, job_id: str, exc: BaseException, traceback: Any = None) -> None:
        if not isinstance(exc, asyncio.CancelledError):
            super()._run_job_error(job_id, exc, traceback)
