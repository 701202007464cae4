"""A program for the tests of process.py: serves a fake exporter as ``ops-exporter serve`` would.

Usage: served.py ADDRESS [--file FILE] [--insecure] [--build slow|fails|crashes] [--stop hangs]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import logs
from exporter.settings import ConfigurationError
from exporter.web.process import Host, Service, run
from tests.web.fake_exporter import FakeExporter

if TYPE_CHECKING:
    from exporter.web.contract import Receive, Scope, Send

FOREVER_S = 3600


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--insecure", action="store_true")
    parser.add_argument("--build", default="")
    parser.add_argument("--stop", default="")
    options = parser.parse_args()
    logs.configure()

    async def build(host: Host) -> Service:
        from exporter.web.app import WebOptions, create_app  # noqa: PLC0415 - as the program does

        if options.build == "slow":
            await asyncio.sleep(FOREVER_S)
        if options.build == "fails":
            first, second = "api.url: 1: write a URL", "poll: 2: write a mapping"
            raise ConfigurationError(first, second)
        if options.build == "crashes":
            raise RuntimeError
        exporter = FakeExporter()
        web = WebOptions(enable_lifecycle=True)
        pages = create_app(exporter, web=web, reload=host.reload)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["path"] == "/hangs":
                sys.stderr.write("hanging\n")
                await asyncio.sleep(FOREVER_S)
            await pages(scope, receive, send)

        async def stop() -> None:
            if options.stop == "hangs":
                threading.Thread(target=threading.Event().wait).start()
                await asyncio.sleep(FOREVER_S)
            sys.stderr.write("service stopped\n")

        # the host takes it before the loop does anything else that a signal could ask for
        sys.stderr.write("service built\n")
        return Service(
            app=app,
            reload=lambda _: exporter.reload(),
            stop=stop,
            reload_failed=lambda: print("told of the failure", file=sys.stderr),  # noqa: T201
        )

    return run(
        build, listen=options.address, web_config_file=options.file, insecure=options.insecure
    )


if __name__ == "__main__":
    sys.exit(main())
