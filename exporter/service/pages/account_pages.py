"""The pages of one's own account: another password, signing out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from exporter.logs import Log
from exporter.service.first_password import PASSWORD_MAX_BYTES, PASSWORD_MIN, hashed
from exporter.service.identity import Via
from exporter.service.login import begin_session, end_session
from exporter.service.throttle import TooMany
from exporter.service.visits import LOGIN, PASSWORD, Page, too_many
from exporter.store import passwords

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.visits import Visit

LOGOUT: Final = "/logout"

_log = Log(__name__)


def _problem(visit: Visit) -> str:
    """Say why a new password will not do; empty when it will."""
    new = visit.given.get("new", "")
    if new != visit.given.get("again", ""):
        return "The two new passwords differ."
    if len(new) < PASSWORD_MIN:
        return f"Write at least {PASSWORD_MIN} characters; several words are easy to remember."
    if len(new.encode()) > PASSWORD_MAX_BYTES:
        return f"Write at most {PASSWORD_MAX_BYTES} characters (letters with accents count twice)."
    if new == visit.given.get("old", "") or visit.who.name.lower() in new.lower():
        return "Write another one than before, without your user name."
    return ""


async def _show(visit: Visit, problem: str = "", status: int = 200) -> Response:
    return await visit.page(
        "password.html",
        status,
        token=visit.token(),
        problem=problem,
        least=PASSWORD_MIN,
    )


def _check_kept(visit: Visit) -> None:
    if not visit.who.kept:
        message = "Your password is kept elsewhere: ask whoever gave it to you to change it."
        raise HTTPException(404, message)


async def _look(visit: Visit) -> Response:
    _check_kept(visit)
    return await _show(visit)


async def _act(visit: Visit) -> Response:
    _check_kept(visit)
    if problem := _problem(visit):
        return await _show(visit, problem, 400)
    runtime, name = visit.runtime, visit.who.name
    address = runtime.identifier.peers.address(visit.request.scope)
    try:
        old = visit.given.get("old", "").encode()
        account = await runtime.identifier.sign_in(name, old, address)
    except TooMany as error:
        raise too_many(error) from None
    if account is None:
        return await _show(visit, "The present password is wrong.", 403)
    hash_ = await asyncio.to_thread(hashed, visit.given["new"], runtime.password_cost)
    changed = await runtime.database.write(
        passwords.change, name, account.hash.decode(), hash_, runtime.wall()
    )
    if not changed:
        return await _show(visit, "Somebody else has changed it a moment ago.", 409)
    runtime.first_password.tidy(must_change=False)
    _log.info("password changed", user=name, address=address)
    # Every session of the old password has ended with it, this one too.
    now = (await runtime.database.read(runtime.identifier.accounts.all))[name]
    answer = visit.redirect("/")
    await begin_session(runtime, visit.request, answer, now)
    return answer


async def _leave(visit: Visit) -> Response:
    # Who is known by a proxy leaves there: our policy sends no form of ours to another address.
    by_proxy = visit.who.via is Via.PROXY
    away = visit.runtime.settings.auth.proxy.logout_url
    return await visit.page("logout.html", token=visit.token(), by_proxy=by_proxy, away=away)


async def _left(visit: Visit) -> Response:
    await end_session(visit.runtime, visit.request)
    answer = visit.redirect(LOGIN)
    visit.runtime.identifier.cookies.clear(visit.request.scope, answer)
    return answer


PAGES: Final = (
    Page(path=PASSWORD, look=_look, act=_act, operators=False, always=True),
    Page(path=LOGOUT, look=_leave, act=_left, operators=False, always=True),
)
