"""What Alertmanager has when it is looked at: alerts that fire, and silences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from exporter.service.notifications import Alert, Time, moment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.store.book import Notice


class Model(BaseModel):
    """A part of an answer; later versions may add to it."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class _State(Model):
    state: str
    silenced_by: tuple[str, ...] = Field((), alias="silencedBy")


class LiveAlert(Alert):
    """An alert that Alertmanager has, so it fires."""

    status: _State

    @property
    def silenced_by(self) -> Sequence[str]:
        """The ids of the silences that hide it."""
        return self.status.silenced_by

    @property
    def severity(self) -> str:
        """The label; nothing without it."""
        return self.labels.get("severity", "")

    def told(self) -> Notice:
        """Return it as the history takes it."""
        return self.notice(firing=True)


class Silence(Model):
    """A silence that Alertmanager knows; one that is over is known for days."""

    id: str = Field(max_length=64)
    status: _State
    starts_at: Time = Field(alias="startsAt")
    ends_at: Time = Field(alias="endsAt")
    comment: str = ""

    @property
    def over(self) -> bool:
        """Hides nothing any more, and never will again."""
        return self.status.state == "expired"

    @property
    def end(self) -> float:
        """Unix seconds, by Alertmanager's clock."""
        return moment(self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """
    What Alertmanager had when it was asked.

    Attributes:
        now: Unix seconds by its own clock, which need not be ours.
        up_s: How long it had been running. Of alerts it knows nothing after a start, until
            Prometheus tells it again.
    """

    alerts: Sequence[LiveAlert]
    silences: Sequence[Silence]
    now: float
    up_s: float
