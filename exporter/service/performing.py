"""Runs actions: written down before and after, once for each click, not too often."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Protocol

from exporter.actions.model import Outcome, State
from exporter.logs import Log
from exporter.service.clicks import Click, KeyReusedError, Verdict, begin, past, target_of
from exporter.service.sparse import SparseState, look
from exporter.store import audit, leases
from exporter.store.database import Database, DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.actions.model import Action, Confirmation, Site
    from exporter.service.sites import Sites

_STOPPED: Final = Outcome(
    state=State.UNKNOWN,
    message="Unknown outcome: the action service was stopped before the answer came.",
)

_log = Log(__name__)


class Metrics(Protocol):
    """Counts what is done."""

    def acted(self, action: str, result: str, seconds: float) -> None:
        """Count one run."""


class Performer:
    """
    The one that acts.

    Args:
        sites: The backends; another one may be put in its place when the configuration changes.
        wall: Unix seconds.
        instance: The id of this process, of no other.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        database: Database,
        sites: Sites,
        wall: Callable[[], float],
        instance: str,
        metrics: Metrics,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sites = sites
        self.instance = instance
        self._database = database
        self._wall = wall
        self._metrics = metrics
        self._clock = clock
        self._starting: set[asyncio.Task[Any]] = set()
        self._acting: set[asyncio.Task[Outcome]] = set()
        self._running: dict[int, asyncio.Task[audit.Record]] = {}
        self._unwritten: dict[int, tuple[Outcome, float]] = {}

    async def prepare(self, action: Action, backend: str, raw: Mapping[str, str]) -> Confirmation:
        """
        Say what a run would do; changes nothing.

        Raises:
            InputError: If a parameter cannot be right.
            DatabaseError: The database does not answer.
        """
        parameters = action.clean(raw, self.sites.settings.actions)
        site = await self.sites.site(backend)
        confirmation = await action.confirm(site, parameters)
        target = target_of(site.backend, confirmation)
        earlier = await self._database.read(past, action.route.slug, target)
        return replace(confirmation, facts=[*confirmation.facts, *earlier])

    async def perform(
        self,
        action: Action,
        backend: str,
        raw: Mapping[str, str],
        *,
        who: str,
        via: str,
        key: str | None,
    ) -> audit.Record:
        """
        Run *action* and return what came of it; a background one is returned while it runs.

        The same user's same *key* returns the row that it began, and nothing runs. Whoever starts
        what already runs in the background gets the row of that run.

        Raises:
            InputError: If a parameter cannot be right; nothing was written down.
            TooSoon: It ran a moment ago, or is running; nothing was written down.
            KeyReusedError: The key belongs to other parameters.
            DatabaseError: Nothing was done, for it could not be written down.
        """
        began = self._clock()
        name = self.sites.name(backend)
        parameters = {"backend": name, **action.clean(raw, self.sites.settings.actions)}
        slug = action.route.slug
        one_time = audit.one_time(who, slug, key) if key else None
        if one_time and (found := await self._database.read(audit.by_key, one_time)):
            return await self._again(found, parameters, background=action.background)
        site = await self.sites.site(name)
        confirmation = await action.confirm(site, parameters)
        click = Click(
            who=who,
            via=via,
            key=one_time,
            action=slug,
            target=target_of(name, confirmation),
            parameters=parameters,
            before={title: text for title, text in confirmation.facts if text is not None},
            refusal=confirmation.refusal,
            background=action.background,
            cooldown_s=site.settings.cooldown,
            instance=self.instance,
        )
        # Whoever leaves does not stop what has begun: it could not be told from a crash.
        starting = asyncio.create_task(self._start(action, site, click, began))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        record, verdict, run = await asyncio.shield(starting)
        if verdict is Verdict.FOUND:
            return await self._again(record, parameters, background=action.background)
        if action.background or run is None:
            return record
        return await asyncio.shield(run)

    async def record(self, number: int) -> audit.Record | None:
        """Return a row of the audit."""
        return await self._database.read(audit.find, number)

    async def records(
        self, limit: int, before: int | None = None, action: str | None = None
    ) -> list[audit.Record]:
        """Return rows of the audit, the newest first."""
        return await self._database.read(audit.records, limit, before, action)

    async def sparse(self, backend: str | None = None) -> SparseState:
        """Return how far the sparse embeddings of a backend, or of the last one, have come."""
        name = None if backend is None else self.sites.name(backend)
        return await self._database.read(look, name, self._wall())

    async def tend(self) -> None:
        """
        Say that this process lives, write what could not be written, give up what others left.

        To be called at the start, and every 10 s.

        Raises:
            DatabaseError: The database does not answer.
        """
        await self._database.write(leases.live, self.instance, self._wall())
        for number, (outcome, at) in list(self._unwritten.items()):
            await self._database.write(
                audit.close, number, outcome.state, outcome.message, outcome.details, at
            )
            del self._unwritten[number]
        lost = await self._database.write(audit.give_up, self._wall())
        if lost:
            _log.warning("actions with unknown outcome", numbers=list(lost))

    async def close(self) -> None:
        """End what runs; its outcome is unknown, and written down as that."""
        await asyncio.gather(*self._starting, return_exceptions=True)
        # Not the runs themselves: one may be about to write down how it ended.
        for acting in list(self._acting):
            acting.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        with suppress(DatabaseError):
            await self._database.write(leases.leave, self.instance)

    async def _again(
        self, found: audit.Record, parameters: Mapping[str, str], *, background: bool
    ) -> audit.Record:
        """Return what came of an earlier click with the same key."""
        if found.parameters != parameters:
            raise KeyReusedError
        joined = found.details.get("joined")
        if isinstance(joined, int):
            return await self._database.read(audit.find, joined) or found
        run = self._running.get(found.id)
        if run is not None and not background:
            return await asyncio.shield(run)
        # It may have ended since it was found.
        return await self._database.read(audit.find, found.id) or found

    async def _start(
        self, action: Action, site: Site, click: Click, began: float
    ) -> tuple[audit.Record, Verdict, asyncio.Task[audit.Record] | None]:
        """Write the click down and let it run, if it may."""
        run: asyncio.Task[audit.Record] | None = None
        now = self._wall()
        record, verdict = await self._database.write(begin, self._database.lock, click, now)
        if verdict is Verdict.BEGUN:
            acting = asyncio.create_task(action.run(site, click.parameters))
            self._acting.add(acting)
            acting.add_done_callback(self._acting.discard)
            run = asyncio.create_task(self._run(acting, click, record))
            self._running[record.id] = run
            run.add_done_callback(lambda _: self._running.pop(record.id, None))
        elif verdict is Verdict.REFUSED:
            self._metrics.acted(click.action, record.state, self._clock() - began)
        return record, verdict, run

    async def _run(
        self, acting: asyncio.Task[Outcome], click: Click, record: audit.Record
    ) -> audit.Record:
        began = self._clock()
        try:
            outcome = await acting
        except asyncio.CancelledError:
            outcome = _STOPPED
        except Exception as error:  # noqa: BLE001 - a row must not stay open for it
            _log.exception("an action failed in a way nobody foresaw", action=click.action)
            message = f"Unknown outcome: our own mistake ({type(error).__name__}) came between."
            outcome = Outcome(state=State.UNKNOWN, message=message)
        if click.before:
            outcome = replace(outcome, details={**outcome.details, "before": click.before})
        now = self._wall()
        self._metrics.acted(click.action, outcome.state, self._clock() - began)
        _log.info("action", action=click.action, audit=record.id, result=str(outcome.state))
        closed = replace(
            record,
            state=str(outcome.state),
            message=outcome.message,
            details=outcome.details,
            closed_at=now,
        )
        try:
            await self._database.write(
                audit.close, record.id, outcome.state, outcome.message, outcome.details, now
            )
        except DatabaseError as error:
            # Known to us as long as we live; it is written as soon as that can be done.
            self._unwritten[record.id] = outcome, now
            _log.error("the end of an action waits", audit=record.id, reason=str(error))
        return closed
