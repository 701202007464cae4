"""The simulator's own pages under ``/-/``: faults on and off, and a look at the world."""

from __future__ import annotations

import json
import logging
import math
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final

from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from exporter.simulator import endpoints
from exporter.simulator.answer import Json, utc
from exporter.simulator.faults import FaultError
from exporter.simulator.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from exporter.simulator.endpoints import Dialect
    from exporter.simulator.faults import Fault
    from exporter.simulator.world import World

_log = logging.getLogger(__name__)

# An id; more digits than any has would be slow to read.
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
# In a fault's meaning, as in Markdown.
_CODE: Final = re.compile(r"`([^`]+)`")
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
       color: #1c2430; background: #fff }
h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem }
p.note { color: #5b6675; margin-top: .2rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e3e8ee;
         vertical-align: top }
code, pre { font: 14px/1.5 ui-monospace, monospace; background: #f3f5f8; border-radius: 4px }
code { padding: .1rem .3rem } pre { padding: .8rem; overflow-x: auto }
td { overflow-wrap: anywhere } td:first-child { overflow-wrap: normal }
@media (max-width: 40rem) {
  body { margin: 1rem auto } tr:first-child { display: none }
  table, tbody { display: block }
  tr { display: block; padding: .5rem 0; border-bottom: 1px solid #e3e8ee }
  td { display: block; padding: 0; border: 0 } td:first-child { font-weight: 600 }
}
@media (prefers-color-scheme: dark) {
  body { color: #dce3ec; background: #14181e } a { color: #8ab4f8 }
  th, td, tr { border-color: #2b333d } code, pre { background: #1f252d } p.note { color: #94a0af } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The control pages of one simulated backend; they need no token and are never broken."""

    world: World
    dialect: Dialect
    clock: Callable[[], float]

    def routes(self) -> list[Route]:
        """Return where these pages are."""
        return [
            Route("/", self.landing),
            Route("/-/healthy", self.healthy),
            Route("/-/world", self.show_world),
            Route("/-/faults", self.list_faults, methods=["GET"]),
            Route("/-/faults", self.add_fault, methods=["POST"]),
            Route("/-/faults", self.clear_faults, methods=["DELETE"]),
            Route("/-/faults/{number}", self.remove_fault, methods=["DELETE"]),
        ]

    async def healthy(self, _: Request) -> Response:
        """Tell that the simulator itself runs."""
        return PlainTextResponse("simulator is healthy\n")

    async def show_world(self, _: Request) -> Response:
        """Show all quantities and states by the names that faults call them by."""
        self.world.advance_to(self.clock())
        return JSONResponse({"numbers": self.world.numbers, "states": self.world.states})

    async def list_faults(self, _: Request) -> Response:
        """List the faults that are switched on or planned."""
        now = self.clock()
        self.world.advance_to(now)
        return JSONResponse({"faults": [_shape(fault, now) for fault in self.world.faults]})

    async def add_fault(self, request: Request) -> Response:
        """Switch on the fault that the JSON body describes."""
        now = self.clock()
        self.world.advance_to(now)
        try:
            description = await request.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            return _bad_request("the body must be JSON")
        if not isinstance(description, dict):
            return _bad_request("the body must be a JSON object with a kind")
        try:
            fault = self.world.faults.add(description, now)
        except FaultError as error:
            return _bad_request(str(error))
        self.world.refresh()
        _log.info("fault on: id=%d kind=%s", fault.id, fault.kind.name)
        return JSONResponse(_shape(fault, now), 201)

    async def clear_faults(self, _: Request) -> Response:
        """Switch off all faults."""
        count = self.world.faults.clear()
        self.world.refresh()
        _log.info("faults off: count=%d", count)
        return JSONResponse({"cleared": count})

    async def remove_fault(self, request: Request) -> Response:
        """Switch off one fault."""
        text = request.path_params["number"]
        fault = self.world.faults.remove(int(text)) if _NUMBER.fullmatch(text) else None
        if fault is None:
            on = ", ".join(f"{fault.id} ({fault.kind.name})" for fault in self.world.faults)
            message = f"id: {json.dumps(text)}: no such fault; switched on: {on or 'none'}"
            return JSONResponse({"error": message}, 404)
        self.world.refresh()
        _log.info("fault off: id=%d kind=%s", fault.id, fault.kind.name)
        return JSONResponse(_shape(fault, self.clock()))

    async def landing(self, request: Request) -> Response:
        """Show what there is to ask and to break."""
        now = self.clock()
        self.world.advance_to(now)
        offered = endpoints.offered(self.dialect)
        faults = ", ".join(f"{fault.id}: {fault.kind.name}" for fault in self.world.faults)
        address = str(request.base_url).rstrip("/")
        return HTMLResponse(
            f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Simulated monitoring API</title>
<style>{_STYLE}</style></head><body>
<h1>Simulated monitoring API</h1>
<p class="note">{self.dialect} dialect · {utc(now)} · faults: {escape(faults or "none")} ·
<a href="/-/faults">list</a> · <a href="/-/world">world</a> · <a href="/-/healthy">healthy</a></p>
<h2>Endpoints</h2>
<table><tr><th>Name</th><th>Method</th><th>Path</th></tr>
{"".join(map(_endpoint_row, offered))}</table>
<h2>Faults</h2>
<table><tr><th>Kind</th><th>Parameters</th><th>What it does</th></tr>
{"".join(map(_kind_row, KINDS))}</table>
<pre>curl -d '{{"kind": "slow", "endpoint": "cache", "seconds": 3}}' {escape(address)}/-/faults
curl {escape(address)}/-/faults
curl -X DELETE {escape(address)}/-/faults</pre>
</body></html>
"""
        )


def _endpoint_row(endpoint: endpoints.Endpoint) -> str:
    path = escape(endpoint.path)
    shown = path if endpoint.action or "{" in path else f'<a href="{path}">{path}</a>'
    return f"<tr><td>{endpoint.name}</td><td>{endpoint.method}</td><td>{shown}</td></tr>\n"


def _kind_row(kind: str) -> str:
    name, parameters, meaning = (escape(part) for part in described(kind))
    meaning = _CODE.sub(r"<code>\1</code>", meaning)
    return f"<tr><td><code>{name}</code></td><td>{parameters}</td><td>{meaning}</td></tr>\n"


def described(name: str) -> tuple[str, str, str]:
    """Return name, parameters and meaning of the kind *name*, to be shown to a person."""
    kind = KINDS[name]
    parameters = ", ".join(
        name if default in {"", None} else f"{name} = {_shown(default)}"
        for name, default in kind.parameters.items()
    )
    return kind.name, parameters, kind.meaning


def _shown(default: object) -> str:
    return f"{default:.12g}" if isinstance(default, float) else json.dumps(default)


def _shape(fault: Fault, now: float) -> Json:
    lasts = math.isfinite(fault.until)
    return {
        "id": fault.id,
        "kind": fault.kind.name,
        "active": fault.active(now),
        "since": utc(fault.since),
        "until": utc(fault.until) if lasts else None,
        **{name: value for name, value in fault.parameters.items() if value not in {"", None}},
    }


def _bad_request(message: str) -> Response:
    return JSONResponse({"error": message}, 400)
