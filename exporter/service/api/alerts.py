"""Alerts: what fires, and what has fired."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import Path, Query
from pydantic import Field

from exporter.service import silences
from exporter.service.api import problems, routing
from exporter.service.api.callers import Reader, TheRuntime
from exporter.service.api.models import (
    NUMBER_MAX,
    PORTION,
    PORTION_MAX,
    Asked,
    Number,
    Told,
    moment,
    moment_or_none,
    without_name,
)
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError
from exporter.store import acknowledgements, episodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.episodes import Episode

router = routing.router("Alerts")

FIRING_MAX: Final = 1000
_Severity = Annotated[str, Field(max_length=32, description="Of this severity only.")]


class OfFiring(Asked):
    """Which of the alerts that fire."""

    severity: _Severity = ""
    limit: int = Field(FIRING_MAX, ge=1, le=FIRING_MAX)


class OfHistory(Asked):
    """Which part of the history."""

    severity: _Severity = ""
    q: str = Field(
        "",
        max_length=200,
        description="Words that must all be in the labels (`name=value`) or the texts, in any case",
        examples=["module=auth"],
    )
    before: int | None = Field(
        None, ge=1, le=NUMBER_MAX, description="Only older ones: the `next` of the portion before."
    )
    limit: int = Field(PORTION, ge=1, le=PORTION_MAX)


class Alert(Told):
    """An alert from its start to its end."""

    id: Number
    fingerprint: str
    alertname: str
    severity: str
    backend: str
    labels: dict[str, str] = Field(description="All but the name.")
    annotations: dict[str, str]
    status: Literal["firing", "resolved"]
    starts_at: datetime
    ends_at: datetime | None
    ended_by: str | None = Field(
        description="resolved (Alertmanager said so), reconciled (it has it no longer, and did not"
        " say so) or superseded (it fired anew); null while it fires."
    )


class FiringAlert(Alert):
    """An alert that fires."""

    acknowledgement: int | None = Field(description="What hides it now, if anything does.")


class Firing(Told):
    """What fires, the newest first."""

    alerts: tuple[FiringAlert, ...]
    total: int = Field(ge=0, description="How many there are, told or not.")


class History(Told):
    """A portion of the history, the newest first."""

    alerts: tuple[Alert, ...]
    total: int = Field(ge=0, description="How many match in all.")
    next: Number | None = Field(description="`before` of the next portion; null at the end.")


@router.get("/alerts", summary="What fires", responses=documented())
async def list_firing(
    given: Annotated[OfFiring, Query()], runtime: TheRuntime, _: Reader
) -> Firing:
    """Return what fires, by the history: as notified, and reconciled with Alertmanager."""
    found, active = await runtime.database.read(_firing)
    matching = [one for one in found if given.severity in {"", one.severity}]
    return Firing(
        alerts=tuple(
            FiringAlert.model_validate(_fields(one) | {"acknowledgement": _hidden_by(one, active)})
            for one in matching[: given.limit]
        ),
        total=len(matching),
    )


@router.get("/alerts/history", summary="What has fired", responses=documented(problems.NOT_FOUND))
async def search_history(
    given: Annotated[OfHistory, Query()], runtime: TheRuntime, _: Reader
) -> History:
    """Search the history."""
    found, total = await runtime.database.read(_search, given)
    rows = found[: given.limit]
    return History(
        alerts=tuple(Alert.model_validate(_fields(one)) for one in rows),
        total=total,
        next=rows[-1].id if len(found) > given.limit else None,
    )


@router.get(
    "/alerts/history/{number}",
    summary="One alert of the history",
    responses=documented(problems.NOT_FOUND),
)
async def get_alert(
    number: Annotated[int, Path(ge=1, le=NUMBER_MAX)], runtime: TheRuntime, _: Reader
) -> Alert:
    """Return one alert of the history."""
    found = await runtime.database.read(episodes.find, number)
    if found is None:
        raise ToldError(problems.NOT_FOUND, f"There is no alert {number} in the history.")
    return Alert.model_validate(_fields(found))


def _firing(connection: Connection) -> tuple[list[Episode], list[Acknowledgement]]:
    return episodes.firing(connection), acknowledgements.active(connection)


def _search(connection: Connection, given: OfHistory) -> tuple[list[Episode], int]:
    last = None if given.before is None else episodes.find(connection, given.before)
    if given.before is not None and last is None:
        text = f"There is no alert {given.before} in the history any more: begin anew."
        raise ToldError(problems.NOT_FOUND, text)
    # One more than is told says whether there is more.
    found = episodes.search(
        connection,
        severity=given.severity,
        q=given.q,
        before=last.position if last else None,
        limit=given.limit + 1,
    )
    return found, episodes.count(connection, severity=given.severity, q=given.q)


def _hidden_by(one: Episode, active: Iterable[Acknowledgement]) -> int | None:
    found = (by.id for by in active if silences.hides(by.labels, by.severity, one.labels))
    return next(found, None)


def _fields(one: Episode) -> dict[str, object]:
    return {
        "id": one.id,
        "fingerprint": one.fingerprint,
        "alertname": one.name,
        "severity": one.severity,
        "backend": one.backend,
        "labels": without_name(one.labels),
        "annotations": one.annotations,
        "status": one.status,
        "starts_at": moment(one.starts_at),
        "ends_at": moment_or_none(one.ends_at),
        "ended_by": one.ended_by,
    }
