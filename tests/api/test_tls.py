"""TLS and HTTP/2, with real certificates and a real server that offers both."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from exporter.api.client import ApiClient
from exporter.catalogue.endpoints import CACHE, EVENTS
from exporter.catalogue.verdicts import Verdict
from exporter.settings import Api
from tests.api.backend import json_answer, serving, then_close
from tests.api.conftest import LIMIT, LONG_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.api.conftest import Ask


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def context(authority: trustme.CA, *names: str, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(made)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    return made


@asynccontextmanager
async def speaking(data: bytes, *, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Serve *data* to whoever says anything, whatever it is."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(data)
        with suppress(asyncio.CancelledError):  # by the end of the loop
            while await reader.read(65536):
                pass
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_a_certificate_of_a_trusted_authority_is_accepted(
    ask: Ask, authority: trustme.CA, ca_file: Path
) -> None:
    async with serving(json_answer({}), context=context(authority, "127.0.0.1")) as backend:
        got = await ask(backend, ca_file=ca_file)

    assert Verdict.OK is got.verdict


@pytest.mark.parametrize(("name", "trusted"), [("127.0.0.1", False), ("elsewhere.example", True)])
async def test_a_certificate_that_does_not_prove_who_answers_is_refused(
    ask: Ask, authority: trustme.CA, ca_file: Path, name: str, *, trusted: bool
) -> None:
    async with serving(json_answer({}), context=context(authority, name)) as backend:
        got = await ask(backend, ca_file=ca_file if trusted else None, token="s3cret")  # noqa: S106

    assert Verdict.REFUSED is got.verdict
    assert got.detail == "no connection: TLS: the certificate is not trusted or not for this host"
    assert not backend.asked


async def test_an_answer_that_is_closed_in_its_middle_is_cut_and_not_refused(
    ask: Ask, authority: trustme.CA, ca_file: Path
) -> None:
    """With TLS's own farewell, and without, as of a process that ended."""
    half = json_answer({})[:-1]

    async def end(_: Any, writer: asyncio.StreamWriter) -> None:
        writer.write(half)
        await writer.drain()
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)

    async with serving(then_close(half), end, context=context(authority, "127.0.0.1")) as backend:
        verdicts = [(await ask(backend, ca_file=ca_file)).verdict for _ in range(2)]

    assert verdicts == [Verdict.INVALID] * 2


async def test_a_server_without_tls_is_refused(ask: Ask) -> None:
    async with speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        got = await ask(f"https://{address}")

    assert (got.verdict, got.detail) == (Verdict.REFUSED, "no connection: TLS: no common ground")


async def test_a_server_with_tls_does_not_answer_plain_http(
    ask: Ask, authority: trustme.CA
) -> None:
    async with serving(json_answer({}), context=context(authority, "127.0.0.1")) as backend:
        got = await ask(backend.url.replace("https:", "http:"))

    assert got.verdict in {Verdict.REFUSED, Verdict.INVALID}


def test_a_file_without_certificates_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    path.write_text("no certificate")

    with pytest.raises(OSError, match=r"no start line|NO_CERTIFICATE|PEM"):
        ApiClient(Api(url="https://127.0.0.1", ca_file=path), body_limit=LIMIT)


async def test_http_2_is_offered_and_http_1_does_as_well(
    ask: Ask, authority: trustme.CA, ca_file: Path
) -> None:
    made = context(authority, "127.0.0.1", alpn=("http/1.1",))
    offered: list[str | None] = []

    async def note(_: Any, writer: asyncio.StreamWriter) -> None:
        offered.append(writer.get_extra_info("ssl_object").selected_alpn_protocol())
        writer.write(json_answer({}))

    async with serving(note, context=made) as backend:
        got = await ask(backend, ca_file=ca_file)

    assert Verdict.OK is got.verdict
    assert offered == ["http/1.1"]


async def test_a_server_that_promises_http_2_and_breaks_it_is_invalid(
    ask: Ask, authority: trustme.CA, ca_file: Path
) -> None:
    made = context(authority, "127.0.0.1", alpn=("h2",))

    # settings belong to the connection, never to a stream of it
    frame = b"\x00\x00\x06\x04\x00\x00\x00\x00\x01" + bytes(6)
    async with speaking(frame, context=made) as address:
        got = await ask(f"https://{address}", ca_file=ca_file)

    assert Verdict.INVALID is got.verdict


@asynccontextmanager
async def http_2_server(
    authority: trustme.CA, tmp_path: Path, free_port: Callable[[], int], app: Any
) -> AsyncIterator[str]:
    certificate = authority.issue_cert("127.0.0.1")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(chain)
    config = Config()
    port = free_port()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile, config.keyfile = str(chain), str(key)
    config.errorlog = None
    stop = asyncio.Event()
    server = asyncio.get_running_loop().create_task(serve(app, config, shutdown_trigger=stop.wait))
    try:
        async with asyncio.timeout(LONG_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.01)
                else:
                    writer.close()
                    break
        yield f"https://127.0.0.1:{port}"
    finally:
        stop.set()
        await server


async def test_http_2_is_used_where_the_server_offers_it_and_the_token_stays_out_of_logs(
    authority: trustme.CA,
    ca_file: Path,
    tmp_path: Path,
    free_port: Callable[[], int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.NOTSET)
    seen: list[tuple[str, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await receive()
            return
        seen.append((scope["http_version"], dict(scope["headers"]).get(b"authorization", b"")))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b'{"hit_rate": 1}'})

    async with http_2_server(authority, tmp_path, free_port, app) as url:
        settings = Api.model_validate({"url": url, "token": "s3cret-token", "ca_file": ca_file})
        async with ApiClient(settings, body_limit=LIMIT) as client:
            answers = [await client.ask(e, deadline_s=LONG_S) for e in (CACHE, EVENTS, CACHE)]

    assert [got.verdict for got in answers] == [Verdict.OK] * 3
    assert seen == [("2", b"Bearer s3cret-token")] * 3
    assert "s3cret-token" not in caplog.text
