"""
Acknowledging and dismissing alerts: a durable record first, and then its silence.

Whatever happens in between, `Renewer` finds the record and makes the silence, or finds the silence
by its mark.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.actions.model import State
from exporter.logs import Log
from exporter.service import previews, silences, silencing
from exporter.service.alertmanager import AlertmanagerError, SilenceRefusedError
from exporter.service.entries import Entry, Kept
from exporter.service.previews import Preview, Previewer
from exporter.service.silencing import UNCERTAIN, done
from exporter.store import acknowledgements as store
from exporter.store import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from exporter.service.alertmanager import AlertmanagerClient
    from exporter.service.silencing import Silencer, Times
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.database import Database

COMMENT_MAX: Final = 1000
WITHDRAW: Final = "withdraw"
_SAID: Final = {store.ACKNOWLEDGE: "acknowledged", store.DISMISS: "dismissed"}
_log = Log(__name__)


class Acknowledger:
    """
    What people say of alerts.

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
        self._previewer = Previewer(database, client, times=times, wall=wall)
        self._silencer = silencer
        self._instance = instance
        self._wall = wall

    async def active(self) -> list[Acknowledgement]:
        """Return what is in force, the oldest first."""
        return await self._database.read(store.active)

    async def preview(self, kind: str, query: Mapping[str, str]) -> Preview:
        """Say what it would hide, as `Previewer.preview`."""
        return await self._previewer.preview(kind, query)

    async def acknowledge(
        self, query: Mapping[str, str], *, who: str, via: str, comment: str, key: str
    ) -> Kept:
        """
        Acknowledge an alert: hidden while it fires, until it gets worse, and a day at most.

        Args:
            query: As of `preview`.
            via: page or api.
            key: One-time: with the same one of the same person, nothing happens again.

        Raises:
            InputError: As `preview`.
            KeyReusedError: The key belongs to another request.
        """
        return await self._keep(
            store.ACKNOWLEDGE, query, who=who, via=via, comment=comment, key=key
        )

    async def dismiss(
        self, query: Mapping[str, str], *, who: str, via: str, comment: str, key: str
    ) -> Kept:
        """Hide an alert for a short while, once; otherwise as `acknowledge`."""
        return await self._keep(store.DISMISS, query, who=who, via=via, comment=comment, key=key)

    async def withdraw(self, number: int, *, who: str, via: str, key: str) -> Kept:
        """End what is in force: what fires is told again."""
        kept = await self._database.write(self._withdrawn, number, who, via, key)
        if kept.created and kept.record is not None:
            await self._silencer.lift([kept.record.silence_id])
        return kept

    async def _keep(
        self, kind: str, query: Mapping[str, str], *, who: str, via: str, comment: str, key: str
    ) -> Kept:
        text = " ".join(comment.replace("\0", " ").split())[:COMMENT_MAX]
        entry = Entry(
            who=who,
            via=via,
            action=kind,
            key=key,
            instance=self._instance,
            labels=previews.named(query),
            comment=text,
        )
        before = await self._database.read(entry.repeated)
        if before is not None:
            return before
        preview = await self.preview(kind, query)
        kept, replaced = await self._database.write(self._begin, preview, entry)
        if not kept.created or kept.record is None:
            return kept
        try:
            made = await self._silencer.put(kept.record, preview.its_now, None)
        except SilenceRefusedError as error:
            return await self._database.write(self._refused, kept, kept.record, str(error))
        except AlertmanagerError as error:
            _log.warning("a silence is not confirmed", reason=str(error))
            return kept
        await self._silencer.lift([replaced])
        record = await self._database.read(store.find, kept.record.id)
        if not made:
            return replace(kept, record=record, state=State.UNKNOWN, message=UNCERTAIN)
        return replace(kept, record=record, state=State.DONE, message=done(kept.record))

    def _begin(
        self, connection: Connection, preview: Preview, entry: Entry
    ) -> tuple[Kept, str | None]:
        """Write the record; return what came of it, and the id of a silence that it replaces."""
        self._database.lock(connection, store.LOCK)
        if (before := entry.repeated(connection)) is not None:
            return before, None
        now = self._wall()
        if preview.refusal:
            state, text = State.REFUSED, preview.refusal
            return entry.whole(connection, state, text, preview.labels, None, now), None
        old = store.same(connection, preview.labels)
        if old is not None:
            if _suffices(old, preview, now):
                text = f"This was {_SAID[old.kind]} by {old.who} already."
                return entry.whole(connection, State.DONE, text, old.labels, old, now), None
            silencing.end(connection, old, "replaced", now)
        record = store.begin(
            connection,
            kind=preview.kind,
            labels=preview.labels,
            severity=preview.severity,
            who=entry.who,
            comment=entry.comment,
            at=now,
            expires_at=preview.until,
        )
        kept = entry.begin(connection, record, now)
        return kept, None if old is None else old.silence_id

    def _refused(
        self, connection: Connection, kept: Kept, record: Acknowledgement, why: str
    ) -> Kept:
        message = f"Alertmanager refused the silence, so this is told as before: {why}"
        now = self._wall()
        self._database.lock(connection, store.LOCK)
        if kept.audit is not None:
            audit.close(connection, kept.audit, State.REFUSED, message, {}, now)
        store.end(connection, record.id, "refused", now)
        ended = store.find(connection, record.id)
        return replace(kept, record=ended, state=State.REFUSED, message=message)

    def _withdrawn(self, connection: Connection, number: int, who: str, via: str, key: str) -> Kept:
        entry = Entry(
            who=who,
            via=via,
            action=WITHDRAW,
            key=key,
            instance=self._instance,
            number=number,
        )
        now = self._wall()
        self._database.lock(connection, store.LOCK)
        if (before := entry.repeated(connection)) is not None:
            return before
        record = store.find(connection, number)
        if record is None:
            text = f"There is no acknowledgement {number}."
            return Kept(record=None, created=False, state=State.REFUSED, message=text, audit=None)
        if not silencing.end(connection, record, "withdrawn", now):
            text = "It had ended already."
            return entry.whole(connection, State.DONE, text, record.labels, record, now)
        text = "Withdrawn: what still fires is told again."
        kept = entry.whole(connection, State.DONE, text, record.labels, record, now)
        return replace(kept, created=True)


def _suffices(old: Acknowledgement, preview: Preview, now: float) -> bool:
    """Say whether what is in force does already what is asked for."""
    longer = preview.kind == store.ACKNOWLEDGE and old.kind == store.DISMISS
    worse = silences.rank(preview.severity) > silences.rank(old.severity)
    return not longer and not worse and old.expires_at > now
