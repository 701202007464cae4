"""Reads what Alertmanager sends and answers: its notifications, and the alerts of its API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    FailFast,
    Field,
    PlainValidator,
    ValidationError,
)

from exporter.store.book import Notice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What is longer is cut for the history, with a mark at its end. Ours are far below; Alertmanager
# itself knows no limit. Labels of an alert are told apart by its fingerprint, which stays whole.
TEXT_MAX: Final = 4096
NAME_MAX: Final = 256
# Labels, and annotations, of one alert; those beyond are left out, in order of their names.
PAIRS_MAX: Final = 128
# Labels that are never left out: the history has columns of them.
_COLUMNS: Final = ("alertname", "severity", "backend")
_CUT: Final = "… (cut)"
# A longer name in a place says no more.
_PLACE_MAX: Final = 60
# With more than this it is no alert any more.
_PAIRS_READ: Final = 1000
_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


class NotificationError(Exception):
    """
    Raised when a body is no notification; the text says where and why, and is safe to show.

    Attributes:
        place: ``alerts[3].startsAt``; empty where the body is no JSON, then the text has line and
            column.
    """

    def __init__(self, place: str, text: str) -> None:
        super().__init__(text)
        self.place = place


def moment(text: str) -> float:
    """Return a time as Unix seconds in whole milliseconds; ValueError if it is none."""
    try:
        # Cut, as Alertmanager's API does it: its webhook sends nanoseconds.
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND / 1000
    except (TypeError, ValueError, OverflowError):  # without a zone it is no moment
        message = "write a time with its zone, for example 2024-05-01T10:00:00Z"
        raise ValueError(message) from None


def _moment(text: str) -> str:
    moment(text)
    return text


def _pairs(value: Any) -> dict[str, str]:
    """Return names with their texts. All at once: a model would tell a million mistakes apart."""
    if not isinstance(value, dict):
        message = "write names with their texts"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueErrors alone
    if len(value) > _PAIRS_READ:
        message = f"more than {_PAIRS_READ} of one alert"
        raise ValueError(message)
    for name, text in value.items():
        if not isinstance(text, str):
            message = f"the value of {ascii(name)[:_PLACE_MAX]} must be a text"
            raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueErrors alone
    return value


_Pairs = Annotated[dict[str, str], PlainValidator(_pairs)]
Time = Annotated[str, AfterValidator(_moment)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class Alert(_Model):
    """What a notification and the API have in common of an alert."""

    labels: _Pairs
    annotations: _Pairs = Field(default_factory=dict)
    starts_at: Time = Field(alias="startsAt")
    ends_at: Time | None = Field(None, alias="endsAt")
    fingerprint: str = Field(pattern=r"^[0-9a-zA-Z]{1,64}$")

    def notice(self, *, firing: bool) -> Notice:
        """Return it as the history takes it."""
        ends_at = moment(self.ends_at) if self.ends_at is not None and not firing else 0.0
        return Notice(
            fingerprint=self.fingerprint,
            starts_at=moment(self.starts_at),
            # Go writes the year 1 where there is no time.
            ends_at=ends_at if ends_at > 0 else None,
            firing=firing,
            labels=_bounded(self.labels),
            annotations=_bounded(self.annotations),
        )


class _Told(Alert):
    status: Literal["firing", "resolved"]


class _Body(_Model):
    version: Literal["4"]
    alerts: Annotated[tuple[_Told, ...], FailFast()]
    truncated: int = Field(0, alias="truncatedAlerts", ge=0)


class Notification:
    """
    What Alertmanager tells in one request.

    Attributes:
        notices: Its alerts.
        truncated: How many more there were, which it left out.
    """

    __slots__ = ("notices", "truncated")

    def __init__(self, body: bytes | bytearray) -> None:
        """
        Read a body.

        Raises:
            NotificationError: If it is none.
        """
        try:
            read = _Body.model_validate_json(body)
        except ValidationError as error:
            # Not the input: it may be long, and is the sender's own.
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            text = first["msg"].removeprefix("Value error, ")
            raise NotificationError(_place(first["loc"]), text) from None
        self.notices = [alert.notice(firing=alert.status == "firing") for alert in read.alerts]
        self.truncated = read.truncated


def _place(parts: Iterable[int | str]) -> str:
    """Return the place of a mistake; all names in it are ours."""
    words = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return "".join(words).removeprefix(".")


def _bounded(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return what is kept; PostgreSQL takes no NUL in a text."""
    names = sorted(pairs, key=lambda name: (name not in _COLUMNS, name))[:PAIRS_MAX]
    return {_clean(name, NAME_MAX): _clean(pairs[name], TEXT_MAX) for name in sorted(names)}


def _clean(text: str, limit: int) -> str:
    text = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT
