"""The first page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.actions import QUICK_ACTIONS
from exporter.service.visits import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.visits import Visit


async def _look(visit: Visit) -> Response:
    return await visit.page("start.html")


PAGES: Final = (Page(path=QUICK_ACTIONS.path, look=_look, nav=QUICK_ACTIONS.title),)
