"""Who may ask a backend at the same time: light requests together, a heavy one alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from exporter.polling.pace import HEAVY_SHARE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# A heavy request that takes longer than twice what was expected hangs. Others then go on beside
# it: what it holds up in the backend it holds up anyway.
_PATIENCE: Final = 2.0
_PATIENCE_MIN_S: Final = 1.0


class Gate:
    """
    The way to one backend.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._turn = asyncio.Lock()
        self._alone_until = 0.0
        self._alone_over = asyncio.Event()
        self._alone_over.set()
        self._not_before = 0.0

    @asynccontextmanager
    async def light(self) -> AsyncIterator[None]:
        """Ask beside other light requests, but not beside a heavy one that is still expected."""
        while not self._alone_over.is_set():
            left_s = self._alone_until - self._clock()
            if left_s <= 0:
                break
            try:
                async with asyncio.timeout(left_s):
                    await self._alone_over.wait()
            except TimeoutError:
                break
        self._enter()
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def heavy(self, expected_s: float, *, urgent: bool = False) -> AsyncIterator[None]:
        """
        Ask alone, when the time that heavy requests took so far allows it.

        Args:
            expected_s: How long the answer will take.
            urgent: A person waits: do not wait for the share of time, only for the others.
        """
        async with self._turn:
            pause_s = self._not_before - self._clock()
            if pause_s > 0 and not urgent:
                await asyncio.sleep(pause_s)
            while self._in_flight:
                await self._idle.wait()
            start = self._clock()
            self._alone_until = start + max(_PATIENCE_MIN_S, _PATIENCE * expected_s)
            self._alone_over.clear()
            self._enter()
            try:
                yield
            finally:
                self._leave()
                self._alone_over.set()
                took_s = self._clock() - start
                self._not_before = start + took_s / HEAVY_SHARE

    def _enter(self) -> None:
        self._in_flight += 1
        self._idle.clear()

    def _leave(self) -> None:
        self._in_flight -= 1
        if not self._in_flight:
            self._idle.set()
