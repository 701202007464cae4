"""The live alerts: a page that is complete by itself, and a stream that keeps it up to date."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from exporter.catalogue import dashboards
from exporter.catalogue.actions import ALERTS, HISTORY, PREFERENCES
from exporter.service.drawing import draw
from exporter.service.pages import firing
from exporter.service.pages.ways import grafana, page
from exporter.service.visits import Page
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.responses import Response

    from exporter.service.pages.firing import Panel
    from exporter.service.visits import Visit

STREAM: Final = "/alerts/live"
# Each one is a connection that stays, and a question to the database every few seconds.
STREAMS_MAX: Final = 50
# Another replica may have been told; that is looked up this often.
_LOOK_S: Final = 5.0
# What is shown grows old by itself ("3 min ago"), and proxies cut what is silent.
_AGAIN_S: Final = 20.0


async def _look(visit: Visit) -> Response:
    found = await _panel(visit)
    saved = await visit.runtime.preferences()
    return await visit.page(
        "alerts.html",
        panel=found,
        stream=visit.url(STREAM),
        sound=saved.sound,
        ways=[
            page(visit, HISTORY),
            page(visit, PREFERENCES),
            grafana(visit, dashboards.ALERTS),
        ],
    )


async def _panel(visit: Visit) -> Panel:
    return firing.panel(visit, *await visit.runtime.database.read(firing.read))


async def _live(visit: Visit) -> Response:
    if len(visit.runtime.changes) >= STREAMS_MAX:
        message = "Too many look at the live alerts; the page itself shows them too."
        raise HTTPException(503, message, {"Retry-After": "30"})
    return StreamingResponse(
        _events(visit),
        media_type="text/event-stream",
        # nginx would gather what is to be seen at once.
        headers={"X-Accel-Buffering": "no"},
    )


async def _events(visit: Visit) -> AsyncIterator[str]:
    """Yield the whole panel whenever it has changed, and now and then; end with the session."""
    runtime = visit.runtime
    changed = asyncio.Event()
    runtime.changes.append(changed.set)
    loop = asyncio.get_running_loop()
    state: tuple[Any, ...] | None = None
    due_s = loop.time()
    try:
        while True:
            changed.clear()
            who = await runtime.identify(visit.request)
            if who is None or who.must_change or who.name != visit.who.name:
                yield _event("end", {})
                return
            try:
                found = await _panel(visit)
            except DatabaseError:
                yield _event("away", {})
            else:
                if found.state != state or loop.time() >= due_s:
                    state, due_s = found.state, loop.time() + _AGAIN_S
                    yield _event("alerts", await _told(visit, found))
            try:
                async with asyncio.timeout(_LOOK_S):
                    await changed.wait()
            except TimeoutError:
                pass
    finally:
        runtime.changes.remove(changed.set)


async def _told(visit: Visit, found: Panel) -> dict[str, Any]:
    values = {"panel": found, "who": visit.who, "root": visit.runtime.folder}
    return {
        "html": await asyncio.to_thread(draw, "alerts_list.html", values),
        "alerts": [
            {"key": one.key, "name": one.row.name, "severity": one.row.mark.word}
            for one in found.told
        ],
    }


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"


PAGES: Final = (
    Page(path=ALERTS.path, look=_look, nav=ALERTS.title),
    Page(path=STREAM, look=_live),
)
