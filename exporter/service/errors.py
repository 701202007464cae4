"""Answers to what went wrong: a page for browsers, plain text for everything else."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, PlainTextResponse, Response

from exporter.logs import Log
from exporter.service.clicks import KeyReusedError
from exporter.service.drawing import draw
from exporter.store.database import DatabaseError
from exporter.web.auth import Busy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from starlette.requests import Request

# What a status is called, for somebody who has never heard of it.
_TITLES: Final = {
    400: "This cannot be read",
    401: "Sign in first",
    403: "Not allowed",
    404: "There is no such page",
    405: "Not allowed here",
    408: "That took too long",
    409: "Nothing was done",
    413: "That is too much",
    415: "This cannot be read",
    429: "Too many at once",
    500: "Something went wrong here",
    503: "Not available right now",
}
_UNKNOWN: Final = (
    "Something went wrong here; the log of the service has it. If you had pressed a button, look at"
    " the audit before you press it again."
)
_REUSED: Final = "Nothing was done: this was sent before, with other values. Look again."
_NO_DATABASE: Final = (
    "The database of the action service does not answer. Nothing was done that the audit does not"
    " have; try again in a moment."
)

_log = Log(__name__)


def browser(request: Request) -> bool:
    """Whether a person looks at the answer."""
    return "text/html" in request.headers.get("accept", "")


def handlers(
    folder: Callable[[], str],
) -> Mapping[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]:
    """
    Return what answers each kind of mistake.

    Args:
        folder: Returns what is before each path of ours.
    """

    async def answer(request: Request, error: Exception) -> Response:
        status, detail, headers = _told(request, error)
        if not browser(request):
            return PlainTextResponse(f"{detail}\n", status, headers)
        values = {
            "root": folder(),
            "status": status,
            "title": _TITLES.get(status) or HTTPStatus(status).phrase,
            "detail": detail,
        }
        text = await asyncio.to_thread(draw, "error.html", values)
        return HTMLResponse(text, status, headers)

    kinds = (HTTPException, DatabaseError, Busy, KeyReusedError, Exception)
    return dict.fromkeys(kinds, answer)


def _told(request: Request, error: Exception) -> tuple[int, str, dict[str, str]]:
    """Return status, words and headers."""
    if isinstance(error, DatabaseError):
        _log.error("the database does not answer", reason=str(error))
        return 503, _NO_DATABASE, {"Retry-After": "5"}
    if isinstance(error, Busy):
        return 503, "Too many passwords are being checked.", {"Retry-After": "1"}
    if isinstance(error, KeyReusedError):
        return 409, _REUSED, {}
    if not isinstance(error, HTTPException):
        return 500, _UNKNOWN, {}  # the last net (headers.py) logs it
    headers = dict(error.headers or {})
    detail = error.detail
    if "Allow" in headers:
        headers["Allow"] = ", ".join(sorted(headers["Allow"].split(", ")))
        detail = f"{request.method} is not allowed here; {headers['Allow']} is."
    elif error.status_code == HTTPStatus.NOT_FOUND and detail == HTTPStatus.NOT_FOUND.phrase:
        detail = "There is nothing at this address."
    return error.status_code, detail, headers
