"""
The life of the process that serves: listen, build, serve, reload, stop.

It listens before it builds: ``/-/healthy`` is answered while the rest is still being imported, and
everything here imports late what the first answer does not need.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.web import listen as listening
from exporter.web.guard import Guard, refuse
from exporter.web.options import WebConfig
from exporter.web.server import Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from exporter.web.contract import ASGIApp, Receive, Scope, Send

# A stop takes 2 s at most: the answers under way (server.py), then the pollers, then the way out.
SERVICE_ENDS_S: Final = 0.7
PROCESS_ENDS_S: Final = 1.8

_log = Log(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """
    What is served once it is built.

    Attributes:
        app: The pages.
        reload: Validates and swaps the service's own configuration, with the web configuration that
            comes into force with it; raises ConfigurationError.
        stop: Ends what the service started.
        reload_failed: Told when the web configuration was at fault, so that a metric can say so.
    """

    app: ASGIApp
    reload: Callable[[WebConfig], Awaitable[None]]
    stop: Callable[[], Awaitable[None]]
    reload_failed: Callable[[], None] = lambda: None


class Host:
    """
    A server with the service behind it: reloads both or neither.

    Args:
        file: Of the web configuration.
        insecure: Serve others than this machine without asking who they are.
        asks_itself: The service asks who they are, always, with the users of *file* if it has any.

    Attributes:
        config: The web configuration at the start.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        file: Path | None,
        insecure: bool,
        asks_itself: bool = False,
    ) -> None:
        self.config = config = _web_config(file)
        self.address = listening.bound(listener)
        self._insecure = insecure or asks_itself
        listening.check_exposure(self.address, config, insecure=self._insecure)
        self._file = file
        self._guard = Guard(_starting, config, asks=not asks_itself)
        self._service: Service | None = None
        self._one_at_a_time = asyncio.Lock()
        self.server = Server(self._guard, listener, config)
        self.scheme = "https" if config.tls else "http"
        asks = asks_itself or config.users
        if asks and not config.tls and not listening.is_loopback(self.address):
            _log.warning("passwords are sent in clear text", right="set tls_server_config too")

    def take(self, service: Service) -> None:
        """Serve *service* from now on."""
        self._service = service
        self._guard.app = service.app

    async def reload(self) -> None:
        """
        Read the web configuration and the service's own again, and swap both.

        Raises:
            ConfigurationError: Nothing was swapped; the text is safe to show.
        """
        async with self._one_at_a_time:
            if self._service is None:
                _log.info("reload skipped, still starting")
                return
            try:
                config = await asyncio.to_thread(_web_config, self._file)
                listening.check_exposure(self.address, config, insecure=self._insecure)
            except Exception:
                self._service.reload_failed()
                raise
            await self._service.reload(config)
            self._guard.swap(config)
            await self.server.renew(config)
            _log.info("configuration reloaded")

    async def reload_by_signal(self) -> None:
        """Reload and log what is wrong; nobody waits for the answer."""
        from exporter.settings import ConfigurationError  # noqa: PLC0415 - heavy

        try:
            await self.reload()
        except ConfigurationError as error:
            for problem in error.problems:
                _log.error("reload failed, last good configuration stays", problem=problem)
        except Exception:  # noqa: BLE001 - a reload must not end the process
            _log.exception("reload failed, last good configuration stays")

    async def stop_service(self) -> None:
        """End the service, if it was built."""
        if self._service is not None:
            await self._service.stop()


def run(
    build: Callable[[Host], Awaitable[Service]],
    *,
    listen: str,
    web_config_file: Path | None = None,
    insecure: bool = False,
    asks_itself: bool = False,
) -> int:
    """
    Serve until SIGTERM or SIGINT; SIGHUP reloads.

    Args:
        build: Awaited while ``/-/healthy`` is answered already; give ``host.reload`` to the page
            that reloads. Let it import in a thread (``asyncio.to_thread``).
        listen: ``HOST:PORT``; port 0 takes a free one, which the log tells.
        web_config_file: TLS, users and headers; see config.py.
        insecure: Serve others than this machine without authentication.
        asks_itself: The service asks everybody who they are; the server in front does not.

    Returns:
        The exit status: 0 after a stop, 1 when it could not start, each reason on standard error.
    """
    import uvloop  # noqa: PLC0415 - `--help` must not pay for it

    try:
        listener = listening.bind(listening.parse(listen))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, listener:
            runner.run(
                _serve(build, listener, web_config_file, insecure=insecure, asks_itself=asks_itself)
            )
    except Exception as error:
        from exporter.settings import ConfigurationError  # noqa: PLC0415 - heavy

        if not isinstance(error, ConfigurationError):
            raise
        for problem in error.problems:
            sys.stderr.write(f"ops-exporter: {problem}\n")
        return 1
    return 0


async def _serve(
    build: Callable[[Host], Awaitable[Service]],
    listener: socket.socket,
    file: Path | None,
    *,
    insecure: bool,
    asks_itself: bool,
) -> None:
    host = Host(listener, file=file, insecure=insecure, asks_itself=asks_itself)
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(host.reload_by_signal())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    def stop() -> None:
        # A thread that hangs (a name being resolved) cannot be ended, and Python would wait for it.
        way_out = threading.Timer(PROCESS_ENDS_S, os._exit, args=(0,))
        way_out.daemon = True
        way_out.start()
        stopping.set()

    loop.add_signal_handler(signal.SIGHUP, reload)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    await host.server.start()
    _log.info("listening", address=str(host.address), url=f"{host.scheme}://{host.address}/")
    try:
        await _build_and_wait(build, host, stopping)
    finally:
        await host.server.stop()
        for task in reloads:
            task.cancel()  # it would find half of the service
        await _end_service(host)
    _log.info("stopped")


async def _build_and_wait(
    build: Callable[[Host], Awaitable[Service]], host: Host, stopping: asyncio.Event
) -> None:
    """Build the service, unless the signal to stop comes first, and serve it until then."""
    building = asyncio.ensure_future(build(host))
    waiting = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({building, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if not building.done():
        building.cancel()
        await asyncio.wait({building}, timeout=SERVICE_ENDS_S)
        return
    try:
        host.take(building.result())
        await waiting
    finally:
        waiting.cancel()


async def _end_service(host: Host) -> None:
    try:
        async with asyncio.timeout(SERVICE_ENDS_S):
            await host.stop_service()
    except TimeoutError:
        _log.warning("stopped before everything had ended")


def _web_config(file: Path | None) -> WebConfig:
    if file is None:
        return WebConfig()
    from exporter.web.config import load  # noqa: PLC0415 - pydantic and YAML only with a file

    return load(file)


async def _starting(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer until the service is built."""
    del receive
    if scope["path"] == "/-/healthy":
        await refuse(send, 200, "healthy")
    else:
        await refuse(send, 503, "Starting; come back in a second.", (b"retry-after", b"1"))
