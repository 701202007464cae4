"""The simulated backend as an ASGI application: who may ask, what goes wrong, what is answered."""

from __future__ import annotations

import asyncio
import hmac
import json
import random
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import Route

from exporter.simulator import deployed, designed, transport
from exporter.simulator.actions import Actions
from exporter.simulator.answer import Answer, Rejected, naive, utc
from exporter.simulator.control import Control
from exporter.simulator.endpoints import Dialect, Endpoint, offered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.simulator.faults import Fault
    from exporter.simulator.world import World

_GLANCE_S: Final = 0.02  # how often a request that hangs looks whether it may go on
_ANSWERS: Final = {Dialect.DESIGNED: designed.answers, Dialect.DEPLOYED: deployed.answers}
_BEARER: Final = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """
    The bearer tokens that are accepted; an empty one was not configured.

    Without any, everybody may do everything; with the reading token alone, nobody may act.
    """

    read: str = ""
    admin: str = ""

    def check(self, endpoint: Endpoint, given: str) -> None:
        """
        Let the request through that came with the header *given*.

        Raises:
            Rejected: With 401.
        """
        if endpoint.public or not (self.read or self.admin):
            return
        if not (self.read or endpoint.action):
            return
        accepted = [self.admin] if endpoint.action else [self.read, self.admin]
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Rejected(401, "Not authenticated", _BEARER)
        if not any(
            known and hmac.compare_digest(known.encode(), token.encode()) for known in accepted
        ):
            raise Rejected(401, "Invalid authentication token", _BEARER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """
    The simulated backend behind its routes.

    Attributes:
        slow_scale: Factor on the times that the deployed backend stands still; 0 for none.
        turn: Held by whoever makes everybody else wait.
    """

    world: World
    dialect: Dialect
    clock: Callable[[], float]
    tokens: Tokens
    slow_scale: float
    actions: Actions
    rng: random.Random
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def routes(self) -> list[Route]:
        """Return a route for each endpoint of the dialect."""
        return [
            Route(endpoint.path, self._handler(endpoint), methods=[endpoint.method])
            for endpoint in offered(self.dialect)
        ]

    def _handler(self, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
        async def handle(request: Request) -> Response:
            began = time.monotonic()
            response = await self._respond(endpoint, request)
            seconds = time.monotonic() - began
            self.world.traffic.record(endpoint.path, endpoint.method, response.status_code, seconds)
            return response

        return handle

    async def _respond(self, endpoint: Endpoint, request: Request) -> Response:
        for fault in self._faults(endpoint):
            if fault.kind.name == "refuse":
                return transport.Refused()
            if fault.kind.name == "down":
                return JSONResponse({"detail": "Service unavailable"}, 503)
        try:
            self.tokens.check(endpoint, request.headers.get("authorization", ""))
            async with self._delays(endpoint, request):
                self.world.advance_to(self.clock())
                answer = await self._answer(endpoint, request)
        except Rejected as rejection:
            answer = rejection.answer
        return self._spoiled(endpoint, request, answer)

    def _faults(self, endpoint: Endpoint) -> list[Fault]:
        now = self.clock()
        self.world.advance_to(now)
        return [
            fault for fault in self.world.faults if fault.active(now) and fault.hits(endpoint.name)
        ]

    @asynccontextmanager
    async def _delays(self, endpoint: Endpoint, request: Request) -> AsyncIterator[None]:
        """Let time pass before the answer: what the backend needs, and what faults add."""
        scale = self.slow_scale if self.dialect is Dialect.DEPLOYED else 0.0
        standstill_s = scale * deployed.duration_s(self.world, endpoint.name, self.rng)
        heavy = endpoint.heavy and self.dialect is Dialect.DEPLOYED
        alone: list[Fault] = []
        for fault in self._faults(endpoint):
            if fault.kind.name not in {"slow", "hang"}:
                continue
            if heavy or fault.parameters["blocking"]:
                alone.append(fault)
            else:
                await self._delay(fault, request)
        async with self.turn:
            # As in the real backend, a client that leaves does not free it.
            for fault in alone:
                await self._delay(fault, None)
            if standstill_s:
                await asyncio.sleep(standstill_s)
        yield

    async def _delay(self, fault: Fault, request: Request | None) -> None:
        """Wait as *fault* says; with a *request*, no longer than its client does."""
        if fault.kind.name == "slow":
            await asyncio.sleep(fault.number("seconds"))
            return
        while fault in self.world.faults and fault.active(self.clock()):
            if request is not None and await request.is_disconnected():
                return
            await asyncio.sleep(_GLANCE_S)

    async def _answer(self, endpoint: Endpoint, request: Request) -> Answer:
        if endpoint.action:
            body = _decoded(await request.body())
            return await self.actions.run(endpoint.name, request.path_params, body)
        answers = _ANSWERS[self.dialect]
        return answers(self.world, endpoint.name, {**request.query_params, **request.path_params})

    def _spoiled(self, endpoint: Endpoint, request: Request, answer: Answer) -> Response:
        """Return the response with *answer*, or what faults make of it."""
        timestamp = utc if self.dialect is Dialect.DESIGNED else naive
        response = transport.rendered(answer)
        for fault in self._faults(endpoint):
            match fault.kind.name:
                case "error":
                    answer = transport.failed(timestamp(self.world.now))
                case "http_500":
                    answer = Answer({"detail": "Internal server error"}, 500)
                case "stuck_value":
                    answer = self._stuck(fault, str(request.url), answer, timestamp)
                case "wrong_types":
                    answer = Answer(transport.retyped(answer.body), answer.status, answer.headers)
                case "garbage":
                    return transport.garbage()
                case "truncated":
                    return transport.Truncated(response.body, headers=dict(response.headers))
                case "huge":
                    return transport.huge(int(fault.number("bytes")))
                case _:
                    continue
            response = transport.rendered(answer)
        return response

    def _stuck(
        self, fault: Fault, url: str, answer: Answer, timestamp: Callable[[float], str]
    ) -> Answer:
        stuck = fault.memory.setdefault(url, answer)
        assert isinstance(stuck, Answer)  # noqa: S101  # only the line above fills it
        body = transport.restamped(stuck.body, timestamp(self.world.now))
        return Answer(body, stuck.status, stuck.headers)


def create_app(
    world: World,
    *,
    dialect: Dialect = Dialect.DESIGNED,
    clock: Callable[[], float] = time.time,
    tokens: Tokens | None = None,
    slow_scale: float = 1.0,
    generate_s: float = 8.0,
) -> Starlette:
    """
    Return the application that answers for *world*.

    Args:
        clock: Returns the unix time; the world is moved on to it at each request.
        slow_scale: Factor on the times that the deployed backend stands still; 0 for none.
        generate_s: How long the generation of sparse embeddings takes.
    """
    # Not the world's own randomness: how often somebody asks must not change what happens.
    rng = random.Random(0)  # noqa: S311  # noise, not secrets
    backend = Backend(
        world=world,
        dialect=dialect,
        clock=clock,
        tokens=tokens or Tokens(),
        slow_scale=slow_scale,
        actions=Actions(world=world, dialect=dialect, rng=rng, generate_s=generate_s),
        rng=rng,
    )
    control = Control(world=world, dialect=dialect, clock=clock)
    return Starlette(
        routes=[*control.routes(), *backend.routes()],
        exception_handlers={HTTPException: _plain_error},
    )


async def _plain_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for nothing else
    return JSONResponse({"detail": error.detail}, error.status_code)


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None
