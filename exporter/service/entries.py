"""What people do to alerts, as the audit is told: once for each key, whoever asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import State
from exporter.service import silences
from exporter.service.clicks import KeyReusedError
from exporter.store import acknowledgements, audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from exporter.store.acknowledgements import Acknowledgement

UNCONFIRMED: Final = (
    "Written down, but Alertmanager has not confirmed the silence yet: until it does, this may be"
    " told again. It is asked every half minute."
)
# In the parameters of an entry; the first is the number of the record.
_RECORD: Final = "acknowledgement"
_COMMENT: Final = "comment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """
    What came of an acknowledgement, a dismissal or its withdrawal.

    Attributes:
        record: None if there is none.
        created: By this very request.
        state: done; refused; started while Alertmanager has not confirmed the silence.
        audit: The number in the audit; None when nothing was written.
    """

    record: Acknowledgement | None
    created: bool
    state: State
    message: str
    audit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    What somebody is about to do.

    Attributes:
        via: page or api.
        key: One-time, of this person and action.
        instance: This process.
        labels: Of the alert; None where others say which they are.
        number: Of the record that this is about; None where it makes one.
    """

    who: str
    via: str
    action: str
    key: str
    instance: str
    labels: Mapping[str, str] | None = None
    number: int | None = None
    comment: str = ""

    @property
    def _once(self) -> str:
        return audit.one_time(self.who, self.action, self.key)

    def repeated(self, connection: Connection) -> Kept | None:
        """
        Return what came of the same request before.

        Raises:
            KeyReusedError: It was another request.
        """
        row = audit.by_key(connection, self._once)
        if row is None:
            return None
        if self._differs(row.parameters):
            raise KeyReusedError
        number = row.parameters.get(_RECORD)
        return Kept(
            record=None if number is None else acknowledgements.find(connection, number),
            created=False,
            state=State(row.state),
            message=row.message or UNCONFIRMED,
            audit=row.id,
        )

    def begin(self, connection: Connection, record: Acknowledgement, now: float) -> Kept:
        """Write that a record is in force, whose silence is yet to be made."""
        number = self._write(connection, record.labels, record, now)
        return Kept(
            record=record, created=True, state=State.STARTED, message=UNCONFIRMED, audit=number
        )

    def whole(
        self,
        connection: Connection,
        state: State,
        message: str,
        labels: Mapping[str, str],
        record: Acknowledgement | None,
        now: float,
    ) -> Kept:
        """Write what is over with it."""
        number = self._write(connection, labels, record, now)
        audit.close(connection, number, state, message, {}, now)
        return Kept(record=record, created=False, state=state, message=message, audit=number)

    def _differs(self, parameters: Mapping[str, Any]) -> bool:
        labels, number = self.labels, self.number
        return (
            (labels is not None and _filled(labels) != _filled(parameters["labels"]))
            or (number is not None and number != parameters.get(_RECORD))
            or self.comment != parameters.get(_COMMENT, "")
        )

    def _write(
        self,
        connection: Connection,
        labels: Mapping[str, str],
        record: Acknowledgement | None,
        now: float,
    ) -> int:
        told: dict[str, Any] = {} if record is None else {_RECORD: record.id}
        told |= {_COMMENT: self.comment} if self.comment else {}
        return audit.begin(
            connection,
            at=now,
            who=self.who,
            via=self.via,
            action=self.action,
            target=silences.target(labels) if labels else "an alert that does not fire",
            parameters={"labels": dict(labels), **told},
            instance=self.instance,
            key=self._once,
        )


def _filled(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels without the empty ones: which of these are written down, the alerts say."""
    return {name: value for name, value in labels.items() if value}
