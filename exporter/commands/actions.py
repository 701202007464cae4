"""``ops-exporter actions``: the action service."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import __version__, logs
from exporter.commands.common import add_config_argument, add_log_arguments, fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from exporter.settings import ServiceSettings
    from exporter.web.process import Host, Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        default="127.0.0.1:9848",
        help="default: 127.0.0.1:9848",
    )
    parser.add_argument(
        "--web.config.file",
        dest="web_config_file",
        type=Path,
        metavar="FILE",
        help="TLS, users and headers, in the format of the exporter-toolkit",
    )
    parser.add_argument(
        "--web.telemetry-path",
        dest="telemetry_path",
        metavar="PATH",
        default="/metrics",
        help="default: /metrics",
    )
    parser.add_argument(
        "--web.enable-lifecycle",
        dest="enable_lifecycle",
        action="store_true",
        help="allow operators POST /-/reload (SIGHUP always reloads)",
    )
    parser.add_argument(
        "--database.backup",
        dest="backup",
        type=Path,
        metavar="FILE",
        help="copy the database into FILE, also while the service runs, and end",
    )
    parser.add_argument(
        "--auth.new-password",
        dest="new_password",
        action="store_true",
        help="make another password for the first user, who has lost it, and end",
    )
    add_log_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Serve until SIGTERM, or do the one thing asked for."""
    logs.configure(level=parsed.log_level, form=parsed.log_format)
    if parsed.backup is not None:
        return _back_up(parsed)
    if parsed.new_password:
        return _renew_password(parsed)
    from exporter.web import process  # noqa: PLC0415 - only this command needs it

    async def build(host: Host) -> Service:
        # In a thread: /-/healthy is answered while the slow libraries load.
        return await (await asyncio.to_thread(_prepare, parsed))(host)

    return process.run(
        build, listen=parsed.listen, web_config_file=parsed.web_config_file, asks_itself=True
    )


def _prepare(parsed: argparse.Namespace) -> Callable[[Host], Awaitable[Service]]:
    """Import everything; return what goes on with it in the event loop."""
    from exporter.service import starting  # noqa: PLC0415 - slow to import
    from exporter.service.app import create_service_app  # noqa: PLC0415
    from exporter.service.first_password import terminal  # noqa: PLC0415
    from exporter.settings import unknown_variables  # noqa: PLC0415
    from exporter.web.listen import is_loopback  # noqa: PLC0415
    from exporter.web.options import WebOptions  # noqa: PLC0415
    from exporter.web.process import Service  # noqa: PLC0415

    web = WebOptions(
        telemetry_path=parsed.telemetry_path,
        enable_lifecycle=parsed.enable_lifecycle,
        version=__version__,
    )
    for name in unknown_variables():
        logs.Log(__name__).warning("environment variable sets nothing", variable=name)

    async def build(host: Host) -> Service:
        runtime = await starting.start(
            lambda: _read(parsed),
            host.config.users,
            revision=os.environ.get("OPS_REVISION", ""),
            screen=terminal(),
        )
        open_metrics = is_loopback(host.address)
        app = create_service_app(runtime, web=web, reload=host.reload, open_metrics=open_metrics)
        return Service(
            app=app, reload=lambda config: runtime.reload(config.users), stop=runtime.stop
        )

    return build


def _read(parsed: argparse.Namespace) -> ServiceSettings:
    from exporter.settings import check_secrets, check_targets, load_service  # noqa: PLC0415 - slow

    settings = load_service(parsed.config_file)
    # A token that may read may come later; without the certificates, nothing can be trusted.
    check_targets(settings, parsed.config_file, certificates_only=True)
    check_secrets(settings, parsed.config_file)
    return settings


def _back_up(parsed: argparse.Namespace) -> int:
    from sqlalchemy import make_url  # noqa: PLC0415 - slow

    from exporter.settings import ConfigurationError, load_service  # noqa: PLC0415
    from exporter.store.backup import BackupError, back_up  # noqa: PLC0415

    try:
        url = make_url(load_service(parsed.config_file).database())
        size = back_up(url, parsed.backup)
    except ConfigurationError as error:
        return fail(error)
    except BackupError as error:
        return fail(ConfigurationError(f"--database.backup: {error}"))
    sys.stdout.write(f"{parsed.backup}: {size} bytes\n")
    return 0


def _renew_password(parsed: argparse.Namespace) -> int:
    from exporter.service.first_password import FirstPassword, terminal  # noqa: PLC0415 - slow
    from exporter.service.starting import opened  # noqa: PLC0415
    from exporter.settings import ConfigurationError, load_service  # noqa: PLC0415
    from exporter.store.database import DatabaseError  # noqa: PLC0415

    try:
        settings = load_service(parsed.config_file)
        database = opened(settings)
        first = FirstPassword(database, settings.state_dir, terminal())
        try:
            asyncio.run(first.renew(time.time()))
        finally:
            database.close()
    except ConfigurationError as error:
        return fail(error)
    except DatabaseError as error:
        return fail(ConfigurationError(f"database_url: {error}"))
    return 0
