from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions.model import Site
from exporter.actions.upstream import Upstream
from exporter.service.readings import PageReadings, parsed
from exporter.settings import ActionsSettings, Api
from exporter.simulator.app import Tokens, create_app
from exporter.simulator.endpoints import Dialect
from exporter.simulator.processes import HOUR_S
from exporter.simulator.world import World
from tests.simulator.served import START

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.actions.places import At


@pytest.fixture
def world() -> World:
    return World(1, START, warm_up_s=HOUR_S)


@pytest.fixture(params=[Dialect.DESIGNED])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """The designed dialect, unless a test is parametrised (indirectly) with the other."""
    chosen: Dialect = request.param
    return chosen


@pytest.fixture
async def at(world: World, dialect: Dialect) -> AsyncIterator[At]:
    """Return a place to act on: a simulated API, and an exporter that tells what a test says."""
    app = create_app(
        world,
        dialect=dialect,
        clock=lambda: START,
        tokens=Tokens(read="reader", admin="admin"),
        slow_scale=0.0,
        generate_s=0.0,
    )
    transport = httpx.ASGITransport(app)

    def build(page: str = "", *, acting: str = "admin", **settings: object) -> Site:
        upstream = Upstream(Api(url="http://simulator"), lambda: acting, 5.0, transport=transport)
        return Site(
            backend="default",
            upstream=upstream,
            exporter=upstream,
            readings=PageReadings(parsed(page), "" if page else "the exporter is away"),
            settings=ActionsSettings.model_validate(settings),
        )

    yield build
    await transport.aclose()
