"""The defaults of alerts: what people have not set on the action service's page."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from exporter.catalogue.rules import ALERTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.catalogue.alerting import Alert
    from exporter.settings.together import Mistake

_BY_NAME: Final = {alert.name: alert for alert in ALERTS}


def _name(value: str) -> str:
    if value in _BY_NAME:
        return value
    alike = difflib.get_close_matches(value, _BY_NAME, n=1)
    more = f"did you mean {alike[0]}?" if alike else "docs/runbook.md lists them"
    message = f"no such alert; {more}"
    raise ValueError(message)


AlertName = Annotated[str, AfterValidator(_name)]
Base = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]


class AlertSettings(BaseModel):
    """What may be set for one alert; what is left out is as the catalogue has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    threshold: Base | None = None
    enabled: bool = True


def thresholds(chosen: dict[str, AlertSettings]) -> dict[str, float]:
    """Return the threshold of each alert that has another than the catalogue's."""
    return {name: one.threshold for name, one in chosen.items() if one.threshold is not None}


def switched_off(chosen: dict[str, AlertSettings]) -> list[str]:
    """Return the names of the alerts that are off."""
    return [name for name, one in chosen.items() if not one.enabled]


def mistakes(raw: object) -> Iterator[Mistake]:
    """Yield what is wrong with settings that are right by themselves, in *raw* ones by name."""
    chosen = raw if isinstance(raw, dict) else {}
    for name, one in chosen.items():
        alert = _BY_NAME.get(name)
        if alert is None or not isinstance(one, dict):
            continue
        if one.get("enabled") is False and not alert.switchable:
            yield ("alerts", name, "enabled"), "cannot be off: nobody would know that nothing works"
        threshold = one.get("threshold")
        if threshold is not None and alert.limit is None:
            yield ("alerts", name, "threshold"), "this alert judges a state and has none"
        elif isinstance(threshold, int | float) and _beyond_all(alert, threshold):
            yield ("alerts", name, "threshold"), "write a ratio from 0 to 1: 0.05 is 5 %"


def _beyond_all(alert: Alert, threshold: float) -> bool:
    return alert.limit is not None and alert.limit.threshold.unit == "ratio" and threshold > 1
