"""A simulated product and its exporter, in this process, for the pages of actions."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from exporter.catalogue import metrics as m
from exporter.collectors.ingestion import read_jobs
from exporter.collectors.reading import Context
from exporter.simulator.app import Tokens, create_app
from exporter.simulator.endpoints import Dialect
from exporter.simulator.processes import HOUR_S
from exporter.simulator.world import World
from tests.service.frame import Wall, serving

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.service.frame import Service

API = "http://api.test"
EXPORTER = "http://exporter.test"
OFFERED = {
    "clear_cache": {"path": "/api/monitoring/cache/clear"},
    "cancel_job": {"path": "/api/v1/ingestion/jobs/{job_id}/cancel"},
}
JOBS = "/api/v1/ingestion/jobs/history?limit=100"


@dataclass
class Outside:
    """
    All that the service speaks to.

    Attributes:
        page: The exporter's page but for the jobs, which it reads of the product each time.
        asked: Method and path of each request to the product.
        broken: By path, what is raised or answered instead of asking the product.
        gates: By path, what has to happen before it answers.
        others: By base URL, who else is there.
    """

    world: World
    dialect: Dialect
    page: str = ""
    silent: bool = False
    asked: list[tuple[str, str]] = field(default_factory=list)
    broken: dict[str, httpx.Response | Exception] = field(default_factory=dict)
    gates: dict[str, asyncio.Event] = field(default_factory=dict)
    others: dict[str, httpx.AsyncBaseTransport] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.product = create_app(
            self.world,
            dialect=self.dialect,
            clock=Wall(),
            tokens=Tokens(read="reader", admin="admin"),
            slow_scale=0.0,
            generate_s=0.0,
        )

    def __call__(self, url: str) -> httpx.AsyncBaseTransport:
        """Return what takes the place of the network for a base URL."""
        if url == API:
            return httpx.MockTransport(self._product)
        if url in self.others:
            return self.others[url]
        return httpx.MockTransport(self._exporter if url == EXPORTER else self._nobody)

    @property
    def posts(self) -> list[str]:
        return [path for method, path in self.asked if method == "POST"]

    async def jobs(self) -> Any:
        async with self._client("reader") as client:
            return (await client.get(JOBS)).json()

    def fail(self, repository: str) -> str:
        """Let a job of *repository* fail; return its id."""
        jobs, now = self.world.jobs, self.world.now
        job = jobs.add(f"https://{repository}", now)
        jobs.cancel(job, now)
        return job.id

    def _client(self, token: str) -> httpx.AsyncClient:
        headers = {"authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(self.product)
        return httpx.AsyncClient(transport=transport, base_url=API, headers=headers)

    async def _product(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0]
        self.asked.append((request.method, path))
        if path in self.gates:
            await self.gates[path].wait()
        instead = self.broken.get(path)
        if isinstance(instead, Exception):
            raise instead
        if instead is not None:
            return instead
        return await httpx.ASGITransport(self.product).handle_async_request(request)

    async def _exporter(self, request: httpx.Request) -> httpx.Response:
        if self.silent:
            message = "nobody is there"
            raise httpx.ConnectError(message, request=request)
        if request.method == "POST":
            return httpx.Response(200, json={"asked": ["health"], "too_soon": ["workers"]})
        return httpx.Response(200, text=self.page + await self._told_of_jobs())

    async def _told_of_jobs(self) -> str:
        reading = read_jobs(await self.jobs(), Context(received_at=0.0))
        names = {metric.name: metric.labels for metric in _JOB_METRICS}
        lines = []
        for sample in reading.samples:
            pairs = zip(names[sample.metric.name], sample.labels, strict=True)
            labels = ",".join(f'{name}="{value}"' for name, value in pairs)
            lines.append(f"{sample.metric.name}{{{labels}}} {sample.value}\n")
        return "".join(lines)

    @staticmethod
    def _nobody(request: httpx.Request) -> httpx.Response:
        message = "nobody is there"
        raise httpx.ConnectError(message, request=request)


_JOB_METRICS = (
    m.INGESTION_JOBS,
    m.INGESTION_JOB_INFO,
    m.INGESTION_JOB_STARTED,
    m.INGESTION_JOB_DURATION,
)


@asynccontextmanager
async def acting(
    folder: Path,
    *,
    dialect: Dialect = Dialect.DESIGNED,
    page: str = "",
    others: dict[str, httpx.AsyncBaseTransport] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[Service, Outside]]:
    """Start the service beside a product that has been running for an hour."""
    outside = Outside(World(1, Wall().now, warm_up_s=HOUR_S), dialect, page, others=others or {})
    offered = OFFERED if dialect is Dialect.DESIGNED else {}
    given: dict[str, Any] = {
        "api": {"url": API, "token": "reader"},
        "admin_token": "admin",
        "exporter_url": EXPORTER,
        "grafana_url": "https://grafana.test/ops",
        "actions": {"cooldown": "0s", **offered},
    }
    if "targets" in settings:
        del given["api"]
    async with serving(folder, transports=outside, **{**given, **settings}) as service:
        yield service, outside
