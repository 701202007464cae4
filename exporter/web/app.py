"""The pages of the exporter as an ASGI application."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.settings import ConfigurationError
from exporter.web import pages
from exporter.web.contract import Exporter, Page, PollAnswer, Rendered, Verdict
from exporter.web.options import WebOptions
from exporter.web.origin import foreign

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from exporter.web.contract import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Exporter", "Page", "PollAnswer", "Rendered", "Verdict", "WebOptions", "create_app"]

# No script at all: the pages work without, and what is not allowed cannot be injected.
_POLICY: Final = (
    b"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"deny"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_READING: Final = ("GET", "HEAD")


def create_app(
    exporter: Exporter,
    *,
    web: WebOptions | None = None,
    reload: Callable[[], Awaitable[None]] | None = None,
    clock: Callable[[], float] = time.time,
) -> ASGIApp:
    """
    Build the application; authentication and TLS are around it (guard.py, server.py).

    Args:
        exporter: What is behind the pages.
        web: What the flags say.
        reload: What ``POST /-/reload`` does; ``exporter.reload`` if None.
        clock: Unix time, for "how long ago".
    """
    web = web or WebOptions()
    routes = _Pages(exporter, web, reload or exporter.reload, clock).app()
    return _Metrics(exporter, web.telemetry_path, _secured(routes))


class _Metrics:
    """
    The hot path: the metrics pages go out without passing a router or a response object.

    Only what is right goes this way; every mistake (method, target) is the router's to answer.
    """

    def __init__(self, exporter: Exporter, path: str, others: ASGIApp) -> None:
        self._exporter = exporter
        self._path = path
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        path = scope["path"]
        if (path == self._path or path == "/probe") and scope["method"] in _READING:  # noqa: PLR1714 - a tuple would be built anew for each request
            page = self._page(scope) if path == "/probe" else self._exporter.page(None)
            if page is not None:
                await _send_page(page, scope, send)
                return
        await self._others(scope, receive, send)

    def _page(self, scope: Scope) -> Page | None:
        name = _target(scope["query_string"])
        return self._exporter.page(name) if name else None


async def _send_page(page: Page, scope: Scope, send: Send) -> None:
    accept = encoding = ""
    for name, value in scope["headers"]:
        if name == b"accept":
            accept = f"{accept},{value.decode('latin-1')}" if accept else value.decode("latin-1")
        elif name == b"accept-encoding":
            encoding = value.decode("latin-1")
    rendered = page.get(accept, encoding)
    await send({"type": "http.response.start", "status": 200, "headers": rendered.headers})
    body = b"" if scope["method"] == "HEAD" else rendered.body
    await send({"type": "http.response.body", "body": body})


def _target(query: bytes) -> str | None:
    """Return the first ``target`` of a query string; None without one."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return next((value for name, value in pairs if name == "target"), None)


def _secured(app: ASGIApp) -> ASGIApp:
    """Add the security headers to every answer of *app* that does not set its own."""

    async def secured(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {name for name, _ in message["headers"]}
                added = [pair for pair in PAGE_HEADERS if pair[0] not in own]
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await app(scope, receive, sending)

    return secured


class _Pages:
    """Everything but the metrics: what people, orchestrators and scripts ask for."""

    def __init__(
        self,
        exporter: Exporter,
        web: WebOptions,
        reload: Callable[[], Awaitable[None]],
        clock: Callable[[], float],
    ) -> None:
        self._exporter = exporter
        self._web = web
        self._reload = reload
        self._clock = clock
        self._started = clock()

    def app(self) -> ASGIApp:
        routes = [
            Route("/", self._landing),
            Route(self._web.telemetry_path, self._no_target),
            Route("/probe", self._no_target),
            Route("/runbook", self._runbook),
            Route("/static/{name}", self._static),
            Route("/-/healthy", self._healthy),
            Route("/-/ready", self._ready),
            Route("/-/reload", self._reload_now, methods=["POST"]),
            Route("/-/poll", self._poll_now, methods=["POST"]),
        ]
        app = Starlette(routes=routes, exception_handlers={HTTPException: _plainly})
        app.router.redirect_slashes = False  # "/runbook/" is no page; say so
        return app

    async def _landing(self, request: Request) -> Response:
        del request
        now = self._clock()
        page = pages.landing_page(
            self._exporter.verdicts(),
            web=self._web,
            ready=self._exporter.ready,
            now=now,
            uptime_s=now - self._started,
        )
        # In a thread: the first rendering imports and compiles, and a scrape must not wait for it.
        return HTMLResponse(await asyncio.to_thread(pages.render, "landing.html", page))

    async def _runbook(self, request: Request) -> Response:
        del request
        text = await asyncio.to_thread(pages.runbook, self._web.title)
        if text is None:
            raise HTTPException(404, "This installation has no runbook.")
        return HTMLResponse(text)

    async def _static(self, request: Request) -> Response:
        found = pages.static(request.path_params["name"])
        if found is None:
            raise HTTPException(404)
        body, media_type = found
        return Response(body, media_type=media_type, headers={"cache-control": "max-age=300"})

    async def _no_target(self, request: Request) -> Response:
        name = _target(request.scope["query_string"])
        if request.url.path == "/probe" and not name:
            message = f"Say which target: /probe?target=NAME.\n{self._known()}"
            raise HTTPException(400, message)
        raise HTTPException(404, f"There is no such target.\n{self._known()}")

    async def _healthy(self, request: Request) -> Response:
        del request
        return PlainTextResponse("healthy\n")

    async def _ready(self, request: Request) -> Response:
        del request
        if self._exporter.ready:
            return PlainTextResponse("ready\n")
        raise HTTPException(503, "Not ready: the pollers do not run yet.")

    async def _reload_now(self, request: Request) -> Response:
        _refuse_foreign(request)
        if not self._web.enable_lifecycle:
            message = "Not allowed: start with --web.enable-lifecycle, or send SIGHUP."
            raise HTTPException(403, message)
        try:
            await self._reload()
        except ConfigurationError as error:
            message = f"Nothing was changed; the last good configuration stays.\n{error}"
            raise HTTPException(500, message) from error
        return PlainTextResponse("reloaded\n")

    async def _poll_now(self, request: Request) -> Response:
        _refuse_foreign(request)
        answer = await self._exporter.poll_now(_target(request.scope["query_string"]))
        if answer is None:
            raise HTTPException(404, f"There is no such target.\n{self._known()}")
        return JSONResponse(
            {
                "asked": list(answer.asked),
                "joined": list(answer.joined),
                "too_soon": list(answer.too_soon),
            }
        )

    def _known(self) -> str:
        names = dict.fromkeys(verdict.target for verdict in self._exporter.verdicts())
        return f"Known targets: {', '.join(names)}"


def _refuse_foreign(request: Request) -> None:
    reason = foreign(request.scope)
    if reason:
        raise HTTPException(403, f"Refused: {reason}.")


async def _plainly(request: Request, error: Exception) -> Response:
    """Answer a mistake in plain text."""
    if not isinstance(error, HTTPException):
        raise error
    headers = dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        message = f"{request.method} is not allowed here; {headers['Allow']} is."
    else:
        message = error.detail
    return PlainTextResponse(f"{message}\n", error.status_code, headers)
