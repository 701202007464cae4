"""What a backend, a proxy or the network between can do to one request."""

from __future__ import annotations

import asyncio
import gzip
import logging
import tracemalloc
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.api.body import read_body
from exporter.api.client import ApiClient
from exporter.catalogue.endpoints import CACHE, ENGAGEMENT, EVENT_HISTORY, EVENTS
from exporter.catalogue.verdicts import Verdict
from exporter.settings import Api
from tests.api.backend import (
    Backend,
    answer,
    drip,
    hang,
    json_answer,
    reset,
    serving,
    then_close,
)
from tests.api.conftest import LIMIT, LONG_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.api.backend import Script
    from tests.api.conftest import Ask

OK = json_answer({"hit_rate": 50.0})
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
CUT = "the answer was cut or is not HTTP"


async def test_nobody_listens(ask: Ask) -> None:
    async with serving() as backend:
        url = backend.url

    got = await ask(url)

    assert Verdict.REFUSED is got.verdict
    assert got.detail == "no connection: connection refused"


@pytest.mark.parametrize("host", ["name.invalid", "a" * 64 + ".invalid", "a..b"])
async def test_a_name_that_is_not_known(ask: Ask, host: str) -> None:
    got = await ask(f"http://{host}")

    assert Verdict.REFUSED is got.verdict
    assert got.detail == "no connection: the host name is not known"


