"""Requests of actions: each is sent once, and what is not known of its outcome is not guessed."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from exporter import __version__
from exporter.api.body import ACCEPTED, TooLargeError, UnreadableError, read_body
from exporter.api.failure import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.settings import Api

_BODY_LIMIT: Final = 2**20
# Whoever opens a page with history asks the backend at most this often.
_KEPT_S: Final = 5.0
# A generation is silent for hours; firewalls forget a silent connection after minutes.
_KEEPALIVE: Final = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, getattr(socket, "TCP_KEEPIDLE", socket.TCP_KEEPINTVL), 60),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
)


class Unreachable(Exception):  # noqa: N818 - a state of the other side, not a mistake
    """Raised when nothing was sent; the text says why and is safe to show."""


class UnknownOutcome(Exception):  # noqa: N818 - a state of the other side, not a mistake
    """Raised when it was sent and no whole answer came; never try again by yourself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """
    A whole answer.

    Attributes:
        body: The decoded JSON; None for a refusal without any.
        headers: By their names in lower case.
    """

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        """Whether the status says so; the body may still say that it failed."""
        return httpx.codes.is_success(self.status)


class Upstream:
    """
    One server that actions ask: the monitoring API, or the exporter.

    Each request has a connection of its own: one that was kept may be closed on the other side,
    which cannot be told from one that was closed after the request had been read.

    Args:
        api: Where, and with which token to read.
        token: Returns the bearer token to act with, or nothing.
        timeout_s: Deadline of a request, connecting included.
        body_limit: Bytes of an answer that are read at most.
        transport: Takes the place of the network in tests.
        clock: Seconds, monotonic.

    Raises:
        OSError: If the file of CA certificates cannot be used.
    """

    def __init__(
        self,
        api: Api,
        token: Callable[[], str],
        timeout_s: float,
        *,
        body_limit: int = _BODY_LIMIT,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.timeout_s = timeout_s
        self._api = api
        self._token = token
        self._body_limit = body_limit
        self._clock = clock
        secure = api.url.startswith("https:")
        self._transport = transport or httpx.AsyncHTTPTransport(
            verify=ssl.create_default_context(cafile=api.ca_file) if secure else False,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
            socket_options=_KEEPALIVE,
        )
        self._kept: dict[str, tuple[float, Reply | Unreachable]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def post(
        self, path: str, json_body: object = None, *, timeout_s: float | None = None
    ) -> Reply:
        """
        Send a POST with the acting token, once.

        Args:
            path: Below the base URL, percent-encoded.
            json_body: Sent as JSON; None sends no body.

        Raises:
            Unreachable: Nothing was sent.
            UnknownOutcome: It was sent; whether it was done is not known.
        """
        headers = self._headers(self._token)
        content = b""
        if json_body is not None:
            content = json.dumps(json_body).encode()
            headers["content-type"] = "application/json"
        request = httpx.Request("POST", f"{self._api.url}{path}", headers=headers, content=content)
        return await self._send(request, timeout_s or self.timeout_s)

    async def get(self, path: str) -> Reply:
        """
        Ask with the reading token, at most once in 5 s: until then the same answer is returned.

        Raises:
            Unreachable: No usable answer came.
        """
        async with self._asking.setdefault(path, asyncio.Lock()):
            asked, answer = self._kept.get(path, (float("-inf"), Unreachable()))
            if self._clock() - asked >= _KEPT_S:
                answer = await self._get(path)
                self._kept[path] = self._clock(), answer
        if isinstance(answer, Unreachable):
            raise Unreachable(*answer.args)
        return answer

    async def _get(self, path: str) -> Reply | Unreachable:
        try:
            headers = self._headers(self._api.bearer)
            request = httpx.Request("GET", f"{self._api.url}{path}", headers=headers)
            return await self._send(request, self.timeout_s)
        except Unreachable as error:
            return error
        except UnknownOutcome as error:
            return Unreachable(*error.args)

    async def _send(self, request: httpx.Request, timeout_s: float) -> Reply:
        progress = _Progress()
        # What may take hours to answer may not take hours to connect.
        connect_s = min(timeout_s, self.timeout_s)
        request.extensions.update(trace=progress.note, timeout={"connect": connect_s})
        reply: Reply | None = None
        try:
            async with asyncio.timeout(timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    reply = Reply(status=response.status_code, headers=_texts(response.headers))
                    body = await read_body(response, self._body_limit)
                finally:
                    await response.aclose()
        except (TimeoutError, httpx.ConnectTimeout):
            reason = f"no answer within {timeout_s:g} s"
            if progress.nothing_sent:
                message = f"no connection within {connect_s:g} s"
                raise Unreachable(message) from None
        except TooLargeError:
            reason = f"the answer has more than {self._body_limit} bytes"
        except (UnreadableError, httpx.ProtocolError):
            reason = "the answer was cut or is not HTTP"
        except (httpx.TransportError, OSError) as error:
            if progress.nothing_sent or isinstance(error, httpx.ConnectError):
                raise Unreachable(refusal(error)) from None
            reason = "the connection was lost before the answer"
        else:
            return _decoded(reply, bytes(body))
        if reply is not None and not reply.success:
            return reply  # what its body would have said does not change that it was refused
        raise UnknownOutcome(reason)

    def _headers(self, token: Callable[[], str]) -> dict[str, str]:
        headers = {
            "user-agent": f"ops-exporter/{__version__}",
            "accept": "application/json",
            "accept-encoding": ACCEPTED,
        }
        try:
            value = token()
        except (OSError, UnicodeDecodeError) as error:
            message = f"the token file cannot be read ({type(error).__name__})"
            raise Unreachable(message) from None
        if not (value.isascii() and value.isprintable()):
            message = "the token has characters that no HTTP header can carry"
            raise Unreachable(message)
        if value:
            headers["authorization"] = f"Bearer {value}"
        return headers


class _Progress:
    """How far a request has come, as the transport tells; one that tells nothing may have sent."""

    def __init__(self) -> None:
        self._connecting = False
        self._sending = False

    @property
    def nothing_sent(self) -> bool:
        return self._connecting and not self._sending

    async def note(self, event: str, _: Mapping[str, Any]) -> None:
        self._connecting = self._connecting or event.startswith("connection.connect_")
        self._sending = self._sending or event.endswith("send_request_headers.started")


def _texts(headers: httpx.Headers) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _decoded(reply: Reply, content: bytes) -> Reply:
    body = None
    try:
        body = json.loads(content) if content else None
    except (ValueError, RecursionError):
        if reply.success:
            message = "the answer is not the API's (no JSON)"
            raise UnknownOutcome(message) from None
    return Reply(status=reply.status, body=body, headers=reply.headers)
