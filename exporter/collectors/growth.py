"""How much totals grew between two answers of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from exporter.collectors.reading import Context

# Two answers closer together than this make a rate of little more than noise.
_ELAPSED_MIN_S = 0.5


class Growth(dict[str, float]):
    """
    Growth of each total since the answer before.

    Attributes:
        elapsed_s: Time between the two answers.
    """

    def __init__(self, grown: dict[str, float], elapsed_s: float) -> None:
        super().__init__(grown)
        self.elapsed_s = elapsed_s

    @classmethod
    def since(
        cls, context: Context, totals: dict[str, float], *, process: float = 0.0
    ) -> Self | None:
        """
        Compare *totals* with those of the last answer, and remember them in its place.

        Args:
            process: What tells one backend process from another, such as its start time.

        Returns:
            None on the first answer, and when a total fell or the process is another one: a
            restart, after which nothing is known of the time between.
        """
        before = context.memory.get("totals")
        elapsed_s = context.received_at - before[0] if before is not None else 0.0
        if before is not None and 0 <= elapsed_s < _ELAPSED_MIN_S:
            return None
        context.memory["totals"] = (context.received_at, process, totals)
        # A clock that was put back says nothing of the time between.
        if before is None or before[1] != process or elapsed_s < 0:
            return None
        grown = {name: total - before[2].get(name, 0.0) for name, total in totals.items()}
        fallen = before[2].keys() - totals.keys() or any(value < 0 for value in grown.values())
        return None if fallen else cls(grown, elapsed_s)

    @staticmethod
    def was_reset(context: Context, totals: dict[str, float], *, process: float = 0.0) -> bool:
        """Whether *totals* fell since the last answer; to be asked before `since`."""
        before = context.memory.get("totals")
        if before is None:
            return False
        fell = any(total < before[2].get(name, 0.0) for name, total in totals.items())
        return before[1] != process or fell or bool(before[2].keys() - totals.keys())
