"""
Signing in, by a form.

Nobody has a session before that, so the form's token is bound to a cookie of its own: a page of
another site can neither send it nor make somebody sign in under a name that is not theirs.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from exporter.logs import Log
from exporter.service.bodies import read_form
from exporter.service.drawing import draw
from exporter.service.forms import FIELD, Expired, Forged
from exporter.service.identity import cookies
from exporter.service.sessions import LIFETIME_S, Pair, id_of
from exporter.service.throttle import TooMany
from exporter.service.visits import LOGIN, PASSWORD, own_path, too_many
from exporter.store import sessions
from exporter.store.sessions import Session
from exporter.web.origin import foreign

if TYPE_CHECKING:
    from starlette.requests import Request

    from exporter.service.accounts import Account
    from exporter.service.runtime import Runtime

_PURPOSE: Final = "sign in"
_NEXT_MAX: Final = 2048
_PLAIN: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
_AGAIN: Final = "This page was open for too long. Please sign in now."
_WRONG: Final = "User name or password is wrong."
_NO_COOKIE: Final = (
    "Your browser did not send back what this form had given it. Allow cookies for this address,"
    " then sign in."
)

_log = Log(__name__)


def routes(runtime: Runtime) -> list[Route]:
    """Return the routes of signing in."""
    login = _Login(runtime)
    return [
        Route(LOGIN, login.look, methods=["GET"]),
        Route(LOGIN, login.act, methods=["POST"]),
    ]


def safe_next(path: str) -> str:
    """Return where to go after signing in: a page of ours, whatever a link says."""
    if len(path) > _NEXT_MAX or not _PLAIN.fullmatch(path):
        return "/"
    parts = urlsplit(path)
    strange = parts.scheme or parts.netloc or parts.path.startswith((LOGIN, "/logout"))
    dots = {".", ".."}.intersection(re.split(r"/|%2f", parts.path, flags=re.IGNORECASE))
    return "/" if strange or dots else path


async def begin_session(
    runtime: Runtime, request: Request, answer: Response, account: Account
) -> None:
    """Give the browser that gets *answer* a session; the one it had before ends."""
    pair, now = Pair(), runtime.wall()
    session = Session(
        id=id_of(pair.look),
        who=account.name,
        expires_at=now + LIFETIME_S,
        credential=account.credential,
    )
    await end_session(runtime, request)
    await runtime.database.write(sessions.begin, session, now)
    runtime.identifier.cookies.set_session(request.scope, answer, pair)


async def end_session(runtime: Runtime, request: Request) -> None:
    """End the session of a browser, if it has one."""
    held = runtime.identifier.cookies.session(request.scope, cookies(request.scope))
    if held is not None:
        await runtime.database.write(sessions.end, id_of(held[0]))


class _Login:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def look(self, request: Request) -> Response:
        there = safe_next(request.query_params.get("next", "/"))
        if await self._runtime.identify(request) is not None:
            return self._go(there)
        return await self._form(request, there)

    async def act(self, request: Request) -> Response:
        reason = foreign(request.scope, self._runtime.settings.actions.url)
        if reason:
            raise HTTPException(403, f"Refused: {reason}.")
        form = await read_form(request)
        there, name = safe_next(form.get("next", "/")), form.get("user", "").strip()
        bound = self._runtime.identifier.cookies.presession(request.scope, cookies(request.scope))
        if bound is None:
            return await self._form(request, there, name, _NO_COOKIE, 403)
        try:
            self._runtime.forms.check(form.get(FIELD, ""), _nobody(bound), _PURPOSE)
        except (Expired, Forged):
            return await self._form(request, there, name, _AGAIN, 409)
        address = self._runtime.identifier.peers.address(request.scope)
        password = form.get("password", "").encode()
        try:
            account = await self._runtime.identifier.sign_in(name, password, address)
        except TooMany as error:
            raise too_many(error) from None
        if account is None:
            return await self._form(request, there, name, _WRONG, 403)
        answer = self._go(PASSWORD if account.must_change else there)
        await begin_session(self._runtime, request, answer, account)
        _log.info("signed in", user=account.name, address=address)
        return answer

    def _go(self, there: str) -> Response:
        return RedirectResponse(f"{self._runtime.folder}{there}", 303)

    async def _form(
        self, request: Request, there: str, name: str = "", problem: str = "", status: int = 200
    ) -> Response:
        identifier = self._runtime.identifier
        held = identifier.cookies.presession(request.scope, cookies(request.scope))
        bound = held or secrets.token_urlsafe(32)
        values = {
            "root": self._runtime.folder,
            "token": self._runtime.forms.issue(_nobody(bound), _PURPOSE),
            "next": there,
            "name": name[:64],
            "problem": problem,
            "asks": identifier.accounts.any,
            "path": own_path(request),
        }
        text = await asyncio.to_thread(draw, "login.html", values)
        answer = HTMLResponse(text, status)
        identifier.cookies.set_presession(request.scope, answer, bound)
        return answer


def _nobody(bound: str) -> str:
    """Return whose a login form is; a name has no space."""
    return f"nobody {bound}"
