"""Preferences: the threshold of each alert, whether it is on, and the sound."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import Body, Header, Response
from pydantic import Field, create_model

from exporter.catalogue.actions import PREFERENCES
from exporter.service import preferring
from exporter.service.api import problems, routing
from exporter.service.api.callers import VIA, Keeper, Reader, TheRuntime
from exporter.service.api.models import Sent, Told, moment
from exporter.service.api.problems import documented
from exporter.service.runtime import Runtime
from exporter.store import preferences

router = routing.router("Preferences")


def _left_out() -> None:
    """Stand for what nobody has set: never told, for what is unset is left out."""


def _thresholds() -> dict[str, Any]:
    """Return what may be set of each alert that has a threshold."""
    bounds = {name: preferences.highest(alert) for name, alert in preferences.BY_NAME.items()}
    return {
        name: (
            float,
            Field(default_factory=_left_out, title=name, ge=0, le=most, allow_inf_nan=False),
        )
        for name, most in sorted(bounds.items())
        if most is not None
    }


def _switches() -> dict[str, Any]:
    """Return what may be set of each alert: some cannot be off."""
    return {
        name: (
            bool if alert.switchable else Literal[True],
            Field(default_factory=_left_out, title=name),
        )
        for name, alert in sorted(preferences.BY_NAME.items())
    }


if TYPE_CHECKING:  # their fields are known at run time alone

    class Thresholds(Sent): ...  # noqa: D101

    class Switches(Sent): ...  # noqa: D101
else:
    Thresholds = create_model("Thresholds", __base__=Sent, **_thresholds())
    Switches = create_model("Switches", __base__=Sent, **_switches())


class Chosen(Sent):
    """All that people have set; what is left out is as configured."""

    thresholds: Thresholds = Field(
        description="In base units: 0.05 is 5 %, 0.5 is 500 ms.",
        examples=[{"OpsApiErrorRateHigh": 0.05, "OpsApiResponseTimeHigh": 0.5}],
    )
    enabled: Switches = Field(examples=[{"OpsModuleSlow": False}])
    sound: bool = Field(description="Of new alerts, on the page of live alerts.")


class AlertInForce(Told):
    """What holds for an alert."""

    threshold: float | None = Field(description="Null for an alert that judges a state.")
    default_threshold: float | None
    enabled: bool
    default_enabled: bool
    switchable: bool = Field(description="It can be off.")
    unit: Literal["ratio", "seconds", ""]


class InForce(Told):
    """What people have set, and what holds by it."""

    version: int = Field(ge=0, description="0: nobody has set anything yet.")
    who: str = Field(description="Who has set it; empty for version 0.")
    at: datetime | None
    chosen: Chosen = Field(description="Change this, and PUT it.")
    alerts: dict[str, AlertInForce] = Field(description="By name.")


_ETAG: Final = {
    "ETag": {"description": "The version, to be sent as If-Match.", "schema": {"type": "string"}}
}
_GIVEN: Final[dict[int | str, dict[str, Any]]] = {200: {"headers": _ETAG}}
Version = Annotated[
    str,
    Header(
        alias="If-Match",
        pattern=r'^"[0-9]{1,9}"$',
        description="The ETag of what you have seen.",
        examples=['"0"'],
    ),
]


@router.get(
    PREFERENCES.path,
    summary="What is in force",
    responses=_GIVEN | documented(),
    response_model_exclude_unset=True,
)
async def get_preferences(runtime: TheRuntime, _: Reader, answer: Response) -> InForce:
    """Return what is in force."""
    return _told(runtime, await runtime.preferences(), answer)


@router.put(
    PREFERENCES.path,
    summary="Put others in force",
    response_model_exclude_unset=True,
    responses=_GIVEN | documented(*problems.SENT, problems.CHANGED, problems.NO_VERSION),
)
async def put_preferences(
    given: Annotated[Chosen, Body()],
    version: Version,
    runtime: TheRuntime,
    who: Keeper,
    answer: Response,
) -> InForce:
    """Put others in force, as a whole; the rules take them up with their next evaluation."""
    saved = await preferring.save(
        runtime,
        version=int(version.strip('"')),
        thresholds=given.thresholds.model_dump(exclude_unset=True),
        enabled=given.enabled.model_dump(exclude_unset=True),
        sound=given.sound,
        who=who.name,
        via=VIA,
    )
    return _told(runtime, saved, answer)


def _told(runtime: Runtime, saved: preferences.Preferences, answer: Response) -> InForce:
    answer.headers["ETag"] = f'"{saved.version}"'
    found = preferences.in_force(runtime.settings, saved)
    # What an earlier version of this program has kept may be of alerts that are not there now.
    return InForce.model_validate(
        {
            "version": saved.version,
            "who": saved.who,
            "at": moment(saved.at) if saved.version else None,
            "chosen": {
                "thresholds": {
                    name: one.threshold
                    for name, one in found.items()
                    if saved.thresholds.get(name) == one.threshold is not None
                },
                "enabled": {
                    name: one.enabled for name, one in found.items() if name in saved.enabled
                },
                "sound": saved.sound,
            },
            "alerts": {
                name: {
                    "threshold": one.threshold,
                    "default_threshold": one.default_threshold,
                    "enabled": one.enabled,
                    "default_enabled": one.default_enabled,
                    "switchable": one.alert.switchable,
                    "unit": one.alert.limit.threshold.unit if one.alert.limit else "",
                }
                for name, one in found.items()
            },
        }
    )
