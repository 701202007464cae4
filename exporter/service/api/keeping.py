"""What people say of alerts: acknowledge, dismiss, withdraw; what it would hide (GET) first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import Body, Path, Query, Response
from pydantic import Field

from exporter.actions.model import State
from exporter.service.api import problems, routing
from exporter.service.api.callers import VIA, Keeper, Key, Reader, TheRuntime
from exporter.service.api.models import (
    NUMBER_MAX,
    Acknowledgement,
    Told,
    moment,
    without_name,
)
from exporter.service.api.naming import NAME, OfAlert, Saying
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError
from exporter.store import acknowledgements

if TYPE_CHECKING:
    from exporter.service.entries import Kept
    from exporter.service.looks import LiveAlert
    from exporter.service.runtime import Runtime

router = routing.router("Alerts")

_ACCEPTED: Final = 202
_ANSWERS: Final = documented(*problems.SENT, problems.REFUSED, problems.KEY_REUSED)
_STATES: Final = (State.DONE, State.STARTED)

RecordNumber = Annotated[int, Path(ge=1, le=NUMBER_MAX)]


class LivingAlert(Told):
    """An alert that Alertmanager has."""

    fingerprint: str
    alertname: str
    labels: dict[str, str]
    severity: str


class KeepingPreview(Told):
    """What it would hide."""

    kind: Literal["acknowledge", "dismiss"]
    alertname: str = Field(description="Send this, and the labels, to do it.")
    labels: dict[str, str]
    severity: str = Field(description="The gravest that would be hidden.")
    matchers: tuple[str, ...] = Field(description="Of the silence, as Alertmanager writes them.")
    alerts: tuple[LivingAlert, ...] = Field(description="Exactly what would be hidden now.")
    told: tuple[LivingAlert, ...] = Field(
        description="What has these labels and is told nevertheless, being of a foreign severity."
    )
    until: datetime | None = Field(description="When it ends at the latest; null when refused.")
    existing: Acknowledgement | None = Field(description="What is in force for it already.")
    refusal: str = Field(description="Why it cannot be done; empty when it can.")


class Result(Told):
    """What came of it."""

    state: Literal["done", "started"] = Field(
        description="started: it is written down, and Alertmanager has not confirmed it yet."
    )
    message: str
    audit: int = Field(description="The entry of the audit.")
    acknowledgement: Acknowledgement


class Active(Told):
    """What is in force."""

    acknowledgements: tuple[Acknowledgement, ...] = Field(description="The oldest first.")


@router.get(
    "/alerts/acknowledge", summary="Acknowledge: what it would hide", responses=documented()
)
async def preview_acknowledge(
    given: Annotated[OfAlert, Query()], runtime: TheRuntime, _: Reader
) -> KeepingPreview:
    """Say which alerts an acknowledgement would hide, and until when. Changes nothing."""
    return await _preview(runtime, acknowledgements.ACKNOWLEDGE, given)


@router.post("/alerts/acknowledge", summary="Acknowledge", responses=_ANSWERS)
async def acknowledge(
    given: Annotated[Saying, Body()], key: Key, runtime: TheRuntime, who: Keeper, answer: Response
) -> Result:
    """Hide an alert while it fires, until it gets worse, and a day at most."""
    kept = await runtime.alerting.acknowledger.acknowledge(
        given.query(), who=who.name, via=VIA, comment=given.comment, key=key
    )
    return _result(kept, answer)


@router.get("/alerts/dismiss", summary="Dismiss: what it would hide", responses=documented())
async def preview_dismiss(
    given: Annotated[OfAlert, Query()], runtime: TheRuntime, _: Reader
) -> KeepingPreview:
    """Say which alerts a dismissal would hide, and until when. Changes nothing."""
    return await _preview(runtime, acknowledgements.DISMISS, given)


@router.post("/alerts/dismiss", summary="Dismiss", responses=_ANSWERS)
async def dismiss(
    given: Annotated[Saying, Body()], key: Key, runtime: TheRuntime, who: Keeper, answer: Response
) -> Result:
    """Hide an alert for half an hour, once."""
    kept = await runtime.alerting.acknowledger.dismiss(
        given.query(), who=who.name, via=VIA, comment=given.comment, key=key
    )
    return _result(kept, answer)


@router.get("/acknowledgements", summary="What is in force", responses=documented())
async def list_acknowledgements(runtime: TheRuntime, _: Reader) -> Active:
    """Return what is acknowledged and dismissed."""
    found = await runtime.alerting.acknowledger.active()
    return Active(acknowledgements=tuple(Acknowledgement.of(one) for one in found))


@router.get(
    "/acknowledgements/{number}",
    summary="One acknowledgement or dismissal",
    responses=documented(problems.NOT_FOUND),
)
async def get_acknowledgement(
    number: RecordNumber, runtime: TheRuntime, _: Reader
) -> Acknowledgement:
    """Return one, in force or not: what a withdrawal would end."""
    found = await runtime.database.read(acknowledgements.find, number)
    if found is None:
        raise ToldError(problems.NOT_FOUND, _none(number))
    return Acknowledgement.of(found)


@router.post(
    "/acknowledgements/{number}/withdraw",
    summary="Withdraw",
    responses=documented(*problems.SENT, problems.NOT_FOUND, problems.KEY_REUSED),
)
async def withdraw(
    number: RecordNumber, key: Key, runtime: TheRuntime, who: Keeper, answer: Response
) -> Result:
    """End an acknowledgement or a dismissal: what still fires is told again."""
    acknowledger = runtime.alerting.acknowledger
    kept = await acknowledger.withdraw(number, who=who.name, via=VIA, key=key)
    if kept.record is None:
        raise ToldError(problems.NOT_FOUND, _none(number))
    return _result(kept, answer)


async def _preview(runtime: Runtime, kind: str, given: OfAlert) -> KeepingPreview:
    found = await runtime.alerting.acknowledger.preview(kind, given.query())
    return KeepingPreview.model_validate(
        {
            "kind": kind,
            "alertname": found.labels.get(NAME, ""),
            "labels": without_name(found.labels),
            "severity": found.severity,
            "matchers": found.matchers,
            "alerts": [_living(alert) for alert in found.alerts],
            "told": [_living(alert) for alert in found.told],
            "until": None if found.refusal else moment(found.until),
            "existing": found.existing and Acknowledgement.of(found.existing),
            "refusal": found.refusal,
        }
    )


def _result(kept: Kept, answer: Response) -> Result:
    if kept.record is None or kept.audit is None or kept.state not in _STATES:
        raise ToldError(problems.REFUSED, kept.message, audit=kept.audit)
    if kept.state is State.STARTED:
        answer.status_code = _ACCEPTED
    return Result.model_validate(
        {
            "state": kept.state.value,
            "message": kept.message,
            "audit": kept.audit,
            "acknowledgement": Acknowledgement.of(kept.record),
        }
    )


def _living(alert: LiveAlert) -> dict[str, object]:
    return {
        "fingerprint": alert.fingerprint,
        "alertname": alert.labels.get(NAME, ""),
        "labels": without_name(alert.labels),
        "severity": alert.severity,
    }


def _none(number: int) -> str:
    return f"There is no acknowledgement {number}."
