"""What stands in for the services that notifications go to: HTTP endpoints and a mail server."""

from __future__ import annotations

import json
import socketserver
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage


@dataclass(frozen=True)
class Posted:
    """A request: the path, its headers and its JSON."""

    path: str
    authorization: str | None
    body: Any


@contextmanager
def http_sink(answers: dict[str, tuple[int, bytes]]) -> Iterator[tuple[int, Queue[Posted]]]:
    """Yield port and requests of a server that answers as *answers* says, by path."""
    requests: Queue[Posted] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.put(Posted(self.path, self.headers.get("Authorization"), body))
            status, answer = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Write no access log."""

    with _running(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, requests


@contextmanager
def mail_server() -> Iterator[tuple[int, Queue[EmailMessage]]]:
    """Yield port and mails of a server that takes every mail without a login."""
    mails: Queue[EmailMessage] = Queue()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 ready")
            while line := self.rfile.readline():
                match line.split(b" ", 1)[0].strip().upper():
                    case b"DATA":
                        self._say("354 go on")
                        mails.put(message_from_bytes(self._text(), policy=policy.default))
                        self._say("250 taken")
                    case b"QUIT":
                        self._say("221 bye")
                        return
                    case _:
                        self._say("250 ok")

        def _say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def _text(self) -> bytes:
            lines = iter(self.rfile.readline, b".\r\n")
            # RFC 5321, 4.5.2: a dot at the beginning of a line was doubled.
            return b"".join(line.removeprefix(b".") for line in lines)

    with _running(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as port:
        yield port, mails


@contextmanager
def _running(server: socketserver.ThreadingTCPServer | ThreadingHTTPServer) -> Iterator[int]:
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
