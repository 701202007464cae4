"""The command ``ops-exporter simulate``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvicorn

from exporter.simulator import scenario
from exporter.simulator.app import Tokens, create_app
from exporter.simulator.endpoints import Dialect
from exporter.simulator.transport import Protocol
from exporter.simulator.world import World

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:]+)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,5})")
_PORT_MAX: Final = 65_535


class UsageError(Exception):
    """Raised when the command cannot start as told; the text names the flag and what is right."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command to *parser*."""
    parser.add_argument(
        "--web.listen-address",
        dest="listen_address",
        metavar="HOST:PORT",
        default="127.0.0.1:9846",
        help="where to listen; port 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--dialect",
        choices=[dialect.value for dialect in Dialect],
        default=Dialect.DESIGNED.value,
        help="the shape of the answers (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="same seed, same world (default: %(default)s)"
    )
    parser.add_argument(
        "--scenario", type=Path, metavar="FILE", help="YAML file with faults to come"
    )
    parser.add_argument(
        "--slow-scale",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="factor on the seconds that the deployed backend stands still (default: %(default)s)",
    )
    parser.add_argument(
        "--generate-seconds",
        type=float,
        default=8.0,
        metavar="SECONDS",
        help="how long the generation of sparse embeddings takes (default: %(default)s)",
    )
    parser.add_argument(
        "--token.file",
        dest="token_file",
        type=Path,
        metavar="FILE",
        help="file with the reading token (or SIMULATOR_TOKEN in the environment)",
    )
    parser.add_argument(
        "--admin-token.file",
        dest="admin_token_file",
        type=Path,
        metavar="FILE",
        help="file with the acting token (or SIMULATOR_ADMIN_TOKEN in the environment)",
    )
    parser.add_argument(
        "--log.level",
        dest="log_level",
        choices=["debug", "info", "warning", "error"],
        default="info",
        help="least severe log lines shown (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve the simulated API until SIGTERM or Ctrl-C; return the exit code."""
    logging.basicConfig(
        level=args.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s"
    )
    try:
        tokens = Tokens(
            read=_token("--token.file", args.token_file, "SIMULATOR_TOKEN"),
            admin=_token("--admin-token.file", args.admin_token_file, "SIMULATOR_ADMIN_TOKEN"),
        )
        start = time.time()
        world = World(args.seed, start)
        if args.scenario is not None:
            scenario.plan(args.scenario, world.faults, start)
        listening = listener(args.listen_address)
    except (UsageError, scenario.ScenarioError) as error:
        print(f"ops-exporter: {error}", file=sys.stderr)  # noqa: T201  # the command's own voice
        return 1
    dialect = Dialect(args.dialect)
    app = create_app(
        world,
        dialect=dialect,
        tokens=tokens,
        slow_scale=args.slow_scale,
        generate_s=args.generate_seconds,
    )
    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", access_log=False, log_config=None
    )
    # uvicorn tells of every start, and of each request that it cuts off at the end.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
    with listening:
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(  # noqa: T201  # the first line tells callers where to ask
            f"simulator listening on http://{shown}:{port} ({dialect} dialect, seed {args.seed})",
            flush=True,
        )
        asyncio.run(_serve(_Server(config), listening))
    return 0


def listener(address: str) -> socket.socket:
    """
    Listen at *address* (``HOST:PORT``, an empty host for all interfaces).

    Raises:
        UsageError: If it is not an address, or cannot be had.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or int(match["port"]) > _PORT_MAX:
        message = f'--web.listen-address: "{address}": write HOST:PORT, for example 127.0.0.1:9846'
        raise UsageError(message)
    family = socket.AF_INET6 if match["v6"] else socket.AF_INET
    try:
        listening = socket.create_server(
            (match["v6"] or match["host"], int(match["port"])), family=family
        )
    except OSError as error:
        # The socket module adds the address, which stands in the line already.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or "no such address"
        right = "stop what listens there, or choose another address or port"
        message = f'--web.listen-address: "{address}": {reason.lower()}; {right}'
        raise UsageError(message) from error
    # asyncio does this only for sockets that it opened itself; without it an answer on a connection
    # that is kept alive waits 40 ms for the client's acknowledgement of its headers.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class _Server(uvicorn.Server):
    """uvicorn without its handling of signals, which would end the process by the signal."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(server: uvicorn.Server, listening: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    serving = loop.create_task(server.serve(sockets=[listening]))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, serving.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await serving


def _token(flag: str, file: Path | None, variable: str) -> str:
    if file is None:
        return os.environ.get(variable, "").strip()
    try:
        token = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (getattr(error, "strerror", None) or "not UTF-8").lower()
        message = f'{flag}: "{file}": cannot be read ({reason}); name a file that holds the token'
        raise UsageError(message) from error
    if not token:
        message = f'{flag}: "{file}": is empty; name a file that holds the token'
        raise UsageError(message)
    return token
