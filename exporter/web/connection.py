"""One HTTP connection: uvicorn's, with bounds on what a stranger may hold and names to check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from exporter.web.tls import san_allowed

if TYPE_CHECKING:
    import asyncio

# A scrape's head has 300 bytes; Go's servers allow 1 MB, nginx 32 kB.
HEAD_MAX_BYTES: Final = 32 * 1024
# Nothing honest needs longer for a request line and headers.
HEAD_TIMEOUT_S: Final = 10.0
# Below the usual limit of 1,024 open files: the pollers and the listener need theirs.
CONNECTIONS_MAX: Final = 900
_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class Connection(HttpToolsProtocol):
    """
    Uvicorn parses and answers; it bounds neither the head of a request nor the wait for one.

    Args:
        allowed_sans: Names of which the client's certificate needs one; empty: any will do.
    """

    def __init__(
        self,
        *,
        allowed_sans: frozenset[str] = frozenset(),
        **uvicorns: Any,
    ) -> None:
        super().__init__(**uvicorns)
        self._allowed_sans = allowed_sans
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are too many or its certificate names somebody else."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX or not self._known(transport):
            transport.abort()
            return
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; refuse a head that is too long, cut off one that takes too long."""
        # Before parsing: a request that begins in these bytes counts from the next ones.
        self._head_bytes += len(data)
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            self._stop_timer()
        elif self._head_bytes > HEAD_MAX_BYTES:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """End the head; what follows is a body or the next request."""
        self._in_head = False
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """End an answer; one after which the connection closes must get out in time."""
        super().on_response_complete()
        if self.transport.is_closing() and self.transport.get_write_buffer_size():
            self.loop.call_later(self.timeout_keep_alive, self.transport.abort)

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection; closing alone would wait for a client that never reads."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def _known(self, transport: asyncio.Transport) -> bool:
        if not self._allowed_sans:
            return True
        session = transport.get_extra_info("ssl_object")
        return session is not None and san_allowed(session.getpeercert(), self._allowed_sans)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
