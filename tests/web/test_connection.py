"""What a stranger may hold of a server: real sockets, raw bytes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from exporter.web import connection, listen
from exporter.web.app import create_app
from exporter.web.options import WebConfig
from exporter.web.server import KEEP_ALIVE_S, Server
from tests.web.fake_exporter import FakeExporter, FakePage, FakeRendered

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GET = b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"
DEADLINE_S = 20


class HugePage(FakePage):
    """More than the kernel takes from a sender whose reader does not read."""

    def get(self, accept: str, accept_encoding: str) -> FakeRendered:
        del accept, accept_encoding
        body = bytes(32 * 2**20)
        return FakeRendered(body, ((b"content-length", b"%d" % len(body)),))


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[Server, int]]:
    pages: dict[str, FakePage] = {"default": FakePage("default"), "huge": HugePage("huge")}
    listener = listen.bind(listen.parse("127.0.0.1:0"))
    port = listen.bound(listener).port
    server = Server(create_app(FakeExporter(pages=pages)), listener, WebConfig())
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()


async def talk(port: int, *parts: bytes) -> bytes:
    """Send and return all that comes until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await writer.drain()
    async with asyncio.timeout(DEADLINE_S):
        try:
            return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def until_gone(server: Server) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while server._state.connections:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.01)


async def test_requests_in_one_packet_are_answered_in_turn() -> None:
    last = GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with serving() as (_, port):
        answer = await talk(port, GET * 500 + last)

    assert answer.count(b"HTTP/1.1 200 OK") == 501


async def test_a_request_in_single_bytes_is_answered() -> None:
    last = GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
    async with serving() as (_, port):
        answer = await talk(port, *(bytes([byte]) for byte in last))

    assert answer.startswith(b"HTTP/1.1 200 OK")


async def test_no_answer_tells_the_servers_name() -> None:
    async with serving() as (_, port):
        answer = await talk(port, GET.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))

    assert b"server:" not in answer.lower()
    assert b"uvicorn" not in answer.lower()


async def test_a_head_without_end_is_cut() -> None:
    header = b"x: " + b"a" * 1000 + b"\r\n"
    async with serving() as (server, port):
        answer = await talk(port, b"GET / HTTP/1.1\r\n", *([header] * 1000))
        await until_gone(server)

    assert answer == b"" or answer.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.05)
    async with serving() as (server, port):
        assert await talk(port, b"GET / HTTP/1.1\r\nhost:") == b""
        await until_gone(server)


async def test_a_second_head_that_takes_too_long_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.05)
    async with serving() as (server, port):
        answer = await talk(port, GET + b"GET / HTTP/1.1\r\nhost:")
        await until_gone(server)

    assert answer.count(b"HTTP/1.1 200 OK") == 1


async def test_a_connection_that_says_nothing_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEAD_TIMEOUT_S", 0.05)
    async with serving() as (_, port):
        assert await talk(port) == b""


async def test_a_kept_connection_is_not_waited_for_as_for_a_head() -> None:
    async with serving() as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        async with asyncio.timeout(DEADLINE_S):
            assert await reader.readuntil(b"# default\n")
        [kept] = server._state.connections
        assert isinstance(kept, connection.Connection)
        assert kept._head_timer is None
        assert kept.timeout_keep_alive == KEEP_ALIVE_S
        writer.close()


@pytest.mark.parametrize("closing", [b"", b"connection: close\r\n"])
async def test_a_client_that_never_reads_is_cut(closing: bytes) -> None:
    async with serving() as (server, port):
        server._uvicorn.timeout_keep_alive = 0.05  # type: ignore[assignment]
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(b"GET /probe?target=huge HTTP/1.1\r\nhost: x\r\n" + closing + b"\r\n")
        async with asyncio.timeout(DEADLINE_S):
            while not server._state.connections:  # noqa: ASYNC110 - uvicorn tells nobody
                await asyncio.sleep(0.01)
        await until_gone(server)
        writer.close()


async def test_too_many_connections_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECTIONS_MAX", 1)
    async with serving() as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"# default\n")
        assert await talk(port, GET) == b""
        writer.write(GET)
        assert await reader.readuntil(b"# default\n")
        writer.close()


async def test_what_is_no_http_is_answered_with_400() -> None:
    async with serving() as (_, port):
        assert (await talk(port, b"\x16\x03\x01 not http\r\n\r\n")).startswith(b"HTTP/1.1 400 ")
