"""What is missing, and for how long: one look says nothing, for alerts come and go between two."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Absences:
    """
    When things were first missing, without having been there in any look since.

    Kept in memory: whoever takes the looks over begins anew, and is late rather than wrong.

    Args:
        apart_s: Between the first and the last of the looks in which something is missing.
    """

    def __init__(self, apart_s: float) -> None:
        self._apart_s = apart_s
        self._since: dict[int, float] = {}

    def look(self, missing: Mapping[int, float], now: float) -> dict[int, float]:
        """
        Take one look; return what has been missing for long enough, with since when.

        Args:
            missing: By its number, when it was last heard of; Unix seconds, as *now*.
        """
        since = {}
        for number, heard_at in missing.items():
            first = self._since.get(number, now)
            since[number] = first if first >= heard_at else now
        self._since = since
        return {number: at for number, at in since.items() if now - at >= self._apart_s}

    def forget(self) -> None:
        """Begin anew: what is missing now says nothing."""
        self._since = {}
