"""Asks one monitoring API: deadline, size limit and verdict for each request."""

from __future__ import annotations

import asyncio
import ssl
import time
from typing import TYPE_CHECKING, Any, Self

import httpx
from pydantic_core import from_json

from exporter import __version__
from exporter.api.answer import Answer
from exporter.api.judgement import judge_body, judge_status
from exporter.catalogue.verdicts import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.catalogue.model import Endpoint
    from exporter.settings import Api


class _TooLargeError(Exception):
    """Raised when an answer grows over the size limit; the rest of it is not read."""


class _TokenError(Exception):
    """Raised when the token cannot be sent; the text is safe to show."""


class ApiClient:
    """
    The connections to one monitoring API.

    Args:
        api: Where to ask, and with which token.
        body_limit: Bytes of a decoded answer that are read at most.
        transport: Takes the place of the network in tests.
        clock: Seconds, monotonic.
        wall: Unix time.
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
        self._context: ssl.SSLContext | bool = False
        if api.url.startswith("https:"):
            self._context = ssl.create_default_context(cafile=api.ca_file)
        # One client an endpoint: the pool of a shared one looks through all its connections at
        # each request, which costs four times as much (docs/performance.md).
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        clients, self._clients = self._clients, {}
        for client in clients.values():
            await client.aclose()

    async def ask(self, endpoint: Endpoint, *, deadline_s: float) -> Answer:
        """
        Ask *endpoint* once and judge the answer; never raises for what the API does.

        A connection that the backend had already closed is opened anew, once, within the same
        *deadline_s* (which counts everything, connecting included).
        """
        start = self._clock()
        payload, detail = None, ""
        try:
            async with asyncio.timeout(deadline_s):
                status, body = await self._get(endpoint)
            verdict, payload, detail = self._judge(endpoint, status, body)
        except TimeoutError:
            verdict, detail = Verdict.TIMEOUT, f"no answer within {deadline_s:g} s"
        except _TooLargeError:
            verdict, detail = Verdict.TOO_LARGE, f"more than {self._body_limit} bytes"
        except _TokenError as error:
            verdict, detail = Verdict.UNAUTHORIZED, str(error)
        except (httpx.DecodingError, httpx.RemoteProtocolError, _CutError):
            verdict, detail = Verdict.INVALID, "the answer was cut or is not HTTP"
        except (httpx.TransportError, OSError) as error:
            verdict, detail = Verdict.REFUSED, f"no connection ({type(error).__name__})"
        return Answer(
            endpoint=endpoint,
            verdict=verdict,
            duration_s=max(0.0, self._clock() - start),
            received_at=self._wall(),
            payload=payload,
            detail=detail,
        )

    async def _get(self, endpoint: Endpoint) -> tuple[int, bytes]:
        try:
            return await self._get_once(endpoint)
        except _ClosedError as error:
            try:
                return await self._get_once(endpoint)
            except _ClosedError:
                raise httpx.ReadError(str(error)) from None

    async def _get_once(self, endpoint: Endpoint) -> tuple[int, bytes]:
        """Return status and body; _ClosedError when the connection ended before any of it."""
        client = self._client(endpoint)
        request = client.build_request(
            "GET",
            f"{self._api.url}{endpoint.path}",
            params=self._query(endpoint),
            headers=self._headers(endpoint),
        )
        try:
            response = await client.send(request, stream=True)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in str(error):
                raise
            raise _ClosedError(type(error).__name__) from None
        try:
            # A refusal's body says nothing that is shown, and could be of any size.
            if judge_status(endpoint, response.status_code) is not Verdict.OK:
                return response.status_code, b""
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._body_limit:
                    raise _TooLargeError
        except (httpx.ReadError, httpx.StreamError) as error:
            raise _CutError(type(error).__name__) from None
        else:
            return response.status_code, bytes(body)
        finally:
            await response.aclose()

    def _client(self, endpoint: Endpoint) -> httpx.AsyncClient:
        if endpoint.name not in self._clients:
            self._clients[endpoint.name] = httpx.AsyncClient(
                verify=self._context,
                http2=isinstance(self._context, ssl.SSLContext),
                timeout=None,  # noqa: S113 - asyncio.timeout bounds the whole request
                follow_redirects=False,
                trust_env=False,
                transport=self._transport,
                limits=httpx.Limits(max_connections=2, max_keepalive_connections=1),
            )
        return self._clients[endpoint.name]

    def _query(self, endpoint: Endpoint) -> dict[str, str]:
        query = dict(endpoint.query)
        if endpoint.windowed:
            query["time_range"] = self._api.time_range
            query["time_window_days"] = str(self._api.time_window_days)
        return query

    def _headers(self, endpoint: Endpoint) -> dict[str, str]:
        headers = {
            "user-agent": f"ops-exporter/{__version__}",
            "accept": "text/plain" if endpoint.text else "application/json",
        }
        if endpoint.public:
            return headers
        try:
            token = self._api.bearer()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the token file cannot be read ({type(error).__name__})"
            raise _TokenError(message) from None
        if not (token.isascii() and (token.isprintable() or not token)):
            message = "the token has characters that no HTTP header can carry"
            raise _TokenError(message)
        if token:
            headers["authorization"] = f"Bearer {token}"
        return headers

    def _judge(self, endpoint: Endpoint, status: int, body: bytes) -> tuple[Verdict, Any, str]:
        verdict = judge_status(endpoint, status)
        if verdict is not Verdict.OK:
            return verdict, None, f"HTTP {status}"
        try:
            payload: Any = body.decode("utf-8") if endpoint.text else from_json(body)
        except ValueError:
            return Verdict.INVALID, None, "not UTF-8 text" if endpoint.text else "not JSON"
        verdict = judge_body(endpoint, payload)
        if verdict is Verdict.OK:
            return verdict, payload, ""
        return verdict, None, f"the body says status: {payload['status'].strip().lower()}"


class _ClosedError(Exception):
    """Raised when the connection ended before an answer began: perhaps it was merely idle."""


class _CutError(Exception):
    """Raised when the connection ended in the middle of an answer."""
