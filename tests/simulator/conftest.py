from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator.app import Tokens, create_app
from exporter.simulator.endpoints import Dialect
from exporter.simulator.processes import HOUR_S
from exporter.simulator.world import World
from tests.simulator.served import START, Clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world() -> World:
    # Six hours are enough to fill every history, and four times faster than the usual day.
    return World(1, START, warm_up_s=6 * HOUR_S)


@pytest.fixture(params=[Dialect.DESIGNED])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The designed dialect, unless a test is parametrised (indirectly) with the other."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
async def client(world: World, clock: Clock, dialect: Dialect) -> AsyncIterator[httpx.AsyncClient]:
    """An in-process client that may read and act."""
    app = create_app(
        world,
        dialect=dialect,
        clock=clock,
        tokens=Tokens(read="reader", admin="admin"),
        slow_scale=0.0,
        generate_s=0.0,
    )
    headers = {"Authorization": "Bearer admin"}
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://simulator", headers=headers
    ) as client:
        yield client
