"""What people do to alerts, as the audit is told: once for each key, whoever asks again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import State
from exporter.service import silences
from exporter.store import acknowledgements, audit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from exporter.store.acknowledgements import Acknowledgement

UNCONFIRMED: Final = (
    "Written down, but Alertmanager has not confirmed the silence yet: until it does, this may be"
    " told again. It is asked every half minute."
)
# In the parameters of an entry: the number of the record.
_RECORD: Final = "acknowledgement"


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
    """

    who: str
    via: str
    action: str
    key: str
    instance: str

    @property
    def _once(self) -> str:
        return audit.one_time(self.who, self.action, self.key)

    def repeated(self, connection: Connection) -> Kept | None:
        """Return what came of the same request before."""
        row = audit.by_key(connection, self._once)
        if row is None:
            return None
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

    def _write(
        self,
        connection: Connection,
        labels: Mapping[str, str],
        record: Acknowledgement | None,
        now: float,
    ) -> int:
        told: dict[str, Any] = {} if record is None else {_RECORD: record.id}
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
