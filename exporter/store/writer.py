"""SQLite's one writer: whatever waits is committed together, for a commit waits for the disk."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from exporter.logs import Log

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Engine

_T = TypeVar("_T")
_Task = tuple["Callable[[Connection], Any]", "Future[Any]"]
# More in one commit would make the first wait for the last.
_TOGETHER: Final = 64
# The option of a connection that is going to write.
WRITING: Final = "ops_writing"

_log = Log(__name__)


class Writer:
    """A thread that writes, one after the other; several functions may share a commit."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(**{WRITING: True})
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Connection], _T]) -> Future[_T]:
        """Return what *function* will have returned, once it is on the disk."""
        future: Future[_T] = Future()
        if self._closed:
            future.set_exception(RuntimeError("the database is closed"))
        else:
            self._tasks.put((function, future))
        return future

    def close(self) -> None:
        """Write what waits, and end."""
        self._closed = True
        self._tasks.put(None)
        self._thread.join()

    def _run(self) -> None:
        going = True
        while going:
            tasks = [self._tasks.get()]
            while len(tasks) < _TOGETHER and not self._tasks.empty():
                tasks.append(self._tasks.get())
            going = None not in tasks
            self._commit([task for task in tasks if task is not None])

    def _commit(self, tasks: list[_Task]) -> None:
        done: list[tuple[Future[Any], Any]] = []
        failed: list[tuple[Future[Any], Exception]] = []
        wanted = [task for task in tasks if task[1].set_running_or_notify_cancel()]
        try:
            with self._engine.connect() as connection:
                for function, future in wanted:
                    try:
                        with connection.begin_nested():
                            done.append((future, function(connection)))
                    except Exception as mistake:  # noqa: BLE001 - it is the caller's to judge
                        failed.append((future, mistake))
                connection.commit()
        except Exception as error:  # noqa: BLE001 - nothing was kept, and everybody is told so
            _log.warning("nothing was written", tasks=len(wanted), reason=type(error).__name__)
            for _, future in wanted:
                future.set_exception(error)
            return
        for future, result in done:
            future.set_result(result)
        for future, reason in failed:
            future.set_exception(reason)
