"""
The servers that are measured, each as a process of its own.

    python -m tests.bench.servers exporter 3000 9901
    python -m tests.bench.servers client 3000 9902
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING

from . import synthetic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exporter.exposition import Page
    from exporter.polling.poller import PollAnswer
    from exporter.polling.runtime import Runtime
    from exporter.web.process import Host, Service


class SyntheticExporter:
    """
    The real exporter, whose page shows a made-up snapshot instead of its targets.

    ``POST /-/poll`` exchanges the snapshot for one with other values.
    """

    def __init__(self, runtime: Runtime, samples: int) -> None:
        from exporter.exposition import Page  # noqa: PLC0415 - the client's server needs none

        self.verdicts = runtime.verdicts
        self.reload = runtime.reload
        self.ready = True
        self._samples = samples
        self._version = 0
        self._advance()
        self._page = Page(lambda: self._families, process=True)

    def page(self, target: str | None) -> Page:
        del target
        return self._page

    async def poll_now(self, target: str | None) -> PollAnswer:
        from exporter.polling.poller import PollAnswer  # noqa: PLC0415

        del target
        self._advance()
        return PollAnswer(("synthetic",), (), ())

    def _advance(self) -> None:
        from exporter.exposition import Families  # noqa: PLC0415

        self._version += 1
        snapshot = synthetic.snapshot(self._samples, self._version)
        self._families = Families(self._version, snapshot)


def _exporter(samples: int, port: int) -> int:
    from exporter.web import process  # noqa: PLC0415

    return process.run(_build(samples), listen=f"127.0.0.1:{port}")


def _build(samples: int) -> Callable[[Host], Awaitable[Service]]:
    async def build(host: Host) -> Service:
        from exporter.polling.runtime import Runtime  # noqa: PLC0415
        from exporter.settings import load  # noqa: PLC0415
        from exporter.web.app import create_app  # noqa: PLC0415
        from exporter.web.process import Service  # noqa: PLC0415

        runtime = Runtime(load, load())
        await runtime.start()
        app = create_app(SyntheticExporter(runtime, samples), reload=host.reload)
        return Service(app=app, reload=lambda _: runtime.reload(), stop=runtime.stop)

    return build


def _client(samples: int, port: int) -> int:
    from prometheus_client import start_http_server  # noqa: PLC0415

    from .client import registry  # noqa: PLC0415

    start_http_server(port, "127.0.0.1", registry(synthetic.snapshot(samples, 1)))
    threading.Event().wait()
    return 0


if __name__ == "__main__":
    server = {"exporter": _exporter, "client": _client}[sys.argv[1]]
    sys.exit(server(int(sys.argv[2]), int(sys.argv[3])))