@pytest.mark.parametrize(
    ("fault", "verdict", "detail"),
    [
        (then_close(b""), Verdict.REFUSED, "no connection: connection reset"),
        (reset, Verdict.REFUSED, "no connection: connection reset"),
        (then_close(OK[:-5]), Verdict.INVALID, CUT),
        (then_close(b"HTTP/1.1 200 OK\r\ncontent-le"), Verdict.REFUSED, None),
        (then_close(CHUNKED + b'5\r\n{"hit'), Verdict.INVALID, CUT),
        (then_close(CHUNKED + b"2\r\n{}\r\n"), Verdict.INVALID, CUT),
        (then_close(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"), Verdict.INVALID, CUT),
        (then_close(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), Verdict.INVALID, CUT),
        (then_close(b"HTTP/9.9 abc\r\n\r\n"), Verdict.INVALID, CUT),
        (then_close(b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 300_000), Verdict.INVALID, CUT),
        (then_close(b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"), Verdict.INVALID, CUT),
        (then_close(b'HTTP/1.1 200 OK\r\n\r\n{"hit_rate": 1}'), Verdict.OK, ""),
    ],
    ids=[
        "closed-before",
        "reset-before",
        "body-cut",
        "head-cut",
        "chunk-cut",
        "last-chunk-missing",
        "bad-chunk",
        "other-protocol",
        "bad-status-line",
        "endless-head",
        "bad-length",
        "closed-after-body",
    ],
)
async def test_a_connection_that_breaks_or_speaks_something_else(
    ask: Ask, fault: Script, verdict: Verdict, detail: str | None
) -> None:
    async with serving(fault) as backend:
        got = await ask(backend)

    assert verdict is got.verdict
    assert detail is None or detail == got.detail
    assert len(backend.asked) == 1, "a new connection that fails is not asked again"


@pytest.mark.parametrize(
    "script",
    [hang, drip(b""), drip(CHUNKED), drip(answer(200, b"", content_length="90000")), drip(OK[:20])],
    ids=["hang", "no-head", "in-chunks", "in-body", "in-head"],
)
async def test_the_deadline_counts_everything_also_a_slow_drip(ask: Ask, script: Script) -> None:
    async with serving(script) as backend:
        got = await ask(backend, deadline_s=0.2)

    assert (got.verdict, got.detail) == (Verdict.TIMEOUT, "no answer within 0.2 s")


async def test_a_backend_that_takes_connections_and_says_nothing_is_a_timeout(ask: Ask) -> None:
    """As a stopped process does: the kernel still accepts for it."""
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    got = await ask(f"http://127.0.0.1:{port}", deadline_s=0.2)

    assert Verdict.TIMEOUT is got.verdict
    for writer in held:
        writer.close()
    server.close()


async def test_the_next_request_after_a_timeout_is_answered(ask: Ask) -> None:
    async with serving(hang, OK) as backend:
        first = await ask(backend, deadline_s=0.2)
        second = await ask(backend)

    assert (first.verdict, second.verdict) == (Verdict.TIMEOUT, Verdict.OK)


async def test_a_connection_is_kept_for_the_next_poll(ask: Ask) -> None:
    async with serving(OK) as backend:
        for _ in range(3):
            await ask(backend)

    assert [asked.connection for asked in backend.asked] == [1, 1, 1]


async def test_a_kept_connection_that_is_closed_meanwhile_is_opened_anew_once(ask: Ask) -> None:
    async with serving(OK, then_close(b""), OK) as backend:
        await ask(backend)
        got = await ask(backend)

    assert Verdict.OK is got.verdict
    assert [asked.connection for asked in backend.asked] == [1, 1, 2]


async def test_a_kept_connection_that_is_reset_is_opened_anew_once(ask: Ask) -> None:
    async with serving(OK, reset, OK) as backend:
        await ask(backend)
        got = await ask(backend)

    assert Verdict.OK is got.verdict
    assert len(backend.asked) == 3


async def test_there_is_no_second_retry(ask: Ask) -> None:
    async with serving(OK, then_close(b""), then_close(b""), OK) as backend:
        await ask(backend)
        got = await ask(backend)

    assert Verdict.REFUSED is got.verdict
    assert len(backend.asked) == 3


async def test_an_answer_that_was_cut_is_not_asked_for_again(ask: Ask) -> None:
    async with serving(OK, then_close(OK[:-3]), OK) as backend:
        await ask(backend)
        got = await ask(backend)

    assert Verdict.INVALID is got.verdict
    assert len(backend.asked) == 2


async def test_the_retry_has_what_is_left_of_the_deadline(ask: Ask) -> None:
    async with serving(OK, then_close(b""), hang) as backend:
        await ask(backend)
        got = await ask(backend, deadline_s=0.2)

    assert Verdict.TIMEOUT is got.verdict
    assert len(backend.asked) == 3


async def test_an_answer_of_exactly_the_limit_is_read_and_one_byte_more_is_not(ask: Ask) -> None:
    within = b'"' + b"x" * (LIMIT - 2) + b'"'
    async with serving(answer(200, within), answer(200, within + b" ")) as backend:
        first, second = await ask(backend), await ask(backend)

    assert (first.verdict, second.verdict) == (Verdict.OK, Verdict.TOO_LARGE)
    assert second.detail == f"more than {LIMIT} bytes"


async def test_an_endless_answer_is_left_at_the_limit_and_held_by_nobody(ask: Ask) -> None:
    written = 0

    async def endless(_: Backend, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        writer.write(CHUNKED)
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            written += 65536
            await writer.drain()

    async with serving(endless) as backend:
        tracemalloc.start()
        got = await ask(backend)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert Verdict.TOO_LARGE is got.verdict
    assert peak < 4_000_000
    assert written < 50_000_000, "the rest fills the buffers of two sockets, and no more"


@pytest.mark.parametrize("packed_twice", [False, True])
async def test_a_gzip_bomb_is_left_at_the_limit(ask: Ask, *, packed_twice: bool) -> None:
    bomb = gzip.compress(b'"' + b" " * 60_000_000 + b'"', mtime=0)
    encoding = "gzip"
    if packed_twice:
        bomb, encoding = gzip.compress(bomb, mtime=0), "gzip, gzip"
    async with serving(answer(200, bomb, content_encoding=encoding)) as backend:
        tracemalloc.start()
        got = await ask(backend)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert (Verdict.INVALID if packed_twice else Verdict.TOO_LARGE) is got.verdict
    assert peak < 4_000_000


@pytest.mark.parametrize(
    ("body", "encoding", "verdict"),
    [
        (gzip.compress(b'{"hit_rate": 1}', mtime=0), "gzip", Verdict.OK),
        (gzip.compress(b'{"hit_rate": 1}', mtime=0), "GZIP", Verdict.OK),
        (b'{"hit_rate": 1}', "identity", Verdict.OK),
        (gzip.compress(b'{"hit_rate": 1}', mtime=0)[:-6], "gzip", Verdict.INVALID),
        (gzip.compress(b'{"hit_rate": 1}', mtime=0)[:-1], "gzip", Verdict.INVALID),
        (b'{"hit_rate": 1}', "gzip", Verdict.INVALID),
        (b"", "gzip", Verdict.INVALID),
        (b'{"hit_rate": 1}', "br", Verdict.INVALID),
        (gzip.compress(b'{"hit_rate": 1}', mtime=0) + b"x" * LIMIT, "gzip", Verdict.TOO_LARGE),
    ],
)
async def test_a_body_is_unpacked_whole_or_not_at_all(
    ask: Ask, body: bytes, encoding: str, verdict: Verdict
) -> None:
    async with serving(answer(200, body, content_encoding=encoding)) as backend:
        got = await ask(backend)

    assert verdict is got.verdict
    assert backend.asked[0].headers["accept-encoding"] == "gzip"


async def test_the_body_of_a_refusal_is_not_waited_for(ask: Ask) -> None:
    async with serving(drip(b"HTTP/1.1 500 X\r\ncontent-length: 99999999\r\n\r\n")) as backend:
        got = await ask(backend)

    assert (got.verdict, got.detail) == (Verdict.HTTP_ERROR, "HTTP 500")


async def test_a_cookie_of_the_backend_is_not_sent_back(ask: Ask) -> None:
    async with serving(answer(200, b"{}", set_cookie="session=1")) as backend:
        await ask(backend)
        await ask(backend)

    assert ["cookie" in asked.headers for asked in backend.asked] == [False, False]


async def test_two_endpoints_are_asked_side_by_side(ask: Ask) -> None:
    """The first is answered only when the second has been asked too."""
    both = asyncio.Event()

    async def first(_: Backend, writer: asyncio.StreamWriter) -> None:
        await both.wait()
        writer.write(OK)

    async def second(_: Backend, writer: asyncio.StreamWriter) -> None:
        both.set()
        writer.write(OK)

    async with serving(first, second) as backend:
        answers = await asyncio.gather(ask(backend, CACHE), ask(backend, EVENTS))

    assert [got.verdict for got in answers] == [Verdict.OK, Verdict.OK]
    assert {1, 2} == {asked.connection for asked in backend.asked}


async def test_each_endpoint_sends_the_parameters_of_both_dialects(ask: Ask) -> None:
    async with serving() as backend:
        for endpoint in (ENGAGEMENT, EVENT_HISTORY, CACHE):
            await ask(backend, endpoint)

    assert [asked.target for asked in backend.asked] == [
        "/api/monitoring/user-engagement?time_range=24h&time_window_days=7",
        "/api/monitoring/events/history?limit=100",
        "/api/monitoring/cache/stats",
    ]


async def test_the_base_url_may_have_a_path(ask: Ask) -> None:
    async with serving() as backend:
        await ask(f"{backend.url}/behind/a/proxy/")

    assert backend.asked[0].target == "/behind/a/proxy/api/monitoring/cache/stats"


async def test_an_answer_tells_how_long_it_took_and_when_it_came() -> None:
    ticks = iter([10.0, 12.5])
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    client = ApiClient(
        Api(), body_limit=LIMIT, transport=transport, clock=lambda: next(ticks), wall=lambda: 1e9
    )

    got = await client.ask(CACHE, deadline_s=LONG_S)

    assert (got.duration_s, got.received_at) == (2.5, 1e9)


async def test_a_clock_that_is_put_back_makes_no_negative_duration() -> None:
    ticks = iter([10.0, 3.0])
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
    client = ApiClient(Api(), body_limit=LIMIT, transport=transport, clock=lambda: next(ticks))

    got = await client.ask(CACHE, deadline_s=LONG_S)

    assert got.duration_s == 0.0


@pytest.mark.parametrize(
    "head", [CHUNKED, answer(200, content_length="90000")], ids=["chunked", "length"]
)
async def test_a_connection_that_is_reset_in_the_middle_of_an_answer(
    ask: Ask, head: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Unlike one that is closed there, which only cuts the answer."""
    reading = asyncio.Event()

    async def read_on(response: httpx.Response, limit: int) -> bytearray:
        reading.set()
        return await read_body(response, limit)

    async def begin(backend: Backend, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        # A reset takes along what was not read yet, and then would come before the answer.
        await reading.wait()
        await reset(backend, writer)

    monkeypatch.setattr("exporter.api.client.read_body", read_on)
    async with serving(begin) as backend:
        got = await ask(backend)

    assert (got.verdict, got.detail) == (Verdict.REFUSED, "no connection: connection reset")
    assert len(backend.asked) == 1


async def test_what_a_reset_says_of_itself_is_not_shown() -> None:
    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b'{"hit'
            message = "marked text"
            raise httpx.ReadError(message)

    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=Stream()))
    client = ApiClient(Api(), body_limit=LIMIT, transport=transport)
    got = await client.ask(CACHE, deadline_s=LONG_S)

    assert (got.verdict, got.detail) == (Verdict.REFUSED, "no connection (ReadError)")


async def test_an_error_that_nobody_foresaw_is_a_verdict_too() -> None:
    """Libraries below let errors of libraries below them through, as they are."""

    def fail(_: httpx.Request) -> httpx.Response:
        message = "marked text"
        raise KeyError(message)

    client = ApiClient(Api(), body_limit=LIMIT, transport=httpx.MockTransport(fail))
    got = await client.ask(CACHE, deadline_s=LONG_S)

    assert (got.verdict, got.detail) == (Verdict.INVALID, "the answer is not HTTP (KeyError)")


async def test_a_request_that_is_cancelled_leaves_nothing_open(ask: Ask) -> None:
    """As on a reload: the poller ends what is under way."""
    arrived, gone = asyncio.Event(), asyncio.Event()

    async def wait(_: Backend, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        try:
            while True:
                writer.write(b"H")
                await writer.drain()
                await asyncio.sleep(0.01)
        finally:
            gone.set()

    async with serving(wait) as backend:
        task = asyncio.get_running_loop().create_task(ask(backend))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(gone.wait(), LONG_S)


async def test_nothing_of_an_answer_or_an_address_reaches_a_log(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    marked = json_answer({"status": "error", "error": "marked text"})
    async with serving(marked, then_close(b"marked text"), answer(500, b"marked text")) as backend:
        details = [(await ask(backend)).detail for _ in range(3)]

    assert not any("marked" in text or "127.0.0.1" in text for text in [*details, caplog.text])
