"""The action service as an ASGI application: which page is where, and what machines ask for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from sqlalchemy import text
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from exporter.catalogue.actions import WEBHOOK
from exporter.service import api, login, visits
from exporter.service.drawing import static
from exporter.service.errors import browser, handlers
from exporter.service.headers import Surrounded
from exporter.service.identity import Via
from exporter.service.pages import PAGES
from exporter.service.proxy import forwarded
from exporter.service.throttle import TooMany
from exporter.settings import ConfigurationError
from exporter.store.database import DatabaseError
from exporter.web.options import WebOptions
from exporter.web.origin import foreign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from sqlalchemy import Connection
    from starlette.requests import Request

    from exporter.service.identity import Identity
    from exporter.service.runtime import Runtime
    from exporter.service.visits import Page
    from exporter.web.contract import ASGIApp

# Longer than a probe waits.
_READY_S: Final = 2.0
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="ops-exporter", charset="UTF-8"'}


def create_service_app(
    runtime: Runtime,
    *,
    reload: Callable[[], Awaitable[None]],
    web: WebOptions | None = None,
    open_metrics: bool = False,
    pages: Sequence[Page] = PAGES,
) -> ASGIApp:
    """
    Build the application; TLS and rate limit are around it (exporter.web).

    Args:
        reload: What ``POST /-/reload`` does; raises ConfigurationError.
        web: What the flags say.
        open_metrics: Only this machine can reach us, so the metrics need no password.
        pages: Those of people.
    """
    plain = _Plain(runtime, web or WebOptions(), reload, open_metrics=open_metrics)
    runtime.nav = tuple(page for page in pages if page.nav)
    routes: list[BaseRoute] = [*plain.routes(), *login.routes(runtime)]
    for page in pages:
        routes += visits.routes(page, runtime)
    # The page that describes it stands below the same path, before it.
    routes.append(Mount(api.MOUNT, api.create_api(runtime)))
    app = Starlette(routes=routes, exception_handlers=handlers(lambda: runtime.folder))
    app.router.redirect_slashes = False  # "/alerts/" is no page; say so
    return Surrounded(app, lambda: runtime.folder)


class _Plain:
    """What machines ask for."""

    def __init__(
        self,
        runtime: Runtime,
        web: WebOptions,
        reload: Callable[[], Awaitable[None]],
        *,
        open_metrics: bool,
    ) -> None:
        self._runtime = runtime
        self._web = web
        self._reload = reload
        self._open_metrics = open_metrics

    def routes(self) -> list[Route]:
        return [
            Route(self._web.telemetry_path, self._metrics),
            Route("/static/{name}", self._static),
            Route("/-/healthy", self._healthy),
            Route("/-/ready", self._ready),
            Route("/-/reload", self._reload_now, methods=["POST"]),
            Route(WEBHOOK.path, self._runtime.webhook.receive, methods=["POST"]),
        ]

    async def _metrics(self, request: Request) -> Response:
        # What comes through a proxy may come from anywhere.
        if not self._open_metrics or forwarded(request.scope):
            who = await self._runtime.identify(request) or await self._script(request)
            if who is None:
                return _unknown(request, self._runtime.folder)
            if who.must_change or (who.via is Via.TOKEN and "metrics" not in who.scopes):
                raise HTTPException(403, "This may not read the metrics.")
        await self._runtime.refresh()
        accept = ",".join(request.headers.getlist("accept"))
        encoding = request.headers.get("accept-encoding", "")
        rendered = self._runtime.metrics.render(accept, encoding)
        answer = Response(rendered.body)
        answer.raw_headers = list(rendered.headers)
        return answer

    async def _static(self, request: Request) -> Response:
        found = static(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        body, media_type = found
        return Response(body, media_type=media_type, headers={"cache-control": "max-age=300"})

    async def _healthy(self, request: Request) -> Response:
        del request
        return PlainTextResponse("healthy\n")

    async def _ready(self, request: Request) -> Response:
        del request
        try:
            async with asyncio.timeout(_READY_S):
                await self._runtime.database.read(_answers)
        except (DatabaseError, TimeoutError):
            raise HTTPException(503, "Not ready: the database does not answer.") from None
        return PlainTextResponse("ready\n")

    async def _reload_now(self, request: Request) -> Response:
        reason = foreign(request.scope, self._runtime.settings.actions.url)
        if reason:
            raise HTTPException(403, f"Refused: {reason}.")
        if not self._web.enable_lifecycle:
            message = "Not allowed: start with --web.enable-lifecycle, or send SIGHUP."
            raise HTTPException(403, message)
        # A script's business: no page has a form for it, so no session counts.
        who = await self._script(request)
        if who is None:
            raise HTTPException(401, "User name and password, or a token, please.", _CHALLENGE)
        if not who.operator or who.must_change:
            raise HTTPException(403, "Only operators, and tokens with the scope act, may do this.")
        try:
            await self._reload()
        except ConfigurationError as error:
            message = f"Nothing was changed; the last good configuration stays.\n{error}"
            raise HTTPException(500, message) from error
        return PlainTextResponse("reloaded\n")

    async def _script(self, request: Request) -> Identity | None:
        try:
            return await self._runtime.identifier.of_script(request.scope)
        except TooMany as error:
            raise visits.too_many(error) from None


def _unknown(request: Request, folder: str) -> Response:
    """Ask a script for its password, and lead a person to the form: it asks only once."""
    if browser(request):
        return RedirectResponse(f"{folder}{visits.LOGIN}?next={visits.own_path(request)}", 303)
    raise HTTPException(401, "User name and password, or a token, please.", _CHALLENGE)


def _answers(connection: Connection) -> None:
    connection.execute(text("SELECT 1"))
