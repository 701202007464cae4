"""``ops-exporter serve``: the exporter."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import __version__, logs
from exporter.commands.common import add_config_argument, add_log_arguments

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from exporter.settings import Settings
    from exporter.web.process import Host, Service


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    parser.add_argument(
        "--web.listen-address",
        dest="listen",
        metavar="HOST:PORT",
        default="127.0.0.1:9847",
        help="default: 127.0.0.1:9847",
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
        help="allow POST /-/reload (SIGHUP always reloads)",
    )
    parser.add_argument(
        "--web.insecure",
        dest="insecure",
        action="store_true",
        help="serve others than this machine without authentication",
    )
    add_log_arguments(parser)


def run(parsed: argparse.Namespace) -> int:
    """Serve until SIGTERM."""
    from exporter.web import process  # noqa: PLC0415 - only this command needs it

    logs.configure(level=parsed.log_level, form=parsed.log_format)

    async def build(host: Host) -> Service:
        # In a thread: /-/healthy is answered while the slow libraries load.
        return await (await asyncio.to_thread(_prepare, parsed))(host)

    return process.run(
        build,
        listen=parsed.listen,
        web_config_file=parsed.web_config_file,
        insecure=parsed.insecure,
    )


def _prepare(parsed: argparse.Namespace) -> Callable[[Host], Awaitable[Service]]:
    """Import and read everything; return what goes on with it in the event loop."""
    from exporter.polling.runtime import Runtime  # noqa: PLC0415 - slow to import
    from exporter.settings import check_targets, load, unknown_variables  # noqa: PLC0415
    from exporter.web.app import create_app  # noqa: PLC0415
    from exporter.web.options import WebOptions  # noqa: PLC0415
    from exporter.web.process import Service  # noqa: PLC0415

    web = WebOptions(
        telemetry_path=parsed.telemetry_path,
        enable_lifecycle=parsed.enable_lifecycle,
        version=__version__,
    )

    def read() -> Settings:
        settings = load(parsed.config_file)
        # A token may come later; without the certificates, no connection can be trusted.
        check_targets(settings, parsed.config_file, certificates_only=True)
        return settings

    settings = read()
    if settings.anomaly.enabled:
        import_module("exporter.polling.anomalies")  # NumPy: here, it keeps nobody waiting
    for name in unknown_variables():
        logs.Log(__name__).warning("environment variable sets nothing", variable=name)

    async def build(host: Host) -> Service:
        runtime = Runtime(read, settings, revision=os.environ.get("OPS_REVISION", ""))
        await runtime.start()

        return Service(
            app=create_app(runtime, web=web, reload=host.reload),
            reload=lambda _: runtime.reload(),  # the web configuration is the server's business
            stop=runtime.stop,
            reload_failed=runtime.reload_failed,
        )

    return build
