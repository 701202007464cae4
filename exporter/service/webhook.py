"""
Alertmanager's receiver: a notification is answered with 2xx once it is durably in the history.

Alertmanager sends again what was answered with 5xx, and gives up what was answered with 4xx.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from exporter.logs import Log
from exporter.service.bodies import read_body
from exporter.service.notifications import Notification, NotificationError
from exporter.store import history
from exporter.store.database import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection
    from starlette.requests import Request
    from starlette.responses import Response

    from exporter.store.book import Taken
    from exporter.store.database import Database

# 10,000 alerts with all their texts are 20 MB.
BODY_MAX: Final = 32 * 2**20
# Alertmanager waits no longer for an answer than it takes it to send the next one.
BODY_DEADLINE_S: Final = 60.0
# What becomes of a notification, as `ops_webhook_notifications_total` counts it.
STORED: Final = "stored"
REFUSED: Final = "refused"
UNAUTHORIZED: Final = "unauthorized"
FAILED: Final = "failed"
STATUSES: Final = (STORED, REFUSED, UNAUTHORIZED, FAILED)
# Bodies that are read as JSON at the same time: each may take 1 GB for a moment.
_AT_ONCE: Final = 2
_log = Log(__name__)


class _RefusedError(Exception):
    """Raised when a request is answered otherwise than with 2xx."""

    def __init__(self, status: int, text: str, place: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.place = place


class Webhook:
    """
    Takes notifications.

    Args:
        token: What Alertmanager must send, as it is now; raises OSError or UnicodeDecodeError where
            its file cannot be read.
        soon: Has the history reconciled at once.
        counted: Told what became of each request (`STATUSES`).
        changed: Called after the history has changed.
        wall: Unix seconds.
    """

    def __init__(
        self,
        database: Database,
        *,
        token: Callable[[], str],
        soon: Callable[[], None],
        counted: Callable[[str], None],
        wall: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
        body_max: int = BODY_MAX,
        body_deadline_s: float = BODY_DEADLINE_S,
    ) -> None:
        self._database = database
        self._token = token
        self._soon = soon
        self._counted = counted
        self._wall = wall
        self._changed = changed
        self._body_max = body_max
        self._body_deadline_s = body_deadline_s
        self._reading = asyncio.Semaphore(_AT_ONCE)

    async def receive(self, request: Request) -> Response:
        """Answer ``POST /webhooks/alertmanager``."""
        try:
            taken, truncated = await self._take(request)
        except _RefusedError as refusal:
            return self._refuse(refusal)
        self._counted(STORED)
        if truncated:
            _log.warning("a notification leaves alerts out: max_alerts must be 0", more=truncated)
        if truncated or taken.doubtful:
            self._soon()
        if taken.new or taken.changed:
            self._changed()
        return JSONResponse({"status": STORED, "new": taken.new, "changed": taken.changed})

    async def _take(self, request: Request) -> tuple[Taken, int]:
        self._authenticate(request)
        body = await self._body(request)
        try:
            async with self._reading:
                # Thousands of alerts would hold everybody else up.
                notification = await asyncio.to_thread(Notification, body)
        except NotificationError as error:
            raise _RefusedError(400, str(error), error.place) from None
        try:
            taken = await self._database.write(self._store, notification)
        except DatabaseError as error:
            _log.error("a notification was not stored", reason=str(error))
            raise _RefusedError(503, "The history cannot be written; send it again.") from None
        except Exception:  # noqa: BLE001 - it is logged whole, and answered
            # Ours, whatever it is: Alertmanager must not give the notification up.
            _log.exception("a notification was not stored")
            raise _RefusedError(503, "The history was not written; send it again.") from None
        return taken, notification.truncated

    def _authenticate(self, request: Request) -> None:
        try:
            token = self._token()
        except (OSError, UnicodeDecodeError) as error:
            _log.error("the webhook's token cannot be read", reason=type(error).__name__)
            raise _RefusedError(503, "The file of webhook_token_file cannot be read.") from None
        if not token:
            text = "No token is set for this webhook: set webhook_token_file and send it."
            raise _RefusedError(503, text)
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        # Of digests, whose length says nothing.
        known, sent = (_digest(text) for text in (token, given.strip()))
        if not hmac.compare_digest(known, sent) or scheme.lower() != "bearer":
            raise _RefusedError(401, "Send the webhook's token: Authorization: Bearer TOKEN.")

    async def _body(self, request: Request) -> bytes:
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise _RefusedError(415, "Send it unpacked.")
        try:
            return await read_body(request, self._body_max, self._body_deadline_s)
        except HTTPException as error:
            raise _RefusedError(error.status_code, error.detail) from None

    def _store(self, connection: Connection, notification: Notification) -> Taken:
        self._database.lock(connection, history.LOCK)
        return history.take(connection, notification.notices, self._wall())

    def _refuse(self, refusal: _RefusedError) -> Response:
        headers = {}
        if refusal.status == 401:  # noqa: PLR2004 - HTTP
            self._counted(UNAUTHORIZED)
            headers["www-authenticate"] = "Bearer"
        elif refusal.status >= 500:  # noqa: PLR2004 - HTTP
            self._counted(FAILED)
            headers["retry-after"] = "5"
        else:
            self._counted(REFUSED)
            _log.warning(
                "a notification was refused", place=refusal.place, reason=str(refusal)[:200]
            )
            # Alertmanager will not send it again; what it has is looked up.
            self._soon()
        told = {"error": str(refusal)} | ({"place": refusal.place} if refusal.place else {})
        return JSONResponse(told, status_code=refusal.status, headers=headers)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
