"""
Pages: who may look at them and who may act, checked once for all of them.

A page is a `Page`: a path, what its GET shows, and what its POST does. All that stands before a
POST stands here; `act` is only called for an operator's own click, and at most once for each form
(its nonce is the key of the audit's row). How to write one::

    async def look(visit: Visit) -> Response:
        question = await prepare(visit.given)
        return await visit.page("confirm.html", question=question, token=visit.token())

    async def act(visit: Visit) -> Response:
        record = await perform(visit.given, who=visit.who.name, via="page", key=visit.key)
        return visit.redirect(f"/audit/{record.id}")

    PAGE = Page(path="/actions/ingest", look=look, act=act)

with ``<input type="hidden" name="form_token" value="{{ token }}">`` in the form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from exporter.service.bodies import read_form
from exporter.service.drawing import draw
from exporter.service.errors import browser
from exporter.service.forms import FIELD, TTL_S, Expired, Forged
from exporter.service.throttle import TooMany
from exporter.web.origin import foreign

if TYPE_CHECKING:
    from starlette.requests import Request

    from exporter.service.identity import Identity
    from exporter.service.runtime import Runtime

LOGIN: Final = "/login"
PASSWORD: Final = "/password"  # noqa: S105 - a path
_FORGED: Final = (
    "Refused, nothing was done: this form was made for somebody else or for something else. Open"
    " the page again."
)
_TOO_OLD: Final = (
    "This page was open for too long, so nothing was done. What it shows now is the present state:"
    " look again, then press the button."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """
    Somebody's request for a page.

    Attributes:
        given: The query of a GET; the fields of a POST.
        notice: To be shown above everything else; empty most times.
        key: Of the form that was sent, one-time: give it to the audit.
    """

    request: Request
    runtime: Runtime
    place: Page
    who: Identity
    given: Mapping[str, str]
    notice: str = ""
    key: str = ""

    def token(self, ttl_s: float = TTL_S) -> str:
        """Return the token of a form on this page, for what the page's `purpose` says."""
        return self.runtime.forms.issue(self.who.name, self.place.purpose_of(self), ttl_s)

    def url(self, path: str, **query: str) -> str:
        """Return the path of a page as browsers know it."""
        more = f"?{urlencode(query)}" if query else ""
        return f"{self.runtime.folder}{path}{more}"

    def redirect(self, path: str, **query: str) -> Response:
        """Send the browser to another page of ours, by GET."""
        return RedirectResponse(self.url(path, **query), 303)

    async def page(self, template: str, /, status: int = 200, **values: Any) -> Response:
        """Draw a template that extends ``frame.html``; it has `visit`, `who` and `root` too."""
        frame = {
            "visit": self,
            "who": self.who,
            "root": self.runtime.folder,
            "nav": self.runtime.nav,
            "notice": self.notice,
        }
        text = await asyncio.to_thread(draw, template, frame | values)
        return HTMLResponse(text, status)


Answer = Callable[[Visit], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    A page.

    Attributes:
        look: What GET shows; changes nothing.
        act: What POST does; None: the page cannot be sent to.
        purpose: What the form's token is good for, beside the path: action and target, where these
            stand fast before the form is filled in.
        operators: Only operators may act; False where everybody acts for themselves.
        always: Also for those who must change their password first.
        nav: What the link in the bar says; empty: there is none.
    """

    path: str
    look: Answer
    act: Answer | None = None
    purpose: Callable[[Visit], str] = field(default=lambda _: "")
    operators: bool = True
    always: bool = False
    nav: str = ""

    def purpose_of(self, visit: Visit) -> str:
        """Return what a token must have been issued for."""
        return f"{self.path}\n{self.purpose(visit)}"


def routes(page: Page, runtime: Runtime) -> list[Route]:
    """Return the routes of a page."""
    door = _Door(page, runtime)
    if page.act is None:
        return [Route(page.path, door.look, methods=["GET"])]
    # One route: of two, Starlette would name the methods of the first as all that are allowed.
    return [Route(page.path, door.answer, methods=["GET", "POST"])]


class _Door:
    """Lets in who may look, and through who may act."""

    def __init__(self, page: Page, runtime: Runtime) -> None:
        self._page = page
        self._runtime = runtime

    async def answer(self, request: Request) -> Response:
        return await (self.act if request.method == "POST" else self.look)(request)

    async def look(self, request: Request) -> Response:
        who = await self._runtime.identify(request)
        if who is None or (who.must_change and not self._page.always):
            return self._elsewhere(request, who)
        return await self._page.look(self._visit(request, who, request.query_params))

    async def act(self, request: Request) -> Response:
        reason = foreign(request.scope, self._runtime.settings.actions.url)
        if reason:
            raise HTTPException(403, f"Refused, nothing was done: {reason}.")
        who = await self._runtime.identify(request)
        if who is None or (who.must_change and not self._page.always):
            return self._elsewhere(request, who)
        if not who.firm:
            message = "Refused, nothing was done: another site's page has asked for this."
            raise HTTPException(403, message)
        if self._page.operators and not who.operator:
            raise HTTPException(403, _only_operators(who.name))
        try:
            self._runtime.actions_throttle.take(who.name)
        except TooMany as error:
            raise too_many(error) from None
        form = dict(await read_form(request))
        token = form.pop(FIELD, "")
        visit = self._visit(request, who, form)
        try:
            key = self._runtime.forms.check(token, who.name, self._page.purpose_of(visit))
        except Expired:
            answer = await self._page.look(replace(visit, notice=_TOO_OLD))
            answer.status_code = 409
            return answer
        except Forged:
            raise HTTPException(403, _FORGED) from None
        assert self._page.act is not None  # noqa: S101 - or there is no such route
        return await self._page.act(replace(visit, key=key))

    def _visit(self, request: Request, who: Identity, given: Mapping[str, str]) -> Visit:
        return Visit(
            request=request, runtime=self._runtime, place=self._page, who=who, given=dict(given)
        )

    def _elsewhere(self, request: Request, who: Identity | None) -> Response:
        """Send somebody to where they can sign in, or must change their password, first."""
        if not browser(request):
            detail = "Sign in first." if who is None else "Change the first password first."
            raise HTTPException(401 if who is None else 403, detail)
        if who is not None:
            return RedirectResponse(f"{self._runtime.folder}{PASSWORD}", 303)
        query = f"?{request.url.query}" if request.url.query else ""
        there = quote(f"{own_path(request)}{query}", safe="")
        return RedirectResponse(f"{self._runtime.folder}{LOGIN}?next={there}", 303)


def _only_operators(name: str) -> str:
    return (
        f"{name} may look and not act, so nothing was done. Whoever runs this service can add"
        " a name to auth.operators in its configuration."
    )


def too_many(error: TooMany) -> HTTPException:
    """Return the answer to somebody who comes too often."""
    message = f"Too many in too short a time; nothing was done. Wait {error.retry_after_s} s."
    return HTTPException(429, message, {"Retry-After": str(error.retry_after_s)})


def own_path(request: Request) -> str:
    """Return the path of a request as the pages know it: without our folder."""
    folder = str(request.scope.get("root_path", ""))
    return str(request.scope["path"]).removeprefix(folder) or "/"
