"""The page that describes the JSON API, drawn from its OpenAPI description; and that itself."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from starlette.responses import JSONResponse

from exporter.catalogue.actions import API_DOCS
from exporter.service import api
from exporter.service.api import describing
from exporter.service.api.problems import KINDS
from exporter.service.visits import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.visits import Visit

OPENAPI: Final = f"{API_DOCS.path}/openapi.json"


async def _look(visit: Visit) -> Response:
    base = f"{visit.runtime.settings.actions.url}{api.MOUNT}"
    return await visit.page("api.html", base=base, kinds=KINDS, openapi=OPENAPI, **_drawn())


async def _openapi(visit: Visit) -> Response:
    return JSONResponse(api.served(visit.runtime.folder))


@cache
def _drawn() -> dict[str, Any]:
    description = api.description()
    return {
        "groups": describing.operations(description),
        "models": describing.models(description),
    }


PAGES: Final = (Page(path=API_DOCS.path, look=_look), Page(path=OPENAPI, look=_openapi))
