"""The caller, the audit, and how far the generation of sparse embeddings has come."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import Path, Query
from pydantic import Field

from exporter import __version__
from exporter.actions import ACTIONS
from exporter.catalogue.actions import GENERATE_SPARSE_EMBEDDINGS
from exporter.service.api import problems, routing
from exporter.service.api.actions import BackendName
from exporter.service.api.callers import Anybody, Reader, TheRuntime
from exporter.service.api.models import (
    NUMBER_MAX,
    PORTION,
    PORTION_MAX,
    Asked,
    Number,
    Record,
    Told,
    moment_or_none,
)
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError

service = routing.router("Service")
audits = routing.router("Audit")
sparse = routing.router("Actions")


class Self(Told):
    """Who calls, and what there is."""

    name: str = Field(description="Of the token.")
    scopes: tuple[Literal["read", "act", "alerts", "metrics"], ...]
    version: str = Field(description="Of this service.")
    backends: tuple[str, ...]
    actions: tuple[str, ...] = Field(description="Their slugs.", examples=[["ingest", "refresh"]])


class Portion(Asked):
    """Which part of the audit."""

    action: str = Field("", max_length=64, pattern=r"^[a-z-]*$", description="Of this action only.")
    before: int | None = Field(
        None, ge=1, le=NUMBER_MAX, description="Only older ones: the `next` of the portion before."
    )
    limit: int = Field(PORTION, ge=1, le=PORTION_MAX)


class Records(Told):
    """A portion of the audit, the newest first."""

    records: tuple[Record, ...]
    next: Number | None = Field(description="`before` of the next portion; null at the end.")


class OfOne(Asked):
    """Which backend."""

    backend: BackendName = ""


class Progress(Told):
    """
    How far sparse embeddings have come.

    The API tells no progress: what is told here is estimated, and absent without an estimate.
    """

    running: Record | None
    progress: float | None = Field(ge=0, le=0.95, description="Estimated; at most 0.95.")
    eta_s: float | None = Field(ge=0, description="Estimated seconds until the end.")
    overdue: bool = Field(description="It takes longer than was estimated.")
    basis: str = Field(description="What the estimate goes by; empty without one.")
    last_generated_at: datetime | None


@service.get("/self", summary="Who you are", responses=documented())
async def get_self(runtime: TheRuntime, who: Anybody) -> Self:
    """Say who you are, and what there is. Any scope will do."""
    return Self.model_validate(
        {
            "name": who.name,
            "scopes": sorted(who.scopes),
            "version": __version__,
            "backends": runtime.performer.sites.backends,
            "actions": [action.route.slug for action in ACTIONS],
        }
    )


@audits.get("/audit", summary="Who did what", responses=documented())
async def list_audit(given: Annotated[Portion, Query()], runtime: TheRuntime, _: Reader) -> Records:
    """Say who did what, and what came of it, the newest first."""
    # One more than is told says whether there is more.
    found = await runtime.performer.records(given.limit + 1, given.before, given.action or None)
    rows = found[: given.limit]
    return Records(
        records=tuple(Record.of(row) for row in rows),
        next=rows[-1].id if len(found) > given.limit else None,
    )


@audits.get("/audit/{number}", summary="One entry", responses=documented(problems.NOT_FOUND))
async def get_audit_entry(
    number: Annotated[int, Path(ge=1, le=NUMBER_MAX)], runtime: TheRuntime, _: Reader
) -> Record:
    """Return one entry of the audit."""
    row = await runtime.performer.record(number)
    if row is None:
        raise ToldError(problems.NOT_FOUND, f"There is no entry {number}.")
    return Record.of(row)


@sparse.get(
    f"{GENERATE_SPARSE_EMBEDDINGS.path}/progress",
    summary="Generate sparse embeddings: how far it has come",
    responses=documented(problems.NOT_FOUND),
)
async def get_sparse_progress(
    given: Annotated[OfOne, Query()], runtime: TheRuntime, _: Reader
) -> Progress:
    """Return what is estimated, marked so."""
    state = await runtime.performer.sparse(given.backend)
    return Progress(
        running=Record.of(state.running) if state.running else None,
        progress=state.progress,
        eta_s=state.eta_s,
        overdue=state.overdue,
        basis=state.basis,
        last_generated_at=moment_or_none(state.last_success_at),
    )
