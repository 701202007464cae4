"""How far a run has come, in words and as a bar: an estimate that says so, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import State
from exporter.catalogue import actions
from exporter.web.pages import span

if TYPE_CHECKING:
    from exporter.service.sparse import SparseState
    from exporter.service.visits import Visit
    from exporter.store.audit import Record

_SLUG: Final = actions.GENERATE_SPARSE_EMBEDDINGS.slug
_WAITING: Final = "The answer has not come yet."
_NO_ESTIMATE: Final = (
    "How long it takes is not known: the API tells no progress, and no earlier run says how long"
    " one lasts."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """
    What is known of a run that goes on.

    Attributes:
        percent: Estimated, 95 at most; None without an estimate.
        left: Time remaining, estimated; empty without an estimate.
    """

    audit: int
    running_for: str
    percent: int | None = None
    left: str = ""
    note: str = _WAITING

    def told(self) -> dict[str, Any]:
        """Return what the script on the page shows."""
        return {
            "running": True,
            "running_for": self.running_for,
            "percent": self.percent,
            "left": self.left,
            "note": self.note,
        }


async def of_record(visit: Visit, record: Record) -> Progress | None:
    """Return how far a run has come; None when it is over."""
    if record.state != State.STARTED:
        return None
    if record.action == _SLUG:
        backend = str(record.parameters.get("backend", ""))
        if backend in visit.runtime.performer.sites.backends:
            state = await visit.runtime.performer.sparse(backend)
            if state.running is not None and state.running.id == record.id:
                return of_sparse(state.running, state, visit.runtime.wall())
    return Progress(audit=record.id, running_for=_since(record, visit.runtime.wall()))


def of_sparse(running: Record, state: SparseState, now: float) -> Progress:
    """Return how far the generation of sparse embeddings has come."""
    since = _since(running, now)
    if state.progress is None:
        return Progress(audit=running.id, running_for=since, note=_NO_ESTIMATE)
    note = f"{state.basis[:1].upper()}{state.basis[1:]}: the API itself tells no progress."
    if state.overdue:
        note = f"It takes longer than was estimated. {note}"
    return Progress(
        audit=running.id,
        running_for=since,
        percent=int(100 * state.progress),
        left="" if state.eta_s is None else span(state.eta_s),
        note=note,
    )


def _since(record: Record, now: float) -> str:
    return span(max(0.0, now - record.at))
