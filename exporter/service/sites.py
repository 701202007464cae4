"""The backends that actions may act on, each with the connections to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.actions.model import InputError, Site
from exporter.actions.upstream import Upstream
from exporter.service.readings import ExporterReader
from exporter.settings import Api

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from exporter.settings import ServiceSettings

    Transports = Callable[[str], httpx.AsyncBaseTransport | None]

_BACKEND: Final = "backend"


class Sites:
    """
    The configured backends.

    Args:
        transports: Returns what takes the place of the network for a base URL; in tests.

    Raises:
        OSError: If a file of CA certificates cannot be used.
    """

    def __init__(self, settings: ServiceSettings, transports: Transports = lambda _: None) -> None:
        self.settings = settings
        timeout_s = settings.actions.timeout
        self.reader = ExporterReader(
            settings.exporter_url, transport=transports(settings.exporter_url)
        )
        # The exporter takes no token: what it does on request changes nothing.
        self.exporter = Upstream(
            Api(url=settings.exporter_url),
            str,
            timeout_s,
            transport=transports(settings.exporter_url),
        )
        self._upstreams = {
            target.name: Upstream(
                target,
                lambda: settings.secret("admin_token"),
                timeout_s,
                body_limit=settings.limits.body,
                transport=transports(target.url),
            )
            for target in settings.all_targets()
        }

    @property
    def backends(self) -> tuple[str, ...]:
        """The names of the backends, in the order of the configuration."""
        return tuple(self._upstreams)

    def name(self, backend: str) -> str:
        """Return the name of a backend, the first for an empty one; InputError if none has it."""
        if not backend:
            return self.backends[0]
        if backend in self._upstreams:
            return backend
        raise InputError(_BACKEND, f"There is no such backend; there are {_listed(self.backends)}.")

    def upstream(self, backend: str) -> Upstream:
        """Return the API of a backend; InputError if there is no such backend."""
        return self._upstreams[self.name(backend)]

    async def site(self, backend: str) -> Site:
        """Return a backend with what the exporter knows of it; InputError if there is none."""
        name = self.name(backend)
        return Site(
            backend=name,
            upstream=self._upstreams[name],
            exporter=self.exporter,
            readings=await self.reader.read(name),
            settings=self.settings.actions,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.reader.close()
        for upstream in (self.exporter, *self._upstreams.values()):
            await upstream.close()


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
