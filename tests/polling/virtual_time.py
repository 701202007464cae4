"""An event loop whose clock jumps to the next timer instead of waiting for it."""

from __future__ import annotations

import asyncio
import selectors
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


class _Jumping(selectors.DefaultSelector):
    now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            message = "nothing is scheduled any more: the test would wait for ever"
            raise AssertionError(message)
        self.now_s += max(0.0, timeout)
        return super().select(0)


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now_s


def run(test: Coroutine[Any, Any, T]) -> T:
    """Run *test* in virtual time; an hour of it takes a moment."""
    with asyncio.Runner(loop_factory=_Loop) as runner:
        return runner.run(test)


def now() -> float:
    """Return the virtual time; give it as the clock."""
    return asyncio.get_running_loop().time()


def busiest(spans: list[tuple[float, float]], window_s: float) -> float:
    """Return the most seconds that *spans* (start, end) cover of any window of *window_s*."""
    begins = [start for start, _ in spans] + [end - window_s for _, end in spans]
    return max(
        sum(max(0.0, min(end, begin + window_s) - max(start, begin)) for start, end in spans)
        for begin in begins
    )
