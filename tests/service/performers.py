"""Performers on one database, before a simulated product: each as a replica has one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.actions import BY_SLUG
from exporter.service.performing import Performer
from exporter.service.sites import Sites
from exporter.settings import ServiceSettings
from exporter.simulator.endpoints import Dialect
from exporter.simulator.processes import HOUR_S
from exporter.simulator.world import World
from exporter.store.database import Database
from tests.service.frame import Wall
from tests.service.upstreams import API, EXPORTER, OFFERED, Outside

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.store.audit import Record

INGEST = "/api/v1/ingestion/ingest/"
GENERATE = "/admin/sparse-embeddings/generate"
REPOSITORY = "github.com/octocat/Hello-World"
QUEUED = f"{INGEST}{REPOSITORY.replace('/', '%2F')}"
_DEADLINE_S = 20.0


@dataclass
class Counted:
    """What was counted: action and result of each run."""

    runs: list[tuple[str, str]] = field(default_factory=list)

    def acted(self, action: str, result: str, seconds: float) -> None:
        assert seconds >= 0
        self.runs.append((action, str(result)))


@dataclass
class Stand:
    """
    A database, a product and as many performers as a test asks for.

    Attributes:
        counted: By all of them together.
    """

    url: str
    wall: Wall = field(default_factory=Wall)
    settings: dict[str, Any] = field(default_factory=dict)
    counted: Counted = field(default_factory=Counted)
    databases: list[Database] = field(default_factory=list)
    performers: list[Performer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outside = Outside(World(1, self.wall.now, warm_up_s=HOUR_S), Dialect.DESIGNED)

    def performer(self) -> Performer:
        """Return one more, with a connection to the database of its own."""
        database = Database(self.url)
        actions = {"cooldown": "0s", **OFFERED, **self.settings}
        given: dict[str, Any] = {
            "targets": [{"name": name, "url": API} for name in ("default", "other")],
            "admin_token": "admin",
            "exporter_url": EXPORTER,
            "actions": actions,
        }
        one = Performer(
            database,
            Sites(ServiceSettings(**given), self.outside),
            self.wall,
            f"instance-{len(self.performers)}",
            self.counted,
        )
        self.databases.append(database)
        self.performers.append(one)
        return one

    async def rows(self) -> list[Record]:
        """Return what was written down, the first first."""
        return list(reversed(await self.performers[0].records(100)))


@asynccontextmanager
async def standing(url: str, **settings: Any) -> AsyncIterator[Stand]:
    """Open a stand; what it has is closed at the end."""
    stand = Stand(url, settings=settings)
    try:
        yield stand
    finally:
        for gate in stand.outside.gates.values():
            gate.set()
        for one in stand.performers:
            await one.close()
            await one.sites.close()
        for database in stand.databases:
            await asyncio.to_thread(database.close)


async def ingest(
    performer: Performer, repository: str = REPOSITORY, *, who: str = "ann", key: str | None = None
) -> Record:
    """Let somebody ingest a repository."""
    return await act(performer, "ingest", {"repo_url": repository}, who=who, key=key)


async def generate(performer: Performer, backend: str = "", *, key: str | None = None) -> Record:
    """Let somebody start the generation of sparse embeddings."""
    return await act(performer, "generate-sparse-embeddings", {}, backend=backend, key=key)


async def act(
    performer: Performer,
    slug: str,
    raw: dict[str, str],
    *,
    backend: str = "",
    who: str = "ann",
    key: str | None = None,
) -> Record:
    """Let somebody press a button."""
    return await performer.perform(BY_SLUG[slug], backend, raw, who=who, via="page", key=key)


async def until(true: Callable[[], bool]) -> None:
    """Let everything else go on until something has come true."""
    async with asyncio.timeout(_DEADLINE_S):
        while not true():  # noqa: ASYNC110 - nobody tells when it is
            await asyncio.sleep(0.002)
