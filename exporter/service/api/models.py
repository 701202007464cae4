"""What the answers of the API are made of; every moment is RFC 3339 in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.store import acknowledgements, audit

# What a row's number can be, in every database.
NUMBER_MAX: Final = 2**31 - 1
PORTION: Final = 50
PORTION_MAX: Final = 200

Number = Annotated[int, Field(ge=1, le=NUMBER_MAX)]
State = Literal["started", "done", "refused", "failed", "unknown"]


class Sent(BaseModel):
    """What somebody sends: nothing that is not known, and nothing that must be guessed."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Asked(BaseModel):
    """The query of an address, all of whose values are texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Told(BaseModel):
    """A part of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Record(Told):
    """A row of the audit: who did what, and what came of it."""

    id: Number
    at: datetime = Field(description="When it began.")
    closed_at: datetime | None = Field(description="When it was over; null while it runs.")
    who: str
    via: Literal["page", "api", "system"]
    action: str = Field(examples=["ingest"])
    target: str = Field(examples=["default: github.com/owner/name"])
    parameters: dict[str, Any]
    state: State = Field(
        description="started: it runs · done: the API says so · refused: it was not done · failed:"
        " it was begun and did not succeed · unknown: nobody knows whether it was done"
    )
    message: str = Field(description="A sentence for the person who asked; empty while it runs.")
    details: dict[str, Any] = Field(description="Facts, by their names in plain words.")

    @classmethod
    def of(cls, row: audit.Record) -> Record:
        """Return a row as it is told."""
        return cls.model_validate(
            {
                "id": row.id,
                "at": moment(row.at),
                "closed_at": moment_or_none(row.closed_at),
                "who": row.who,
                "via": row.via,
                "action": row.action,
                "target": row.target,
                "parameters": row.parameters,
                "state": row.state,
                "message": row.message,
                "details": row.details,
            }
        )


class Acknowledgement(Told):
    """What somebody said of an alert: acknowledged, or dismissed for a while."""

    id: Number
    kind: Literal["acknowledge", "dismiss"]
    alertname: str
    labels: dict[str, str] = Field(
        description="What the alert must have beside its name; an empty one it must not have."
    )
    severity: str = Field(description="Nothing graver is hidden.")
    who: str
    comment: str
    at: datetime
    expires_at: datetime = Field(description="When it ends though the alert still fires.")
    confirmed: bool = Field(description="Alertmanager has the silence.")
    ended_at: datetime | None
    ended_by: str | None = Field(
        description="resolved, escalated, expired, withdrawn, silence (a dismissal's is over),"
        " replaced (by a later one) or refused (Alertmanager did not want the silence)."
    )

    @classmethod
    def of(cls, row: acknowledgements.Acknowledgement) -> Acknowledgement:
        """Return one as it is told."""
        return cls.model_validate(
            {
                "id": row.id,
                "kind": row.kind,
                "alertname": row.alertname,
                "labels": without_name(row.labels),
                "severity": row.severity,
                "who": row.who,
                "comment": row.comment,
                "at": moment(row.at),
                "expires_at": moment(row.expires_at),
                "confirmed": row.silence_id is not None,
                "ended_at": moment_or_none(row.ended_at),
                "ended_by": row.ended_by,
            }
        )


def moment(at: float) -> datetime:
    """Return Unix seconds as a moment."""
    return datetime.fromtimestamp(at, UTC)


def moment_or_none(at: float | None) -> datetime | None:
    """Return Unix seconds as a moment; None where there are none."""
    return None if at is None else moment(at)


def without_name(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels without the name of the alert, which stands beside them."""
    return {name: value for name, value in labels.items() if name != "alertname"}
