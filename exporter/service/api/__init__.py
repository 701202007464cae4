"""The JSON API: what the pages do, for scripts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from exporter import __version__
from exporter.service.api import actions, alerts, backends, keeping, preferences, records
from exporter.service.api.callers import Anybody
from exporter.service.api.door import Door
from exporter.service.api.problems import Problem
from exporter.service.api.refusals import handlers
from exporter.service.api.routing import PREFIX

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from exporter.service.runtime import Runtime

MOUNT: Final = "/api"
_TITLE: Final = "ops-exporter: the action service"
_ABOUT: Final = """\
What the pages of the action service do, for scripts.

* **Token.** Each request bears one of `auth.tokens`: `Authorization: Bearer TOKEN`. Scope `read` is
  for every GET, `act` for actions, `alerts` for acknowledging, dismissing, withdrawing and
  preferences.
* **Idempotency-Key.** Each POST has one: sent again with the same values, nothing is done again,
  and the answer is what came of it. With other values it is refused.
* **Looking changes nothing.** The GET at the path of an action says what its POST would do.
* **Problems** are `application/problem+json` (RFC 9457); a program tells them apart by `type`.
"""
_ROUTERS: Final = (
    *(records.service, actions.router(), records.sparse, records.audits, backends.router),
    *(alerts.router, keeping.router, preferences.router),
)


def create_api(runtime: Runtime) -> ASGIApp:
    """Build the application that stands at `MOUNT`."""
    app = _built()
    app.state.runtime = runtime
    return Door(app, runtime)


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI description; whoever serves it says where the servers are."""
    return _described(_built())


def served(folder: str) -> dict[str, Any]:
    """Return the description of the API that stands in *folder*."""
    return {**description(), "servers": [{"url": f"{folder}{MOUNT}"}]}


def _built() -> FastAPI:
    app = FastAPI(
        title=_TITLE,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=handlers(),
        separate_input_output_schemas=False,
    )
    # Flat, as include_router has them not: what looks through all routes finds these.
    for router in _ROUTERS:
        app.router.routes.extend(router.routes)
    app.add_api_route(f"{PREFIX}/openapi.json", _openapi, include_in_schema=False)
    return app


async def _openapi(request: Request, _: Anybody) -> JSONResponse:
    return JSONResponse(served(request.app.state.runtime.folder))


def _described(app: FastAPI) -> dict[str, Any]:
    """Return what FastAPI knows, and the problems, which it does not."""
    found = get_openapi(
        title=_TITLE,
        version=app.version,
        description=_ABOUT,
        routes=app.routes,
        separate_input_output_schemas=False,
    )
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas = found["components"]["schemas"]
    schemas.update(schema.pop("$defs"))
    schemas["Problem"] = schema
    return found
