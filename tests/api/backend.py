"""A backend on a real socket that answers whatever a test writes down for it, byte by byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Awaitable, Callable

    Script = Callable[["Backend", asyncio.StreamWriter], Awaitable[None]]


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    target: str
    headers: dict[str, str]
    connection: int


@dataclass
class Backend:
    """What was asked, and what will be answered: the n-th request has the n-th answer."""

    answers: tuple[bytes | Script, ...]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    scheme: str = "http"

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                first, *lines = head.strip().split("\r\n")
                headers = dict(line.lower().split(": ", 1) for line in lines)
                raw = {line.split(": ", 1)[0].lower(): line.split(": ", 1)[1] for line in lines}
                headers.update(raw)
                self.asked.append(Asked(first.split(" ")[1], headers, connection))
                answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                else:
                    await answer(self, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    *answers: bytes | Script, context: ssl.SSLContext | None = None
) -> AsyncIterator[Backend]:
    backend = Backend(answers or (json_answer({}),), scheme="https" if context else "http")
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.get_running_loop().create_task(backend.talk(reader, writer))
        talks.add(talk)
        talk.add_done_callback(talks.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=context)
    backend.port = server.sockets[0].getsockname()[1]
    try:
        yield backend
    finally:
        server.close()
        for talk in list(talks):
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)
        await server.wait_closed()


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """Return a whole HTTP answer; underscores in the names of *headers* mean dashes."""
    lines = {
        "content-length": str(len(body)),
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode("latin-1") + body


def json_answer(value: Any, status: int = 200) -> bytes:
    return answer(status, json.dumps(value).encode(), content_type="application/json")


def then_close(data: bytes) -> Script:
    """Write *data* and close the connection in good order."""

    async def script(_: Backend, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()
        raise ConnectionResetError

    return script


async def reset(_: Backend, writer: asyncio.StreamWriter) -> None:
    """Answer nothing and reset the connection."""
    # A close that does not linger is one; it would take along what was written just before.
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()
    raise ConnectionResetError


async def hang(_: Backend, writer: asyncio.StreamWriter) -> None:
    """Answer nothing until the other side has gone."""
    await writer.drain()
    await asyncio.get_running_loop().create_future()


def drip(data: bytes) -> Script:
    """Write *data*, and after it one byte after the other without an end."""

    async def script(_: Backend, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)
        raise ConnectionResetError

    return script
