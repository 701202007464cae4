"""Keeps acknowledgements true: prolongs their silences while the alert fires, and ends both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.actions.model import State
from exporter.logs import Log
from exporter.service import silences, silencing
from exporter.service.absences import Absences
from exporter.service.alertmanager import SilenceRefusedError
from exporter.store import acknowledgements, audit, leases
from exporter.store.acknowledgements import ACKNOWLEDGE, Acknowledgement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from exporter.service.alertmanager import AlertmanagerClient
    from exporter.service.looks import Look, Silence
    from exporter.service.silencing import Silencer, Times
    from exporter.store.database import Database

LEASE: Final = "acknowledgements"
# Three runs; who has it and ends gives way within this time.
LEASE_S: Final = 90.0
# Who did it, in the audit.
OURSELVES: Final = "ops-exporter"
_WHY: Final = {
    "resolved": "The alert does not fire any more.",
    "escalated": "The alert has got worse: everybody is told of it.",
    "expired": "The longest time is over, and the alert still fires.",
    "silence": "The time of the dismissal is over.",
    "refused": "Alertmanager does not want the silence.",
}
_log = Log(__name__)


class Renewer:
    """
    The background job of acknowledgements; of several replicas, one does it.

    Args:
        instance: This process.
        wall: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        client: AlertmanagerClient,
        silencer: Silencer,
        *,
        times: Times,
        instance: str,
        wall: Callable[[], float],
    ) -> None:
        self._database = database
        self._client = client
        self._silencer = silencer
        self._times = times
        self._instance = instance
        self._wall = wall
        self._absences = Absences(times.apart_s)

    async def renew(self) -> bool:
        """
        Look once at everything that is in force; False when another replica does it.

        Raises:
            AlertmanagerError: If Alertmanager does not answer; nothing is ended but by the clock.
            DatabaseError: If the database does not.
        """
        take = leases.take
        if not await self._database.write(
            take, LEASE, self._instance, now=self._wall(), duration_s=LEASE_S
        ):
            self._absences.forget()
            return False
        records = []
        for record in await self._database.read(acknowledgements.active):
            if record.expires_at > self._wall():
                records.append(record)
            else:
                dismissal = record.kind == acknowledgements.DISMISS
                await self._end(record, "silence" if dismissal else "expired", (record.silence_id,))
        # Even with no record: a silence may have outlived its own.
        look = await self._client.look()
        gone = self._gone(records, look)
        ours = _by_record(look.silences)
        for record in records:
            own = _own(record, look.silences, ours)
            if by := self._verdict(record, look, own, gone):
                await self._end(record, by, [silence.id for silence in own])
            else:
                await self._keep(record, look, own)
        await self._tidy(ours)
        return True

    def _gone(self, records: Sequence[Acknowledgement], look: Look) -> Mapping[int, float]:
        """Return what has not fired for long enough."""
        if look.up_s < self._times.settle_s:
            self._absences.forget()
            return {}
        missing = {
            record.id: record.at
            for record in records
            if not any(silences.matches(record.labels, alert.labels) for alert in look.alerts)
        }
        return self._absences.look(missing, self._wall())

    def _verdict(
        self,
        record: Acknowledgement,
        look: Look,
        own: Sequence[Silence],
        gone: Mapping[int, float],
    ) -> str:
        """Say what ends it; nothing when it stays in force."""
        worst = max(
            (
                silences.rank(alert.severity)
                for alert in look.alerts
                if silences.matches(record.labels, alert.labels)
            ),
            default=0,
        )
        if worst > silences.rank(record.severity):
            return "escalated"
        if record.kind == ACKNOWLEDGE:
            return "resolved" if record.id in gone else ""
        # Whoever ends it in Alertmanager, or loses it there, ends a dismissal for good.
        return "silence" if record.silence_id is not None and not own else ""

    async def _keep(self, record: Acknowledgement, look: Look, own: Sequence[Silence]) -> None:
        """See to it that one silence is in force, for long enough."""
        best = max(own, key=lambda silence: silence.end, default=None)
        try:
            if best is None:
                if self._is_made_now(record):
                    return
                await self._silencer.put(record, look.now, None)
                _log.info("a silence was missing and is posted anew", acknowledgement=record.id)
                return
            left_s = best.end - look.now
            # At the longest time, nothing can be gained any more.
            short = left_s < min(self._times.renew_s, self._silencer.left_s(record) - 1)
            if (record.kind == ACKNOWLEDGE and short) or best.id != record.silence_id:
                await self._silencer.put(record, look.now, best)
        except SilenceRefusedError as error:
            _log.warning("a silence was refused", acknowledgement=record.id, reason=str(error))
            if best is None:
                await self._end(record, "refused", ())
            return
        await self._silencer.lift(silence.id for silence in own if silence is not best)

    def _is_made_now(self, record: Acknowledgement) -> bool:
        """Say whether whoever wrote the record may still be about to make its silence."""
        age_s = self._wall() - record.at
        return record.silence_id is None and 0 <= age_s < self._times.grace_s

    async def _tidy(self, ours: Mapping[silences.Mark, Sequence[Silence]]) -> None:
        """End the silences of records that have ended: we may have been stopped in between."""
        known = await self._database.read(acknowledgements.numbered, [number for number, _ in ours])
        for mark, found in ours.items():
            record = known.get(mark.number)
            # Of another installation, or of a record that is deleted, we know nothing.
            if record is not None and record.ended_at is not None and silences.mark(record) == mark:
                await self._silencer.lift(silence.id for silence in found)

    async def _end(self, record: Acknowledgement, by: str, ids: Sequence[str | None]) -> None:
        # The record first: with the silence alone gone it would be made anew.
        await self._database.write(self._ended, record, by)
        await self._silencer.lift((*ids, record.silence_id))

    def _ended(self, connection: Connection, record: Acknowledgement, by: str) -> None:
        now = self._wall()
        self._database.lock(connection, acknowledgements.LOCK)
        if silencing.end(connection, record, by, now):
            audit.record(
                connection,
                at=now,
                who=OURSELVES,
                via="system",
                action=f"end-{record.kind}",
                target=silences.target(record.labels),
                parameters={"acknowledgement": record.id},
                instance=self._instance,
                state=State.DONE,
                message=_WHY[by],
                details={"ended_by": by, "who": record.who},
            )
            _log.info("an acknowledgement has ended", acknowledgement=record.id, by=by)


def _by_record(found: Sequence[Silence]) -> dict[silences.Mark, list[Silence]]:
    """Return the silences that bear a mark of ours, by it."""
    ours: dict[silences.Mark, list[Silence]] = {}
    for silence in found:
        mark = silences.marked(silence.comment)
        if mark is not None and not silence.over:
            ours.setdefault(mark, []).append(silence)
    return ours


def _own(
    record: Acknowledgement,
    every: Sequence[Silence],
    ours: Mapping[silences.Mark, Sequence[Silence]],
) -> list[Silence]:
    """Return the record's silences: by the mark, and by the id, for people may change comments."""
    known = [s for s in every if s.id == record.silence_id and not s.over]
    return [*known, *(s for s in ours.get(silences.mark(record), ()) if s not in known)]
