"""Answers that go wrong on their way: half sent, far too long, not JSON, or none at all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from starlette.responses import JSONResponse, Response, StreamingResponse
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exporter.simulator.answer import Answer, Json

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

_CONNECTION: Final = "simulator.connection"
_CHUNK: Final = 64 * 1024
_HTML: Final = """<!DOCTYPE html>
<html><head><title>Welcome</title></head>
<body><h1>It works!</h1><p>The web server is running, but the application is not.</p></body></html>
"""
_TROUBLE: Final = (
    "could not connect to server db-7.internal.example: password authentication failed"
)
_STAMP: Final = re.compile(r"\d{4}-\d\d-\d\dT.*")


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol; it also lets the application close the connection that asked."""

    def on_message_begin(self) -> None:
        """Begin a request, with the connection in its scope."""
        super().on_message_begin()
        self.scope["extensions"] = {_CONNECTION: self.transport}  # type: ignore[dict-item]


class Refused(Response):
    """No answer: the connection is closed at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Close the connection."""
        _connection(scope).abort()
        await _gone(receive)


class Truncated(Response):
    """Half of the body that the headers announce, then the end of the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the first half and close the connection."""
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
        _connection(scope).close()
        await _gone(receive)


def garbage() -> Response:
    """Return a page of a web server instead of the application's answer."""
    return Response(_HTML, media_type="text/html")


def huge(size: int) -> Response:
    """Return a JSON text of *size* bytes that is never held in memory."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"padding":"'
        rest = size - len(b'{"padding":""}')
        while rest > 0:
            yield b"x" * min(rest, _CHUNK)
            rest -= _CHUNK
        yield b'"}'

    return StreamingResponse(chunks(), media_type="application/json")


def rendered(answer: Answer) -> Response:
    """Return the usual response: plain text for a string, JSON for everything else."""
    headers = dict(answer.headers)
    if isinstance(answer.body, str):
        return Response(answer.body, answer.status, headers)
    return JSONResponse(answer.body, answer.status, headers)


def failed(timestamp: str) -> Answer:
    """Return what the API says when it could not ask its own dependencies: 200 all the same."""
    return Answer({"status": "error", "timestamp": timestamp, "error": _TROUBLE})


def retyped(value: object) -> object:
    """Return *value* with every leaf of another type."""
    match value:
        case dict():
            return {key: retyped(item) for key, item in value.items()}
        case list():
            return [retyped(item) for item in value]
        case str():
            return len(value)
        case None:
            return [0]
        case _:
            return {"value": "wrong type"}


def restamped(body: object, timestamp: str) -> object:
    """Return *body* with its own timestamp, if it has one, moved on to *timestamp*."""
    if not isinstance(body, dict) or not _STAMP.fullmatch(str(body.get("timestamp"))):
        return body
    fresh: Json = {**body, "timestamp": timestamp}
    return fresh


def _connection(scope: Scope) -> asyncio.Transport:
    """
    Return the connection that a request came by.

    Raises:
        ConnectionResetError: Where there is none to close, as under a test's in-process client.
    """
    connection: asyncio.Transport | None = scope.get("extensions", {}).get(_CONNECTION)
    if connection is None:
        message = "the simulated backend closed the connection"
        raise ConnectionResetError(message)
    return connection


async def _gone(receive: Receive) -> None:
    """Wait until the connection is closed: before, the server would complain of what is missing."""
    while (await receive())["type"] != "http.disconnect":
        pass
