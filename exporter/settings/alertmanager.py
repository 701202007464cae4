"""Alertmanager: where it is, its version with what that has not, and who is notified through it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from exporter.settings.receivers import (
    DeadMansSwitch,
    Email,
    MsTeams,
    PagerDuty,
    Part,
    Posted,
    SecretFile,
    Slack,
    Webhook,
)
from exporter.settings.units import http_url

if TYPE_CHECKING:
    from collections.abc import Iterator

_VERSION: Final = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.[0-9]{1,4})?")
# Older ones cannot read the password of a mail server or the key of PagerDuty from a file.
VERSION_MIN: Final = (0, 25)


class Feature(NamedTuple):
    """
    What not every supported Alertmanager has.

    Attributes:
        since: The first version that has it.
        name: What Alertmanager's own configuration calls it.
    """

    since: tuple[int, int]
    name: str


# By the setting that needs it. From Alertmanager's change log, and tried: amtool 0.25 refuses each
# of them, amtool 0.33 takes them.
NEWER: Final = {
    "webhook.url_file": Feature((0, 26), "url_file in webhook_configs"),
    "dead_mans_switch.url_file": Feature((0, 26), "url_file in webhook_configs"),
    "msteams": Feature((0, 28), "msteamsv2_configs"),
}


def version_of(text: str) -> tuple[int, int]:
    """Return major and minor of a version; ValueError if it is none or too old."""
    found = _VERSION.fullmatch(text)
    if not found:
        message = 'write the version in quotes, for example "0.28"'
        raise ValueError(message)
    if (version := (int(found[1]), int(found[2]))) < VERSION_MIN:
        message = f"must be {_dotted(VERSION_MIN)} or later"
        raise ValueError(message)
    return version


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _version(value: object) -> str:
    # YAML reads 0.30 as a number, and writes it as 0.3.
    text = value if isinstance(value, str) else ""
    version_of(text)
    return text


class AlertmanagerSettings(Part):
    """The Alertmanager that notifications go through."""

    url: Annotated[str, AfterValidator(http_url)] = Field(
        "http://127.0.0.1:9093", description="Base URL of Alertmanager."
    )
    external_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        None, description="Where users reach it, when not at `alertmanager.url`."
    )
    actions_url: Annotated[str, AfterValidator(http_url)] | None = Field(
        None,
        description="Where it reaches the action service itself, when not at `actions.url`: behind"
        " a proxy for users, which has no webhook.",
    )
    version: Annotated[str, BeforeValidator(_version)] = Field(
        "0.25", description="Its version; what it does not know is refused here."
    )
    webhook_token_file: SecretFile | None = Field(
        None, description="File with the bearer token that it sends to the action service."
    )
    slack: tuple[Slack, ...] = Field((), description="Channels of Slack.")
    email: tuple[Email, ...] = Field((), description="Mail.")
    pagerduty: tuple[PagerDuty, ...] = Field((), description="Services of PagerDuty.")
    msteams: tuple[MsTeams, ...] = Field((), description="Channels of Microsoft Teams; needs 0.28.")
    webhook: tuple[Webhook, ...] = Field((), description="Any other webhooks.")
    dead_mans_switch: DeadMansSwitch = Field(
        default_factory=DeadMansSwitch,
        description="What raises the alarm when nothing is heard of OpsWatchdog: `url` or"
        " `url_file`, `credentials_file`, `interval` (5m).",
    )

    @field_validator("msteams", "webhook", "dead_mans_switch")
    @classmethod
    def _known(cls, value: object, info: ValidationInfo) -> object:
        """Refuse what the Alertmanager of this version does not know."""
        version = info.data.get("version")  # absent when it is a mistake itself
        for setting, place in _newer(str(info.field_name), value):
            feature = NEWER[setting]
            if version is not None and version_of(version) < feature.since:
                message = (
                    f"{place}Alertmanager {_dotted(feature.since)} is the first with"
                    f" {feature.name}, and alertmanager.version is {version}"
                )
                raise ValueError(message)
        return value


def _newer(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield each setting in *value* that is in `NEWER`, and what stands there if it is a part."""
    if name in NEWER and value:
        yield name, ""
    parts = value if isinstance(value, tuple) else (value,)
    for number, part in enumerate(parts):
        if isinstance(part, Posted) and part.url_file is not None:
            index = f"[{number}]." if isinstance(value, tuple) else ""
            yield f"{name}.url_file", f"{index}url_file: "
