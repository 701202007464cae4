"""When endpoints say that they made their answers: a backend may repeat what it has made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# So many answers in a row that are older than the newest, each newer than the one before it: they
# are not a cache's, the backend's clock was put back.
BELIEVED: Final = 5


class Stamps:
    """
    Tells which answers are new.

    One of the same moment is the same, and an older one is that of a second cache or process, which
    takes turns with the newest. A clock that was put back tells older ones only: it is believed
    after some of them.

    Attributes:
        made_at: Unix time of each endpoint's newest answer.

    Args:
        made_at: What was known before a restart.
    """

    def __init__(self, made_at: Mapping[str, float] | None = None) -> None:
        self.made_at = dict(made_at or {})
        # By endpoint: the last of the older answers in a row, and how many.
        self._older: dict[str, tuple[float, int]] = {}

    def moved(self, endpoint: str, made_at: float | None) -> bool:
        """Tell whether an answer is a new one; one that does not say when it was made is."""
        newest = self.made_at.get(endpoint)
        if made_at is not None and newest is not None and made_at <= newest:
            if made_at == newest:
                self._older.pop(endpoint, None)
                return False
            if not self._put_back(endpoint, made_at):
                return False
        self._older.pop(endpoint, None)
        self.made_at.pop(endpoint, None)
        if made_at is not None:
            self.made_at[endpoint] = made_at
        return True

    def _put_back(self, endpoint: str, made_at: float) -> bool:
        """Tell whether an older answer is one of so many that the clock must have been put back."""
        last, count = self._older.get(endpoint, (made_at, 0))
        if made_at != last:
            count = count if made_at > last else 0
        elif count:
            return False
        self._older[endpoint] = made_at, count + 1
        return count + 1 >= BELIEVED
