"""
How far the generation of sparse embeddings has come: an estimate, for the API does not tell.

It goes by how long the last successful run took; before there was one, by the minutes that the
last answer estimated. Without either there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions.model import State
from exporter.actions.sparse_embeddings import ESTIMATED_MINUTES, SparseEmbeddings
from exporter.store import audit

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Until the answer is there, it is not done.
PROGRESS_MAX: Final = 0.95
_LOOKED_BACK: Final = 50
_SLUG: Final = SparseEmbeddings.route.slug
_MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseState:
    """
    What is known of the generation.

    Attributes:
        running: The run that is going on.
        progress: Estimated, 0 to 0.95; None when nothing runs, or there is no estimate.
        eta_s: Estimated seconds until the end; None also when the estimate has run out.
        overdue: It takes longer than estimated.
        basis: What the estimate goes by, in words; empty without one.
        last: The last successful run.
    """

    running: audit.Record | None = None
    progress: float | None = None
    eta_s: float | None = None
    overdue: bool = False
    basis: str = ""
    last: audit.Record | None = None

    @property
    def last_success_at(self) -> float | None:
        """When embeddings were last generated, Unix seconds."""
        return self.last.closed_at if self.last else None


def look(connection: Connection, backend: str | None, now: float) -> SparseState:
    """
    Return the state of a backend; without one, of whichever was run last.

    Args:
        now: Unix seconds.
    """
    target = None if backend is None else f"{backend}: all"
    last = audit.last(connection, _SLUG, target, State.DONE)
    running = audit.last(connection, _SLUG, target, State.STARTED)
    if running is None:
        return SparseState(last=last)
    expected_s, basis = _expected(connection, running.target)
    if expected_s is None:
        return SparseState(running=running, last=last)
    elapsed_s = max(0.0, now - running.at)
    overdue = elapsed_s >= expected_s
    return SparseState(
        running=running,
        progress=PROGRESS_MAX if overdue else min(PROGRESS_MAX, elapsed_s / expected_s),
        eta_s=None if overdue else expected_s - elapsed_s,
        overdue=overdue,
        basis=basis,
        last=last,
    )


def _expected(connection: Connection, target: str) -> tuple[float | None, str]:
    """Return how long a run may take, in seconds, and what says so."""
    last = audit.last(connection, _SLUG, target, State.DONE)
    if last is not None and last.closed_at is not None and last.closed_at > last.at:
        return last.closed_at - last.at, "estimated from the last run"
    for record in audit.records(connection, _LOOKED_BACK, action=_SLUG):
        minutes = record.details.get(ESTIMATED_MINUTES)
        if record.target == target and isinstance(minutes, (int, float)) and minutes > 0:
            return minutes * _MINUTE_S, "estimated by the API at its last answer"
    return None, ""
