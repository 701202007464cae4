"""The running action service: its parts, and the configuration in force."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.service.accounts import check_names
from exporter.service.alerting import Alerting
from exporter.service.first_password import FirstPassword
from exporter.service.forms import Forms
from exporter.service.identity import Identifier
from exporter.service.jobs import Jobs
from exporter.service.metrics import Metrics
from exporter.service.performing import Performer
from exporter.service.pruning import prune
from exporter.service.sites import Sites
from exporter.service.throttle import ACTIONS_MAX, ACTIONS_WINDOW_S, Throttle
from exporter.service.webhook import Webhook
from exporter.settings import ConfigurationError
from exporter.store import acknowledgements, preferences
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TextIO

    from sqlalchemy import Connection
    from starlette.requests import Request

    from exporter.service.identity import Identity
    from exporter.service.sites import Transports
    from exporter.service.visits import Page
    from exporter.settings import ServiceSettings
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.database import Database
    from exporter.store.preferences import Preferences

# Seconds between two runs. A process that says nothing for 30 s counts as dead.
_TEND_S: Final = 10.0
_RENEW_S: Final = 30.0
_RECONCILE_S: Final = 60.0
_PRUNE_S: Final = 3600.0

_log = Log(__name__)


class Runtime:
    """
    The parts of the service; made by ``starting.start``.

    Attributes:
        settings: In force.
        instance: The id of this process, of no other.
        performer: Runs actions.
        alerting: Acknowledges, renews and reconciles.
        webhook: Takes notifications.
        identifier: Says who asks.
        actions_throttle: How often one user may act.
        nav: The pages in the bar.
        changes: Called after the history of alerts has changed, for the live panel.
    """

    def __init__(
        self,
        database: Database,
        settings: ServiceSettings,
        key: str,
        *,
        load: Callable[[], ServiceSettings],
        revision: str,
        wall: Callable[[], float],
        screen: TextIO | None,
        password_cost: int,
        transports: Transports,
    ) -> None:
        self._load = load
        self._screen = screen
        self._transports = transports
        self.wall = wall
        self.password_cost = password_cost
        self.instance = str(uuid.uuid4())
        self.database = database
        self.settings = settings
        self.metrics = Metrics(revision=revision)
        self.forms = Forms(key, wall)
        self.actions_throttle = Throttle(ACTIONS_MAX, ACTIONS_WINDOW_S)
        self.nav: tuple[Page, ...] = ()
        self.changes: list[Callable[[], None]] = []
        self.identifier = Identifier(database, settings, {}, wall=wall)
        self.first_password = self._first_password(settings)
        self.performer = Performer(
            database, self._sites(settings), wall, self.instance, self.metrics
        )
        self.alerting = self._alerting(settings)
        self.webhook = Webhook(
            database,
            token=lambda: self.settings.secret("webhook_token"),
            soon=self._soon,
            counted=self.metrics.notified,
            wall=wall,
            changed=self._changed,
        )
        self._jobs = Jobs()
        # A run may take hours; the connections that it has are closed at the end.
        self._old_sites: list[Sites] = []

    @property
    def folder(self) -> str:
        """Before each path of ours, as browsers know it."""
        return self.settings.actions.folder

    async def identify(self, request: Request) -> Identity | None:
        """Return the person who asks for a page; None when we do not know them."""
        return await self.identifier.of_page(request.scope)

    async def preferences(self) -> Preferences:
        """Return what people have set."""
        return await self.database.read(preferences.current)

    async def refresh(self) -> None:
        """
        Bring the metrics up to date with the database, which other replicas write to as well.

        What it does not tell stays as it was.
        """
        try:
            saved, active = await self.database.read(_shared)
            sparse = await self.performer.sparse()
        except DatabaseError as error:
            _log.warning("metrics are not up to date", reason=str(error))
            return
        self.metrics.in_force(preferences.in_force(self.settings, saved))
        self.metrics.acknowledged(active)
        self.metrics.sparse(sparse)

    async def begin(self, users: Mapping[str, bytes]) -> None:
        """
        Let the users in, and begin with the background jobs.

        Raises:
            ConfigurationError: Nobody could sign in.
        """
        self.identifier = await self._identifier(self.settings, users)
        await self.performer.tend()
        await self.refresh()
        self._jobs.start()
        self._jobs.every(_TEND_S, "tend", self.performer.tend)
        self._jobs.every(_RENEW_S, "renew", self._renew)
        self._jobs.every(_RECONCILE_S, "reconcile", self._reconcile)
        self._jobs.every(_PRUNE_S, "prune", self._prune)

    async def reload(self, users: Mapping[str, bytes]) -> None:
        """
        Read the configuration again and swap it in whole.

        Args:
            users: Hash by name, of the web configuration file.

        Raises:
            ConfigurationError: The last good configuration stays; the text is safe to show.
        """
        settings = await asyncio.to_thread(self._load)
        if settings.database() != self.settings.database():
            message = "database_url: cannot change while the service runs; restart it"
            raise ConfigurationError(message)
        identifier = await self._identifier(settings, users)
        sites = self._sites(settings)
        other = settings.alertmanager.url != self.settings.alertmanager.url
        alerting = self._alerting(settings) if other else self.alerting
        # From here on nothing can fail, and until the first await nobody can look.
        before, self.alerting = self.alerting, alerting
        self._old_sites.append(self.performer.sites)
        self.performer.sites = sites
        self.settings, self.identifier = settings, identifier
        self.first_password = self._first_password(settings)
        if other:
            await before.close()
        await self.refresh()

    async def stop(self) -> None:
        """End the jobs, write down what they leave unfinished, close every connection."""
        self._jobs.stop()
        await self.alerting.close()
        await self.performer.close()
        for sites in (self.performer.sites, *self._old_sites):
            await sites.close()
        await asyncio.to_thread(self.database.close)

    async def _identifier(
        self, settings: ServiceSettings, users: Mapping[str, bytes]
    ) -> Identifier:
        check_names(users)
        attempts = self.identifier.attempts
        identifier = Identifier(self.database, settings, users, attempts=attempts, wall=self.wall)
        if not users and not identifier.peers.believes:
            await self._first_password(settings).ensure(self.wall())
        return identifier

    def _first_password(self, settings: ServiceSettings) -> FirstPassword:
        return FirstPassword(
            self.database, settings.state_dir, self._screen, cost=self.password_cost
        )

    def _sites(self, settings: ServiceSettings) -> Sites:
        try:
            return Sites(settings, self._transports)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            message = f"ca_file: cannot be used: {reason}"
            raise ConfigurationError(message) from None

    def _alerting(self, settings: ServiceSettings) -> Alerting:
        return Alerting(
            self.database,
            settings.alertmanager.url,
            instance=self.instance,
            wall=self.wall,
            changed=self._changed,
            transport=self._transports(settings.alertmanager.url),
        )

    # By name, not bound once: a reload may put others in their place.

    def _soon(self) -> None:
        self.alerting.reconciler.soon()

    async def _renew(self) -> None:
        await self.alerting.renewer.renew()

    async def _reconcile(self) -> None:
        await self.alerting.reconciler.reconcile()

    async def _prune(self) -> None:
        retention_s = self.settings.actions.retention
        await prune(self.database, self.instance, self.wall(), retention_s)

    def _changed(self) -> None:
        for told in self.changes:
            told()


def _shared(connection: Connection) -> tuple[Preferences, list[Acknowledgement]]:
    return preferences.current(connection), acknowledgements.active(connection)
