"""What people say of alerts: acknowledge, dismiss, withdraw; what it would hide (GET) first."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final, Literal

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import Field

from exporter.actions.model import InputError, State
from exporter.service.api import problems
from exporter.service.api.callers import VIA, Keeper, Key, Reader, TheRuntime
from exporter.service.api.models import (
    NUMBER_MAX,
    Acknowledgement,
    Asked,
    Sent,
    Told,
    moment,
    without_name,
)
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError
from exporter.service.keeping import COMMENT_MAX
from exporter.store import acknowledgements

if TYPE_CHECKING:
    from exporter.service.entries import Kept
    from exporter.service.looks import LiveAlert
    from exporter.service.runtime import Runtime

router = APIRouter(tags=["Alerts"])

_NAME: Final = "alertname"
_LABELS: Final = "labels"
_FINGERPRINT: Final = "fingerprint"
_VALUE_MAX: Final = 256
_LABELS_MAX: Final = 31  # and the name
_LABEL: Final = r"[a-zA-Z_][a-zA-Z0-9_]{0,127}"
_ACCEPTED: Final = 202
_SAYING: Final = "Send the name of the alert beside the labels."
_ONCE: Final = "Send each label once, and the name as alertname."
_ALONE: Final = "Send it alone, without name and labels."
_ANSWERS: Final = documented(*problems.SENT, problems.REFUSED, problems.KEY_REUSED)
_STATES: Final = (State.DONE, State.STARTED)

Word = Annotated[str, Field(min_length=1, max_length=_VALUE_MAX, examples=["OpsModuleDown"])]
LabelName = Annotated[str, Field(pattern=f"^{_LABEL}$")]
LabelValue = Annotated[str, Field(max_length=_VALUE_MAX)]
RecordNumber = Annotated[int, Path(ge=1, le=NUMBER_MAX)]


class OfAlert(Asked):
    """Which alert: by name and labels, or by its fingerprint."""

    alertname: Annotated[str, Field(max_length=_VALUE_MAX, examples=["OpsModuleDown"])] = ""
    label: tuple[Annotated[str, Field(max_length=400, pattern=f"^{_LABEL}=")], ...] = Field(
        (),
        max_length=_LABELS_MAX,
        description="`NAME=VALUE`, as often as there are; one at least beside the name.",
        examples=[["backend=default", "module=auth"]],
    )
    fingerprint: str = Field(
        "", max_length=64, pattern=r"^[0-9a-zA-Z]*$", description="Instead of name and labels."
    )

    def query(self) -> dict[str, str]:
        """Return what is asked for, as a page's link has it."""
        if self.fingerprint:
            if self.alertname or self.label:
                raise InputError(_FINGERPRINT, _ALONE)
            return {_FINGERPRINT: self.fingerprint}
        pairs = [pair.partition("=") for pair in self.label]
        labels = {name: value for name, _, value in pairs}
        if len(labels) < len(pairs) or _NAME in labels:
            raise InputError(_LABELS, _ONCE)
        return {_NAME: self.alertname, **labels}


class Saying(Sent):
    """Which alert, and why."""

    alertname: Word
    labels: dict[LabelName, LabelValue] = Field(
        min_length=1,
        max_length=_LABELS_MAX,
        description="What tells the alert apart beside its name; an empty one it must not have.",
        examples=[{"backend": "default", "module": "auth"}],
    )
    comment: str = Field(
        "", max_length=COMMENT_MAX, description="Why; Alertmanager shows it.", examples=["on it"]
    )

    def query(self) -> dict[str, str]:
        """Return what is asked for, as a page's link has it."""
        if _NAME in self.labels:
            raise InputError(_LABELS, _SAYING)
        return {_NAME: self.alertname, **self.labels}


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


@router.get("/alerts/acknowledge", responses=documented())
async def preview_acknowledge(
    given: Annotated[OfAlert, Query()], runtime: TheRuntime, _: Reader
) -> KeepingPreview:
    """Say which alerts an acknowledgement would hide, and until when. Changes nothing."""
    return await _preview(runtime, acknowledgements.ACKNOWLEDGE, given)


@router.post("/alerts/acknowledge", responses=_ANSWERS)
async def acknowledge(
    given: Annotated[Saying, Body()], key: Key, runtime: TheRuntime, who: Keeper, answer: Response
) -> Result:
    """Hide an alert while it fires, until it gets worse, and a day at most."""
    kept = await runtime.alerting.acknowledger.acknowledge(
        given.query(), who=who.name, via=VIA, comment=given.comment, key=key
    )
    return _result(kept, answer)


@router.get("/alerts/dismiss", responses=documented())
async def preview_dismiss(
    given: Annotated[OfAlert, Query()], runtime: TheRuntime, _: Reader
) -> KeepingPreview:
    """Say which alerts a dismissal would hide, and until when. Changes nothing."""
    return await _preview(runtime, acknowledgements.DISMISS, given)


@router.post("/alerts/dismiss", responses=_ANSWERS)
async def dismiss(
    given: Annotated[Saying, Body()], key: Key, runtime: TheRuntime, who: Keeper, answer: Response
) -> Result:
    """Hide an alert for half an hour, once."""
    kept = await runtime.alerting.acknowledger.dismiss(
        given.query(), who=who.name, via=VIA, comment=given.comment, key=key
    )
    return _result(kept, answer)


@router.get("/acknowledgements", responses=documented())
async def active(runtime: TheRuntime, _: Reader) -> Active:
    """Return what is acknowledged and dismissed."""
    found = await runtime.alerting.acknowledger.active()
    return Active(acknowledgements=tuple(Acknowledgement.of(one) for one in found))


@router.get("/acknowledgements/{number}", responses=documented(problems.NOT_FOUND))
async def acknowledgement(number: RecordNumber, runtime: TheRuntime, _: Reader) -> Acknowledgement:
    """Return one, in force or not: what a withdrawal would end."""
    found = await runtime.database.read(acknowledgements.find, number)
    if found is None:
        raise ToldError(problems.NOT_FOUND, _none(number))
    return Acknowledgement.of(found)


@router.post(
    "/acknowledgements/{number}/withdraw",
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
            "alertname": found.labels.get(_NAME, ""),
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
        "alertname": alert.labels.get(_NAME, ""),
        "labels": without_name(alert.labels),
        "severity": alert.severity,
    }


def _none(number: int) -> str:
    return f"There is no acknowledgement {number}."
