"""How often somebody may try: marks that are forgotten after a while, in this process alone."""

from __future__ import annotations

import math
import time
from collections import deque
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

# Ten wrong passwords in five minutes are 3,000 a day: far too few to guess one.
ATTEMPTS_MAX: Final = 10
ATTEMPTS_WINDOW_S: Final = 300.0
# A person who clicks needs a few of them.
ACTIONS_MAX: Final = 30
ACTIONS_WINDOW_S: Final = 60.0
# Whoever has got in from an address is not kept out by those who try from elsewhere.
_KNOWN_S: Final = 86400.0
# Names and addresses are chosen by strangers, who must not fill the memory.
_KEYS_MAX: Final = 10_000


class TooMany(Exception):  # noqa: N818 - a state, not a mistake
    """
    Raised when somebody tries too often; answer 429.

    Attributes:
        retry_after_s: When to come back, in whole seconds.
    """

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"too many; come back in {retry_after_s} s")
        self.retry_after_s = retry_after_s


class Throttle:
    """
    Lets *limit* through within *window_s*, for each key.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(
        self, limit: int, window_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._window_s = window_s
        self._clock = clock
        # In the order of their last marks.
        self._marks: dict[str, deque[float]] = {}

    def take(self, *keys: str) -> None:
        """
        Let one more through, of each key.

        Raises:
            TooMany: One of them has had its share; nothing is counted.
        """
        now_s = self._clock()
        waits = [wait_s for key in keys if (wait_s := self._wait_s(key, now_s)) > 0]
        if waits:
            raise TooMany(math.ceil(max(waits)))
        for key in keys:
            marks = self._marks.pop(key, None) or deque()
            marks.append(now_s)
            self._marks[key] = marks
        while len(self._marks) > _KEYS_MAX:
            del self._marks[next(iter(self._marks))]

    def give_back(self, *keys: str) -> None:
        """Do not count the last one of each key."""
        for key in keys:
            marks = self._marks.get(key)
            if marks:
                marks.pop()
            if not marks:
                self._marks.pop(key, None)

    def _wait_s(self, key: str, now_s: float) -> float:
        marks = self._marks.get(key)
        while marks and marks[0] <= now_s - self._window_s:
            marks.popleft()
        if not marks or len(marks) < self._limit:
            return 0.0
        return marks[0] + self._window_s - now_s


class Attempts:
    """
    Passwords tried, by user and by address.

    One is counted before it is checked, or many at once would all be checked before the first
    turns out wrong; the right one is not counted.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._throttle = Throttle(ATTEMPTS_MAX, ATTEMPTS_WINDOW_S, clock=clock)
        self._clock = clock
        self._known: dict[tuple[str, str], float] = {}

    def begin(self, user: str, address: str) -> None:
        """
        Count an attempt.

        Raises:
            TooMany: Nobody may check this one.
        """
        self._throttle.take(*self._keys(user, address))

    def succeeded(self, user: str, address: str) -> None:
        """Take back what was counted, and remember where the user comes from."""
        self._throttle.give_back(*self._keys(user, address))
        known = (_short(user), network(address))
        self._known.pop(known, None)
        self._known[known] = self._clock() + _KNOWN_S
        while len(self._known) > _KEYS_MAX:
            del self._known[next(iter(self._known))]

    def _keys(self, user: str, address: str) -> tuple[str, ...]:
        user, nearby = _short(user), network(address)
        if self._known.get((user, nearby), 0.0) > self._clock():
            return (f"known {nearby} {user}",)
        return (f"user {user}", f"address {nearby}")


def _short(user: str) -> str:
    # Names of users have 64 characters at most; what strangers send is kept no longer than that.
    return user[:64]


def network(address: str) -> str:
    """Return what counts as one address: of IPv6, everybody has 2^64 at least."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return address if isinstance(found, IPv4Address) else f"{int(found) >> 64:x}"
