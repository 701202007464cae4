"""Errors as problems: every answer of the API that is none of what was asked for."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from exporter.actions.model import InputError
from exporter.logs import Log
from exporter.service.api import problems
from exporter.service.api.problems import Kind, Mistake, problem
from exporter.service.clicks import KeyReusedError, TooSoon
from exporter.service.throttle import TooMany
from exporter.store.database import DatabaseError
from exporter.store.preferences import Conflict, PreferencesError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from starlette.requests import Request
    from starlette.responses import Response

# A name of a field is chosen by whoever sends it.
_PLACE_MAX: Final = 100
_SEND_KEY: Final = (
    "Send a header Idempotency-Key, with a text of your own for each thing that you want done: for"
    " example a UUID."
)
_SEND_VERSION: Final = (
    "Send the ETag of what you have seen as If-Match: without it, you might undo what others set."
)
_MISSING: Final[Mapping[tuple[Any, ...], tuple[Kind, str]]] = {
    ("header", "Idempotency-Key"): (
        problems.MALFORMED,
        _SEND_KEY,
    ),
    ("header", "If-Match"): (
        problems.NO_VERSION,
        _SEND_VERSION,
    ),
}
_OURS: Final = "The log of the service has it. Look at the audit before you try again."
_NO_DATABASE: Final = (
    "The database of the action service does not answer. Nothing was done that the audit does not"
    " have; try again in a moment."
)
_NO_JSON: Final = "The body is no JSON that can be read."
_NOTHING_HERE: Final = "There is nothing at this address."
# Seconds: as long as a database takes that is started again.
_RETRY: Final = {"Retry-After": "5"}

_log = Log(__name__)


class ToldError(Exception):
    """Raised to answer with a problem."""

    def __init__(self, kind: Kind, detail: str, *, audit: int | None = None) -> None:
        super().__init__(detail)
        self.kind = kind
        self.audit = audit


def handlers() -> dict[
    int | type[Exception], Callable[[Request, Exception], Coroutine[Any, Any, Response]]
]:
    """Return what answers each kind of error."""

    async def answer(request: Request, error: Exception) -> Response:
        return told(request, error)

    kinds: list[int | type[Exception]] = [HTTPException, Exception, *_ANSWERS]
    return dict.fromkeys(kinds, answer)


def told(request: Request, error: Exception) -> Response:
    """Return the answer to *error*."""
    for kind, answer in _ANSWERS.items():
        if isinstance(error, kind):
            return answer(error)
    if isinstance(error, HTTPException):
        return _of_http(request, error)
    return problem(problems.MISTAKE, _OURS)  # the last net (headers.py) logs it


def _told(error: ToldError) -> Response:
    headers = _RETRY if error.kind is problems.UNAVAILABLE else None
    return problem(error.kind, str(error), audit=error.audit, headers=headers)


def _validation(error: RequestValidationError) -> Response:
    found = error.errors()
    for one in found:
        if one["type"] == "missing" and (told := _MISSING.get(tuple(one["loc"]))):
            return problem(*told)
    if any(one["type"] == "json_invalid" for one in found):
        return problem(problems.MALFORMED, _NO_JSON)
    mistakes = [_mistake(one) for one in found]
    return problem(problems.INVALID, _sentence(mistakes), errors=mistakes)


def _input(error: InputError) -> Response:
    if error.name == "backend":
        return problem(problems.NOT_FOUND, str(error))
    mistakes = [Mistake(place=error.name, detail=str(error))]
    return problem(problems.INVALID, _sentence(mistakes), errors=mistakes)


def _preferences(error: PreferencesError) -> Response:
    mistakes = [Mistake(place=name, detail=text) for name, text in error.problems.items()]
    return problem(problems.INVALID, f"Nothing was saved. {_sentence(mistakes)}", errors=mistakes)


def _conflict(error: Conflict) -> Response:
    text = f"Nothing was saved: {error}. Version {error.current.version} is in force."
    return problem(problems.CHANGED, text, headers={"ETag": f'"{error.current.version}"'})


def _reused(error: KeyReusedError) -> Response:
    return problem(problems.KEY_REUSED, f"Nothing was done: {error}.")


def _too_soon(error: TooSoon) -> Response:
    wait = {"Retry-After": str(max(1, math.ceil(error.retry_after_s)))}
    return problem(problems.TOO_SOON, str(error), audit=error.record.id, headers=wait)


def _too_many(error: TooMany) -> Response:
    text = f"Nothing was done. Wait {error.retry_after_s} s."
    return problem(problems.TOO_MANY, text, headers={"Retry-After": str(error.retry_after_s)})


def _database(error: DatabaseError) -> Response:
    _log.error("the database does not answer", reason=str(error))
    return problem(problems.UNAVAILABLE, _NO_DATABASE, headers=_RETRY)


_ANSWERS: Final[Mapping[type[Exception], Callable[[Any], Response]]] = {
    ToldError: _told,
    RequestValidationError: _validation,
    InputError: _input,
    PreferencesError: _preferences,
    Conflict: _conflict,
    KeyReusedError: _reused,
    TooSoon: _too_soon,
    TooMany: _too_many,
    DatabaseError: _database,
}


def _of_http(request: Request, error: HTTPException) -> Response:
    status, detail, headers = error.status_code, str(error.detail), dict(error.headers or {})
    if "Allow" in headers:
        headers["Allow"] = ", ".join(_allowed(request))
        detail = f"{request.method} is not allowed here; {headers['Allow']} is."
    elif status == HTTPStatus.BAD_REQUEST and detail.startswith("There was an error parsing"):
        detail = _NO_JSON  # FastAPI's words for what is nested too deeply
    elif detail == HTTPStatus(status).phrase:
        detail = _NOTHING_HERE if status == HTTPStatus.NOT_FOUND else f"{detail}."
    return problem(problems.BY_STATUS[status], detail, headers=headers)


def _allowed(request: Request) -> list[str]:
    """Return the methods of an address: of each there is a route, and Starlette tells the first."""
    return sorted(
        method
        for route in request.app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods
    )


def _mistake(error: Mapping[str, Any]) -> Mistake:
    """Return place and words, and nothing of what was sent."""
    place = ".".join(str(part)[:_PLACE_MAX] for part in error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return Mistake(place=place.encode("utf-8", "replace").decode(), detail=text)


def _sentence(mistakes: list[Mistake]) -> str:
    first = f"{mistakes[0].place}: {mistakes[0].detail}" if mistakes else ""
    more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
    return f"{first}{more}"
