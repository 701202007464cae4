"""Makes, prolongs and ends the silences of acknowledgements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions.model import State
from exporter.logs import Log
from exporter.service import silences
from exporter.service.alertmanager import AlertmanagerError
from exporter.service.notifications import moment
from exporter.store import acknowledgements, audit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

    from exporter.service.alertmanager import AlertmanagerClient
    from exporter.service.looks import Silence
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.database import Database

# Alertmanager puts its own time, to the nanosecond, in place of a beginning in the past. It tells
# milliseconds only, and so it would take every later change for another beginning and make a new
# silence. Its clock is known to the second.
_SOON_S: Final = 2.0
UNCERTAIN: Final = (
    "It ended before Alertmanager confirmed its silence: whether anything was hidden in between"
    " is not known."
)
_log = Log(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """
    How long things last, in seconds.

    Attributes:
        silence_s: Length of a silence: what is left of it if we are gone for good.
        renew_s: With less than this left it is prolonged.
        dismiss_s: Length of a dismissal.
        longest_s: Of an acknowledgement, however long the alert fires.
        apart_s: Between the first and the last look of those in which something was missing.
        settle_s: After Alertmanager's start, until Prometheus has told it everything again.
        grace_s: A record's first silence is left to whoever wrote it for so long; longer than a
            request to Alertmanager can take.
    """

    silence_s: float = 900.0
    renew_s: float = 600.0
    dismiss_s: float = 1800.0
    longest_s: float = 86400.0
    apart_s: float = 30.0
    settle_s: float = 180.0
    grace_s: float = 20.0


class Silencer:
    """
    Silences for records: posted first, noted then; found by their mark when the note is missing.

    Args:
        wall: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        client: AlertmanagerClient,
        times: Times,
        wall: Callable[[], float],
    ) -> None:
        self._database = database
        self._client = client
        self._times = times
        self._wall = wall

    def left_s(self, record: Acknowledgement) -> float:
        """Return how long a silence made now would last."""
        left_s = record.expires_at - self._wall()
        if record.kind == acknowledgements.DISMISS:
            return left_s
        return min(self._times.silence_s, left_s)

    async def put(self, record: Acknowledgement, its_now: float, old: Silence | None) -> bool:
        """
        Make or prolong its silence; False when the record has ended meanwhile.

        Args:
            its_now: Unix seconds by Alertmanager's clock.
            old: The silence that is in force.

        Raises:
            SilenceRefusedError, AlertmanagerError: As `AlertmanagerClient.post_silence`.
        """
        left_s = self.left_s(record)
        soon = its_now + min(_SOON_S, left_s / 2)
        silence_id = await self._client.post_silence(
            matchers=silences.matchers(record.labels, record.severity),
            starts_at=soon if old is None else moment(old.starts_at),
            ends_at=its_now + left_s,
            created_by=record.who,
            comment=silences.comment(record),
            silence_id=None if old is None else old.id,
        )
        ends_at = self._wall() + left_s
        if await self._database.write(self._noted, record, silence_id, ends_at):
            return True
        await self.lift([silence_id])
        return False

    async def lift(self, ids: Iterable[str | None]) -> bool:
        """End silences; False when Alertmanager does not answer: `Renewer` does it later then."""
        try:
            for silence_id in dict.fromkeys(ids):
                if silence_id is not None:
                    await self._client.expire(silence_id)
        except AlertmanagerError as error:
            _log.warning("a silence outlives its acknowledgement", reason=str(error))
            return False
        return True

    def _noted(
        self, connection: Connection, record: Acknowledgement, silence_id: str, ends_at: float
    ) -> bool:
        self._database.lock(connection, acknowledgements.LOCK)
        if not acknowledgements.silenced(connection, record.id, silence_id, ends_at):
            return False
        if record.silence_id is None:
            confirm(connection, record, self._wall())
        return True


def confirm(connection: Connection, record: Acknowledgement, now: float) -> None:
    """Close the audit of a record whose silence is there."""
    _close(connection, record, State.DONE, done(record), now)


def end(connection: Connection, record: Acknowledgement, by: str, now: float) -> bool:
    """
    End a record, and the audit of one whose silence was never confirmed.

    Returns:
        False if it had ended before.
    """
    if not acknowledgements.end(connection, record.id, by, now):
        return False
    # A silence that is there has closed it as done, and so it stays.
    _close(connection, record, State.UNKNOWN, UNCERTAIN, now)
    return True


def done(record: Acknowledgement) -> str:
    """Say what has been done."""
    if record.kind == acknowledgements.DISMISS:
        return "Dismissed: nobody is told of it for a while."
    return (
        "Acknowledged: nobody is told of it again until it ends, gets worse, or the longest time"
        " is over."
    )


def _close(
    connection: Connection, record: Acknowledgement, state: State, message: str, now: float
) -> None:
    target = silences.target(record.labels)
    for before in (audit.STARTED, audit.UNKNOWN):
        row = audit.last(connection, record.kind, target, before)
        if row is not None and row.parameters.get("acknowledgement") == record.id:
            details = {"acknowledgement": record.id, "severity": record.severity}
            audit.close(connection, row.id, state, message, details, now)
