"""Who did what: the audit, and one row of it, which is also the result of an action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from exporter.actions.model import State
from exporter.catalogue.actions import ACKNOWLEDGE, ALERTS, AUDIT, DISMISS, PREFERENCES, ROUTES
from exporter.service.keeping import WITHDRAW
from exporter.service.pages import progress
from exporter.service.pages.entries import entry, title_of
from exporter.service.pages.ways import of_action, page
from exporter.service.visits import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.pages.ways import Way
    from exporter.service.visits import Visit
    from exporter.store.audit import Record

_SHOWN: Final = 50
# What a row's number can be, in every database.
_NUMBER_MAX: Final = 2**31 - 1
_DIGITS_MAX: Final = len(str(_NUMBER_MAX))
_OF_ALERTS: Final = frozenset((ACKNOWLEDGE.slug, DISMISS.slug, WITHDRAW, PREFERENCES.slug))
_ACTIONS: Final = tuple((route.slug, route.title) for route in ROUTES if route.acts)


async def _list(visit: Visit) -> Response:
    action = visit.given.get("action", "")[:64].replace("\0", "")
    before = _number(visit.given.get("before", ""))
    # One more than is shown tells whether there is more.
    found = await visit.runtime.performer.records(_SHOWN + 1, before, action or None)
    rows, more = found[:_SHOWN], len(found) > _SHOWN
    filtered = {"action": action} if action else {}
    older = visit.url(AUDIT.path, **filtered, before=str(rows[-1].id)) if more else ""
    known = dict(_ACTIONS) if not action else {action: title_of(action), **dict(_ACTIONS)}
    return await visit.page(
        "audit.html",
        rows=[entry(visit, record) for record in rows],
        action=action,
        actions=sorted(known.items(), key=lambda pair: pair[1]),
        older=older,
        newest=visit.url(AUDIT.path, **filtered) if before is not None else "",
    )


def _number(text: str) -> int | None:
    """Return the number that a link names; None if it names none."""
    if not (text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX):
        return None
    return min(int(text), _NUMBER_MAX)


async def _record(visit: Visit) -> Record:
    number = _number(visit.request.path_params["number"])
    found = None if number is None else await visit.runtime.performer.record(number)
    if found is None:
        message = "The audit has no such entry; old ones are deleted after a while."
        raise HTTPException(404, message)
    return found


async def _one(visit: Visit) -> Response:
    record = await _record(visit)
    shown = entry(visit, record)
    backend = record.parameters.get("backend")
    known = isinstance(backend, str) and bool(shown.again)
    ways = of_action(visit, record.action, str(backend)) if known else _ways(visit, record)
    return await visit.page(
        "entry.html",
        entry=shown,
        progress=await progress.of_record(visit, record),
        ways=ways,
        settled=record.state in {State.DONE, State.STARTED},
    )


def _ways(visit: Visit, record: Record) -> list[Way]:
    alerts = [page(visit, ALERTS)] if record.action in _OF_ALERTS else []
    return [*alerts, page(visit, AUDIT)]


async def _progress(visit: Visit) -> Response:
    found = await progress.of_record(visit, await _record(visit))
    return JSONResponse({"running": False} if found is None else found.told())


PAGES: Final = (
    Page(path=AUDIT.path, look=_list, nav=AUDIT.title),
    Page(path=f"{AUDIT.path}/{{number}}", look=_one),
    Page(path=f"{AUDIT.path}/{{number}}/progress", look=_progress),
)
