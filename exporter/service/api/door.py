"""The door of the API: who has no token, or sends what is no JSON, comes no further."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request

from exporter.service.api import problems
from exporter.service.api.problems import problem
from exporter.service.api.refusals import told
from exporter.service.bodies import read_body
from exporter.web.origin import foreign

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from exporter.service.runtime import Runtime

BODY_MAX: Final = 64 * 1024
# In the state of a request: its `Identity`.
CALLER: Final = "caller"
_SAFE: Final = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))
_WHO: Final = "Send one of auth.tokens: Authorization: Bearer TOKEN."
_JSON: Final = "application/json"


class Door:
    """
    Stands before the API.

    A cookie or a password is worth nothing here, and what another site's page makes a browser send
    bears no token: so there is no form token either.
    """

    def __init__(self, app: ASGIApp, runtime: Runtime) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        who = self._runtime.identifier.of_token(scope)
        if who is None:
            answer = problem(problems.UNKNOWN_TOKEN, _WHO, headers={"WWW-Authenticate": "Bearer"})
            await answer(scope, receive, send)
            return
        scope = {**scope, "state": {**scope.get("state", {}), CALLER: who}}
        if request.method not in _SAFE:
            try:
                receive = _again(await self._body(request), receive)
            except HTTPException as error:
                await told(request, error)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _body(self, request: Request) -> bytes:
        """Return the body; HTTPException when it is not to be read."""
        if reason := foreign(request.scope, self._runtime.settings.actions.url):
            raise HTTPException(403, f"Refused, nothing was done: {reason}.")
        body = await read_body(request, BODY_MAX)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        packed = request.headers.get("content-encoding", "identity").lower() != "identity"
        if body and (kind != _JSON or packed):
            raise HTTPException(415, f"Send Content-Type: {_JSON}, not packed.")
        return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Return what gives *body*, which has been read, and then goes on."""
    parts: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receiving() -> Message:
        return parts.pop() if parts else await receive()

    return receiving
