"""Asks one monitoring API: deadline, size limit and verdict for each request."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from exporter import __version__
from exporter.api.answer import Answer
from exporter.api.body import ACCEPTED, TooLargeError, UnreadableError, read_body
from exporter.api.failure import refusal
from exporter.api.judgement import judge, judge_status
from exporter.catalogue.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.catalogue.model import Endpoint
    from exporter.settings import Api

# Longer than the default pace, so that a connection serves more than one poll where the backend
# keeps it; shorter than the minutes after which firewalls forget a silent one without a word.
_KEEPALIVE_S: Final = 90.0
# At their debug level they write every header down, the token's among them.
_TALKATIVE: Final = ("httpcore", "hpack")


class _TokenError(Exception):
    """Raised when the token cannot be sent; the text is safe to show."""


class _StaleError(Exception):
    """Raised when a kept connection ended before an answer began: it had merely been idle."""


class ApiClient:
    """
    The connections to one monitoring API.

    Args:
        api: Where to ask, and with which token.
        body_limit: Bytes of an answer, unpacked, that are read at most.
        transport: Takes the place of the network in tests.
        clock: Seconds, monotonic.
        wall: Unix time.

    Raises:
        OSError: If the file of CA certificates cannot be used.
    """

    def __init__(
        self,
        api: Api,
        *,
        body_limit: int,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.perf_counter,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._api = api
        self._body_limit = body_limit
        self._transport = transport
        self._clock = clock
        self._wall = wall
        self._context: ssl.SSLContext | None = None
        if api.url.startswith("https:"):
            self._context = ssl.create_default_context(cafile=api.ca_file)
        for name in _TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        # Transports, not clients: of a client's work (cookies, redirects, unpacking) nothing is
        # wanted, and a backend could do harm with it. One an endpoint: a shared pool looks through
        # all its connections at each request, which costs four times as much.
        self._transports: dict[str, httpx.AsyncBaseTransport] = {}
        self._urls: dict[str, httpx.URL] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        transports, self._transports = self._transports, {}
        for transport in transports.values():
            await transport.aclose()

    async def ask(self, endpoint: Endpoint, *, deadline_s: float) -> Answer:
        """
        Ask *endpoint* once and judge the answer; never raises for what the API does.

        A kept connection that the backend had already closed is opened anew, once, within the same
        *deadline_s* (which counts everything, connecting included).
        """
        start = self._clock()
        payload, detail = None, ""
        try:
            async with asyncio.timeout(deadline_s):
                status, body = await self._get(endpoint)
            verdict, payload, detail = judge(endpoint, status, body)
        except TimeoutError:
            verdict, detail = Verdict.TIMEOUT, f"no answer within {deadline_s:g} s"
        except TooLargeError:
            verdict, detail = Verdict.TOO_LARGE, f"more than {self._body_limit} bytes"
        except _TokenError as error:
            verdict, detail = Verdict.UNAUTHORIZED, str(error)
        except (UnreadableError, httpx.ProtocolError):
            verdict, detail = Verdict.INVALID, "the answer was cut or is not HTTP"
        except (httpx.TransportError, OSError) as error:
            verdict, detail = Verdict.REFUSED, refusal(error)
        except Exception as error:  # noqa: BLE001 - errors of h2 come through httpcore as they are
            verdict, detail = Verdict.INVALID, f"the answer is not HTTP ({type(error).__name__})"
        return Answer(
            endpoint=endpoint,
            verdict=verdict,
            duration_s=max(0.0, self._clock() - start),
            received_at=self._wall(),
            payload=payload,
            detail=detail,
        )

    async def _get(self, endpoint: Endpoint) -> tuple[int, bytearray]:
        try:
            return await self._get_once(endpoint)
        except _StaleError:
            return await self._get_once(endpoint, again=True)

    async def _get_once(self, endpoint: Endpoint, *, again: bool = False) -> tuple[int, bytearray]:
        """Return status and body; _StaleError when it is worth trying *again*."""
        connected = False

        async def trace(event: str, _: dict[str, Any]) -> None:
            nonlocal connected
            connected = connected or event == "connection.connect_tcp.started"

        request = httpx.Request(
            "GET",
            self._url(endpoint),
            headers=self._headers(endpoint),
            extensions={"trace": trace},
        )
        try:
            response = await self._connections(endpoint).handle_async_request(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if not connected and not again:
                raise _StaleError from None
            if isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error):
                message = "closed"
                raise ConnectionResetError(message) from None
            raise
        try:
            # A refusal's body says nothing that is shown, and could be of any size.
            if judge_status(endpoint, response.status_code) is not Verdict.OK:
                return response.status_code, bytearray()
            return response.status_code, await read_body(response, self._body_limit)
        finally:
            await response.aclose()

    def _connections(self, endpoint: Endpoint) -> httpx.AsyncBaseTransport:
        if endpoint.name not in self._transports:
            self._transports[endpoint.name] = self._transport or httpx.AsyncHTTPTransport(
                verify=self._context or False,  # without one the URL is plain http
                http2=self._context is not None,
                trust_env=False,
                limits=httpx.Limits(
                    max_connections=2,
                    max_keepalive_connections=1,
                    keepalive_expiry=_KEEPALIVE_S,
                ),
            )
        return self._transports[endpoint.name]

    def _url(self, endpoint: Endpoint) -> httpx.URL:
        if endpoint.name not in self._urls:
            query = dict(endpoint.query)
            if endpoint.windowed:
                query["time_range"] = self._api.time_range
                query["time_window_days"] = str(self._api.time_window_days)
            self._urls[endpoint.name] = httpx.URL(
                f"{self._api.url}{endpoint.path}", params=query or None
            )
        return self._urls[endpoint.name]

    def _headers(self, endpoint: Endpoint) -> dict[str, str]:
        headers = {
            "user-agent": f"ops-exporter/{__version__}",
            "accept": "text/plain" if endpoint.text else "application/json",
            "accept-encoding": ACCEPTED,
        }
        if endpoint.public:
            return headers
        try:
            token = self._api.bearer()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the token file cannot be read ({type(error).__name__})"
            raise _TokenError(message) from None
        if not (token.isascii() and token.isprintable()):
            message = "the token has characters that no HTTP header can carry"
            raise _TokenError(message)
        if token:
            headers["authorization"] = f"Bearer {token}"
        return headers
