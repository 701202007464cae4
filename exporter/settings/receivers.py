"""
Who is notified: models of the receivers, the same words as Alertmanager's where it has some.

Credentials are named by file, for Alertmanager to read: they may lie on another machine, so nothing
here opens them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from exporter.settings.units import duration, http_url

# A service that hears nothing for days is no dead man's switch; one asked all the time is a burden.
_HEARTBEAT_MIN_S: Final = 10.0
_HEARTBEAT_MAX_S: Final = 86400.0


def _endpoint(value: str) -> str:
    """Return a URL that is posted to: other than a base URL it may have a query."""
    base, _, query = value.partition("?")
    if "@" in base:
        message = "leave user and password out of the URL; put a token into credentials_file"
        raise ValueError(message)
    http_url(base)
    if not query.isascii() or not query.isprintable() or not {" ", "#", '"'}.isdisjoint(query):
        message = "percent-encode what stands after the question mark"
        raise ValueError(message)
    return value


def _absolute(value: Path) -> Path:
    # Alertmanager takes some paths from its configuration's folder, and some from its own.
    if value.is_absolute():
        return value
    message = "write the whole path, from / on, as Alertmanager sees it"
    raise ValueError(message)


def _matching(pattern: str, right: str) -> AfterValidator:
    def check(value: str) -> str:
        if re.fullmatch(pattern, value):
            return value
        raise ValueError(right)

    return AfterValidator(check)


def _heartbeat(value: float) -> float:
    if _HEARTBEAT_MIN_S <= value <= _HEARTBEAT_MAX_S:
        return value
    message = "must be from 10s to 1d"
    raise ValueError(message)


def _some(right: str) -> AfterValidator:
    def check(value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            return value
        raise ValueError(right)

    return AfterValidator(check)


Severity = Literal["critical", "warning", "info"]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
# Read by Alertmanager whenever it notifies.
SecretFile = Annotated[Path, AfterValidator(_absolute)]
# Letters and signs of an address in its plain form. Alertmanager takes the text as a template, and
# several addresses in one text: neither gets through.
_ADDRESS: Final = r"[A-Za-z0-9.!#$%&'*+/=?^_`|~-]+@[A-Za-z0-9.-]+"
Address = Annotated[str, _matching(_ADDRESS, "write an address, for example ops@example.org")]
Smarthost = Annotated[
    str,
    _matching(
        r"([A-Za-z0-9._-]+|\[[0-9a-fA-F:.]+\]):[0-9]{1,5}",
        "write host and port, for example mail.example.org:587",
    ),
]
Channel = Annotated[
    str, _matching(r"[#@]?[^\s#@{}<>]{1,80}", "write a channel, for example #operations")
]


class Part(BaseModel):
    """A part of a section."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class _Receiver(Part):
    """Somebody who is notified."""

    severities: Annotated[
        tuple[Severity, ...], _some("name at least one of critical, warning, info")
    ] = Field(("critical", "warning"), description="What it is told about.")


class Slack(_Receiver):
    """A channel of Slack."""

    api_url_file: SecretFile = Field(description="File with the URL of an incoming webhook.")
    channel: Channel | None = Field(
        None, description="Channel to post to; an incoming webhook has its own."
    )


class Email(_Receiver):
    """Mail, in HTML and plain text."""

    to: Annotated[tuple[Address, ...], _some("write at least one address")] = Field(
        description="Addresses, each of which gets the mail."
    )
    sender: Address = Field(description="Address that it comes from.")
    smarthost: Smarthost = Field(description="Mail server that takes it, host and port.")
    auth_username: str | None = Field(None, description="User at the mail server.")
    auth_password_file: SecretFile | None = Field(
        None, description="File with the password, without a line break at its end before 0.28."
    )
    require_tls: bool = Field(
        True,  # noqa: FBT003 - the default
        description="Send nothing over a connection that is not encrypted.",
    )

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        if (self.auth_username is None) != (self.auth_password_file is None):
            message = "set both auth_username and auth_password_file, or none of them"
            raise ValueError(message)
        return self


class PagerDuty(_Receiver):
    """A service of PagerDuty."""

    routing_key_file: SecretFile = Field(
        description="File with the integration key of its Events API, version 2."
    )
    url: Endpoint | None = Field(
        None, description="Where events are sent, when not to PagerDuty's service region US."
    )


class MsTeams(_Receiver):
    """A channel of Microsoft Teams, through a workflow."""

    webhook_url_file: SecretFile = Field(description="File with the URL of the workflow.")


class Posted(Part):
    """Something that Alertmanager posts its JSON to."""

    url: Endpoint | None = Field(None, description="URL to post to.")
    url_file: SecretFile | None = Field(
        None, description="File with the URL, when the URL is a secret; needs 0.26."
    )
    credentials_file: SecretFile | None = Field(
        None, description="File with a bearer token to send."
    )


class Webhook(_Receiver, Posted):
    """Any webhook: it gets the JSON of Alertmanager, version 4."""

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if (self.url is None) == (self.url_file is None):
            message = "set either url or url_file"
            raise ValueError(message)
        return self


class DeadMansSwitch(Posted):
    """A service that raises the alarm when it has not heard of us."""

    interval: Annotated[float, BeforeValidator(duration), AfterValidator(_heartbeat)] = Field(
        300.0, description="How often it hears of us, 10s to 1d."
    )

    @model_validator(mode="after")
    def _one_url(self) -> Self:
        if self.url is not None and self.url_file is not None:
            message = "set either url or url_file, not both"
            raise ValueError(message)
        return self

    @property
    def configured(self) -> bool:
        """Whether there is one."""
        return self.url is not None or self.url_file is not None
