"""Who may ask a backend at the same time: light requests together, a heavy one alone."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

# All heavy requests together may take 10 % of any two minutes: 12 s. What is left to the limit
# covers what we cannot see: the backend begins and ends at other moments than we measure.
WINDOW_S: Final = 120.0
BUDGET_S: Final = 11.4
# A light request that takes longer than this hangs, and a heavy one goes on beside it: what the
# other holds up in the backend it holds up anyway.
_DRAIN_S: Final = 1.0


class Gate:
    """
    The way to one backend.

    Args:
        clock: Seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._light = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed_until = 0.0
        self._opened = asyncio.Event()
        self._queue = asyncio.Lock()
        self._turn = asyncio.Lock()
        # Start and end of each heavy request within the window; they never overlap.
        self._spent: deque[tuple[float, float]] = deque()

    @asynccontextmanager
    async def light(self) -> AsyncIterator[None]:
        """Ask beside other light requests, but not beside a heavy one that is still expected."""
        while (left_s := self._closed_until - self._clock()) > 0:
            await _wait(self._opened, left_s)
        self._light += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._light -= 1
            if not self._light:
                self._idle.set()

    @asynccontextmanager
    async def heavy(
        self, cost_s: float, *, patience_s: float, urgent: bool = False
    ) -> AsyncIterator[None]:
        """
        Ask alone, when the time that heavy requests took so far allows it.

        Args:
            cost_s: What the request is thought to take at most: so much must be free within the
                limit. What takes longer hangs; nobody knows whether it still burdens the backend,
                and the others must not be late for it, so no more than this counts.
            patience_s: How long light requests wait for the end.
            urgent: A person waits: do not wait for the limit, only for the others.
        """
        async with AsyncExitStack() as stack:
            if not urgent:
                # In order of arrival: a short request must not overtake a long one for ever.
                await stack.enter_async_context(self._queue)
            await self._take_turn(0.0 if urgent else cost_s)
            stack.callback(self._turn.release)
            stack.callback(self._open)
            self._close(_DRAIN_S)
            await _wait(self._idle, _DRAIN_S)
            stack.callback(self._spend, self._clock(), cost_s)
            self._close(patience_s)
            yield

    async def _take_turn(self, cost_s: float) -> None:
        """Acquire the turn at a moment when *cost_s* fits; 0 always fits."""
        while True:
            await self._turn.acquire()
            pause_s = self._pause_s(cost_s) if cost_s else 0.0
            if pause_s <= 0:
                return
            self._turn.release()
            await asyncio.sleep(pause_s)

    def _pause_s(self, cost_s: float) -> float:
        """
        Return how long to wait until a request of *cost_s* keeps every window within its budget.

        The window that counts is the one that ends with the request. Beside that, the backend
        gets as much time to catch up as the last heavy request took from it.
        """
        if not self._spent:
            return 0.0
        start, end = self._spent[-1]
        ready = end + (end - start)
        left_s = BUDGET_S - cost_s
        for start, end in reversed(self._spent):
            if end - start > left_s:
                # All of it but the part that still fits must be over when the window begins.
                ready = max(ready, end - left_s + WINDOW_S - cost_s)
                break
            left_s -= end - start
        return ready - self._clock()

    def _spend(self, start: float, at_most_s: float) -> None:
        now = self._clock()
        self._spent.append((start, min(now, start + at_most_s)))
        while self._spent[0][1] < now - WINDOW_S:
            self._spent.popleft()

    def _close(self, seconds: float) -> None:
        self._opened.clear()
        self._closed_until = self._clock() + seconds

    def _open(self) -> None:
        self._closed_until = self._clock()
        self._opened.set()


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Wait until *event* is set, but no longer than *timeout_s*."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await event.wait()
