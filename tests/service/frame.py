"""The action service in this process, with nobody outside, and browsers that look at it."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import bcrypt
import httpx
from sqlalchemy import select

from exporter.service import starting
from exporter.service.app import create_service_app
from exporter.service.pages import PAGES
from exporter.settings import ServiceSettings
from exporter.store.schema import METADATA
from exporter.web.options import WebOptions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from sqlalchemy import Connection

    from exporter.service.runtime import Runtime
    from exporter.service.sites import Transports
    from exporter.service.visits import Page
    from exporter.web.contract import ASGIApp

HERE = "http://127.0.0.1:9848"
COST = 4
PASSWORD = "correct horse battery"  # noqa: S105 - of a test
USERS = {
    name: bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(COST)) for name in ("admin", "ann", "vic")
}
TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


class Wall:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Service:
    """The service, and what a test may do to it."""

    def __init__(self, runtime: Runtime, app: ASGIApp, wall: Wall, given: dict[str, Any]) -> None:
        self.runtime = runtime
        self.app = app
        self.wall = wall
        self.given = given

    @asynccontextmanager
    async def browser(
        self, base_url: str = HERE, *, peer: str = "127.0.0.1", **headers: str
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser, which keeps cookies and does not follow."""
        transport = httpx.ASGITransport(app=self.app, client=(peer, 40000))
        wanted = {"accept": "text/html,*/*;q=0.8"} | headers
        async with httpx.AsyncClient(
            transport=transport, base_url=base_url, headers=wanted
        ) as client:
            yield client

    @asynccontextmanager
    async def signed_in(
        self, name: str = "ann", password: str = PASSWORD, base_url: str = HERE
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser in which somebody has signed in."""
        async with self.browser(base_url) as client:
            answer = await sign_in(client, name, password)
            assert answer.status_code == 303, answer.text
            yield client

    async def fingerprint(self) -> dict[str, list[Any]]:
        """Return all that is in the database."""
        return await self.runtime.database.read(_everything)


def _everything(connection: Connection) -> dict[str, list[Any]]:
    return {
        table.name: sorted(map(repr, connection.execute(select(table))))
        for table in METADATA.sorted_tables
        if table.name != "leases"
    }


async def sign_in(
    client: httpx.AsyncClient, name: str = "ann", password: str = PASSWORD, **more: str
) -> httpx.Response:
    """Fill in the form."""
    form = await form_of(client, "/login")
    values = {**form, "user": name, "password": password, **more}
    return await client.post("/login", data=values)


async def form_of(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """Return the token on a page."""
    text = (await client.get(path)).text
    found = TOKEN.search(text)
    assert found, text
    return {"form_token": found[1]}


def refusing(_: str) -> httpx.AsyncBaseTransport:
    """Let nothing out of the process."""

    def refuse(request: httpx.Request) -> httpx.Response:
        message = "nobody is there"
        raise httpx.ConnectError(message, request=request)

    return httpx.MockTransport(refuse)


@asynccontextmanager
async def serving(
    folder: Path,
    *,
    users: Mapping[str, bytes] | None = None,
    pages: Sequence[Page] = PAGES,
    screen: TextIO | None = None,
    open_metrics: bool = False,
    lifecycle: bool = True,
    transports: Transports | None = None,
    **settings: Any,
) -> AsyncIterator[Service]:
    """Start the service on a database in *folder*."""
    wall = Wall()
    given: dict[str, Any] = {"state_dir": folder, **settings}
    given.setdefault("auth", {"operators": ["ann", "admin"]})

    def load() -> ServiceSettings:
        return ServiceSettings(**given)

    known = USERS if users is None else users
    runtime = await starting.start(
        load, known, screen=screen, wall=wall, password_cost=COST, transports=transports or refusing
    )

    async def reload() -> None:
        await runtime.reload(known)

    try:
        app = create_service_app(
            runtime,
            reload=reload,
            web=WebOptions(enable_lifecycle=lifecycle),
            open_metrics=open_metrics,
            pages=pages,
        )
        yield Service(runtime, app, wall, given)
    finally:
        await runtime.stop()
