"""Uvicorn's HTTP on a listening socket, with TLS that can be exchanged while serving."""

from __future__ import annotations

import asyncio
import functools
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

    from uvicorn.config import Config
    from uvicorn.server import ServerState

    from exporter.web.contract import ASGIApp
    from exporter.web.options import WebConfig

# Longer than a minute, the longest usual scrape interval: a scraper keeps its connection.
KEEP_ALIVE_S: Final = 120
HANDSHAKE_TIMEOUT_S: Final = 10.0
# How long a stop waits for answers under way, before it cuts the connections that are left.
ANSWERS_END_S: Final = 0.8


class Server:
    """
    Accepts connections for *app* on *listener*, by the TLS of a web configuration.

    Args:
        app: Answers every request.
        listener: Bound and listening; closed by :meth:`stop`.
        config: What the first connections are taken by.
    """

    def __init__(self, app: ASGIApp, listener: socket.socket, config: WebConfig) -> None:
        self._listener = listener
        self._uvicorn, self._state = _uvicorn(app)
        self._web = config
        self._accepting: asyncio.Server | None = None
        self._clock: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Accept connections."""
        await self._accept(self._web)
        self._set_date()

    async def renew(self, config: WebConfig) -> None:
        """
        Take new connections by another configuration; none is refused in between.

        Connections that were let in by the old certificates come back for a new handshake.
        """
        if config.tls is None and self._web.tls is None:
            return
        old = self._accepting
        await self._accept(config)
        if old is not None:
            old.close()
        for connection in list(self._state.connections):
            connection.shutdown()

    async def stop(self) -> None:
        """Stop accepting, let the answers under way end, then cut what is left."""
        if self._accepting is not None:
            self._accepting.close()
        self._listener.close()
        if self._clock is not None:
            self._clock.cancel()
        for connection in list(self._state.connections):
            connection.shutdown()
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + ANSWERS_END_S
        # uvicorn tells nobody when a connection has gone
        while self._state.connections and loop.time() < deadline_s:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        for task in list(self._state.tasks):
            task.cancel()

    async def _accept(self, config: WebConfig) -> None:
        from exporter.web.connection import Connection  # noqa: PLC0415 - after the port is taken

        # Each server closes its own copy of the socket; the queue of connections stays.
        self._accepting = await asyncio.get_running_loop().create_server(
            functools.partial(
                Connection,
                config=self._uvicorn,
                server_state=self._state,
                app_state={},
                allowed_sans=config.allowed_sans,
            ),
            sock=self._listener.dup(),
            ssl=config.tls,
            ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if config.tls else None,
        )
        self._web = config

    def _set_date(self) -> None:
        date = formatdate(time.time(), usegmt=True).encode()
        self._state.default_headers = [(b"date", date)]
        self._clock = asyncio.get_running_loop().call_later(1, self._set_date)


def _uvicorn(app: ASGIApp) -> tuple[Config, ServerState]:
    from uvicorn.config import Config  # noqa: PLC0415 - after the port is taken
    from uvicorn.server import ServerState  # noqa: PLC0415

    from exporter.web.connection import Connection  # noqa: PLC0415

    config = Config(
        app,
        http=Connection,
        interface="asgi3",
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    return config, ServerState()
