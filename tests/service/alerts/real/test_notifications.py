"""What a real Alertmanager notifies, and what it leaves out."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from exporter.service.webhook import Webhook
from tests.service.alerting import WARNING, Service, eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.service.alerts.real.harness import Real


@asynccontextmanager
async def receiving(service: Service, port: int) -> AsyncIterator[list[str]]:
    """Serve the webhook, wired as the service does it; what became of requests is noted."""
    counted: list[str] = []
    webhook = Webhook(
        service.database,
        token=lambda: "word",
        soon=service.reconciler.soon,
        counted=counted.append,
        wall=time.time,
    )
    app = Starlette(routes=[Route("/webhooks/alertmanager", webhook.receive, methods=["POST"])])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, lifespan="off")
    )
    serving = asyncio.create_task(server._serve())
    yield counted
    server.should_exit = True
    await serving


async def test_what_alertmanager_notifies_is_in_the_history(service: Service, real: Real) -> None:
    async with receiving(service, real.webhook_port) as counted:
        many = [WARNING | {"module": f"m{number}"} for number in range(300)]

        async def firing() -> bool:
            return {one.status for one in await service.history()} == {"firing"}

        async def ended() -> bool:
            return {one.ended_by for one in await service.history()} == {"resolved"}

        await real.tell(*many)
        await eventually(firing)
        # The same to the millisecond by its webhook and by its API: nothing is added.
        await service.reconciler.reconcile()
        await real.tell(*many, ended=True)
        await eventually(ended)

        assert len(await service.history()) == 300
        assert set(counted) == {"stored"}
