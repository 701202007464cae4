"""The outermost layer: rate limit, password and configured headers, swapped whole on reload."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from exporter.web.auth import Busy, Users
from exporter.web.options import WebConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.web.contract import ASGIApp, Headers, Message, Receive, Scope, Send
    from exporter.web.options import RateLimit

# Orchestrators ask these without a password; the stylesheet says nothing worth hiding.
OPEN_PATHS: Final = frozenset({"/-/healthy", "/-/ready", "/static/ops.css"})
_TEXT: Final = (b"content-type", b"text/plain; charset=utf-8")
_PLAIN: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))
_CHALLENGE: Final = (b"www-authenticate", b'Basic realm="ops-exporter", charset="UTF-8"')


class Bucket:
    """A token bucket, as the toolkit's: full at first, one more token per interval."""

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._at_s = clock()

    def take(self) -> bool:
        """Take a token, if there is one."""
        now_s = self._clock()
        gained = (now_s - self._at_s) / self._limit.interval_s
        self._tokens = min(float(self._limit.burst), self._tokens + gained)
        self._at_s = now_s
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class _Policy:
    """A web configuration in force. One object, so that a request sees one or the other."""

    def __init__(self, config: WebConfig, clock: Callable[[], float], *, asks: bool) -> None:
        self.headers = config.headers
        self.users = Users(config.users, clock=clock) if config.users and asks else None
        self.bucket = Bucket(config.rate_limit, clock) if config.rate_limit else None
        self.idle = not (self.headers or self.users or self.bucket)


class Guard:
    """
    ASGI middleware in front of everything that the server answers.

    Args:
        asks: Ask for the passwords of the web configuration; False when *app* does so itself.

    Attributes:
        app: The application behind; may be replaced while serving.
    """

    def __init__(
        self,
        app: ASGIApp,
        config: WebConfig | None = None,
        *,
        asks: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.app = app
        self._asks = asks
        self._clock = clock
        self._policy = _Policy(config or WebConfig(), clock, asks=asks)

    def swap(self, config: WebConfig) -> None:
        """Put another configuration in force; credentials verified before are forgotten."""
        self._policy = _Policy(config, self._clock, asks=self._asks)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or let the application do it."""
        policy = self._policy
        if policy.idle:
            await self.app(scope, receive, send)
            return
        if policy.headers:
            send = _with_headers(send, policy.headers)
        if scope["path"] in OPEN_PATHS:
            await self.app(scope, receive, send)
        elif policy.bucket and not policy.bucket.take():
            await refuse(send, 429, "Too many requests: rate_limit of the web configuration.")
        elif policy.users is None:
            await self.app(scope, receive, send)
        else:
            await self._authenticated(policy.users, scope, receive, send)

    async def _authenticated(
        self, users: Users, scope: Scope, receive: Receive, send: Send
    ) -> None:
        given = next((v for name, v in scope["headers"] if name == b"authorization"), b"")
        try:
            allowed = await users.allow(given)
        except Busy:
            await refuse(send, 503, "Too many passwords are being checked.", (b"retry-after", b"1"))
            return
        if allowed:
            await self.app(scope, receive, send)
        else:
            await refuse(send, 401, "User name and password, please.", _CHALLENGE)


async def refuse(send: Send, status: int, reason: str, *headers: tuple[bytes, bytes]) -> None:
    """Answer in plain text without asking the application."""
    body = f"{reason}\n".encode()
    length = (b"content-length", b"%d" % len(body))
    start = {
        "type": "http.response.start",
        "status": status,
        "headers": [_TEXT, length, *_PLAIN, *headers],
    }
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send, headers: Headers) -> Send:
    """Add *headers* to the answer, in place of those of the same name."""
    names = {name for name, _ in headers}

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0] not in names]
            message["headers"] = [*kept, *headers]
        await send(message)

    return sending
