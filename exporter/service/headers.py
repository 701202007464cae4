"""What is around every answer: security headers, the folder behind a proxy, the last net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.web.guard import refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.web.contract import ASGIApp, Message, Receive, Scope, Send

# Nothing but our own files: no inline script or style, no frame, no form that posts elsewhere.
POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    b"connect-src 'self'; media-src 'self'; form-action 'self'; base-uri 'none'; "
    b"frame-ancestors 'none'"
)
# There is no CORS header, ever: no other site's script may read an answer. The templates with forms
# ask for "same-origin" referrers instead: with none at all, browsers send "Origin: null".
HEADERS: Final = (
    (b"content-security-policy", POLICY),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"deny"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)

_BODY: Final = "http.response.body"

_log = Log(__name__)


class Surrounded:
    """
    Puts *app* where the proxy has it, and the headers on each answer that has not its own.

    Args:
        folder: Returns the path of ``actions.url``. Requests have it or not, as the proxy leaves
            it or takes it away; behind this, all have it, and ``root_path`` says so.
    """

    def __init__(self, app: ASGIApp, folder: Callable[[], str]) -> None:
        self._app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started = finished = False

        async def sending(message: Message) -> None:
            nonlocal started, finished
            if message["type"] == "http.response.start":
                started = True
                own = {name for name, _ in message["headers"]}
                added = [pair for pair in HEADERS if pair[0] not in own]
                message["headers"] = [*message["headers"], *added]
            await send(message)
            finished = started and not message.get("more_body", message["type"] != _BODY)

        try:
            await self._app(self._placed(scope), receive, sending)
        except Exception:
            _log.exception("a request failed", method=scope["method"], route=_route(scope))
            if started and not finished:
                raise  # the server cuts what is half an answer
            if not started:
                await refuse(sending, 500, "Something went wrong here; the log has it.")

    def _placed(self, scope: Scope) -> Scope:
        folder = self._folder()
        if not folder:
            return scope
        path = scope["path"]
        if path == folder:
            path = f"{folder}/"
        elif not path.startswith(f"{folder}/"):
            path = folder + path
        return {**scope, "path": path, "root_path": folder}


def _route(scope: Scope) -> str:
    """Return the path for the log, without the query: that may hold anything."""
    return str(scope["path"])[:200]
