"""Over a real network: what was sent, and what is known of it."""

from __future__ import annotations

import asyncio
import gc
import re
import ssl
from contextlib import asynccontextmanager, closing, suppress
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from exporter.actions.upstream import Reply, UnknownOutcome, Unreachable, Upstream
from exporter.settings import Api
from tests.simulator.served import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from tests.simulator.served import Served

CLEAR = "/api/monitoring/cache/clear"
SECRET = "a-secret-of-the-admin"  # noqa: S105 - of the test's own server


@pytest.fixture(scope="module")
def simulator() -> Iterator[Served]:
    with running() as served:
        yield served


@pytest.fixture
def served(simulator: Served) -> Iterator[Served]:
    yield simulator
    simulator.mend()


class Listener:
    """A server that writes down what it was sent, and answers as it is told."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.heard: list[bytes] = []
        self.serving: set[asyncio.Task[None]] = set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            found = re.search(rb"(?i)content-length: ([0-9]+)", head)
            self.heard.append(head + await reader.readexactly(int(found[1]) if found else 0))
            writer.write(self.answer)
            await writer.drain()
        with suppress(OSError):
            await writer.wait_closed()


@asynccontextmanager
async def listening(
    answer: bytes = b"", context: ssl.SSLContext | None = None
) -> AsyncIterator[Listener]:
    listener = Listener(answer)
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0, ssl=context)
    scheme = "https" if context else "http"
    listener.url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield listener
    for task in listener.serving:
        task.cancel()
    await asyncio.gather(*listener.serving, return_exceptions=True)


def upstream(url: str, timeout_s: float = 10.0, **more: object) -> Upstream:
    return Upstream(Api(url=url), lambda: SECRET, timeout_s, **more)  # type: ignore[arg-type]


async def unknown(url: str, timeout_s: float = 10.0) -> str:
    with pytest.raises(UnknownOutcome) as raised:
        await upstream(url, timeout_s).post(CLEAR, {})
    return str(raised.value)


async def test_a_whole_answer_is_returned(served: Served) -> None:
    reply = await upstream(served.url).post(CLEAR, {})

    assert reply.status == 200
    assert reply.success
    assert reply.body["status"] == "ok"
    assert reply.headers["content-type"] == "application/json"


async def test_a_refusal_is_returned_with_its_headers(served: Served) -> None:
    served.fault(kind="worker_lost")

    reply = await upstream(served.url).post("/api/v1/ingestion/ingest/github.com%2Fo%2Fr")

    assert reply.status == 503
    assert reply.headers["x-pharos-edge-status"] == "offline"


async def test_where_nobody_listens_nothing_was_sent(free_port: Callable[[], int]) -> None:
    with pytest.raises(Unreachable, match="connection refused"):
        await upstream(f"http://127.0.0.1:{free_port()}").post(CLEAR)


async def test_a_name_that_nobody_knows_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="the host name is not known"):
        await upstream("http://nobody.invalid").post(CLEAR)


async def test_a_certificate_that_is_not_trusted_gets_no_token() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)

    async with listening(context=context) as listener:
        with pytest.raises(Unreachable, match="TLS"):
            await upstream(listener.url).post(CLEAR)

    assert listener.heard == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_a_connection_that_is_never_made_was_sent_nothing() -> None:
    """Whoever listens there does not know TLS, and waits for more."""
    async with listening() as listener:
        url = listener.url.replace("http:", "https:")
        for timeout_s in (None, 3600.0):
            with pytest.raises(Unreachable, match=r"no connection within 0\.5 s"):
                await upstream(url, 0.5).post(CLEAR, timeout_s=timeout_s)
    # httpcore leaves a handshake that is cut short to the collector of garbage.
    gc.collect()


async def test_no_answer_in_time_is_an_unknown_outcome(served: Served) -> None:
    served.fault(kind="hang", endpoint="clear_cache")

    assert await unknown(served.url, 0.5) == "no answer within 0.5 s"


async def test_a_cut_answer_is_an_unknown_outcome(served: Served) -> None:
    served.fault(kind="truncated", endpoint="clear_cache")

    assert await unknown(served.url) == "the answer was cut or is not HTTP"


async def test_a_connection_that_is_closed_instead_of_an_answer_is_an_unknown_outcome(
    served: Served,
) -> None:
    served.fault(kind="refuse", endpoint="clear_cache")

    assert await unknown(served.url) in {
        "the connection was lost before the answer",
        "the answer was cut or is not HTTP",
    }


async def test_an_answer_that_is_not_the_apis_is_an_unknown_outcome(served: Served) -> None:
    served.fault(kind="garbage", endpoint="clear_cache")

    assert await unknown(served.url) == "the answer is not the API's (no JSON)"


async def test_an_endless_answer_is_an_unknown_outcome(served: Served) -> None:
    served.fault(kind="huge", endpoint="clear_cache")

    assert "the answer has more than" in await unknown(served.url)


async def test_a_lost_connection_is_not_tried_again() -> None:
    async with listening() as listener:
        await unknown(listener.url)

    assert len(listener.heard) == 1


async def test_the_body_of_a_refusal_may_be_anything() -> None:
    answer = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 999\r\n\r\n<html>"

    async with listening(answer) as listener:
        reply = await upstream(listener.url).post(CLEAR)

    assert (reply.status, reply.body) == (429, None)


async def test_a_redirect_is_not_followed() -> None:
    answer = b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"

    async with listening(answer) as listener:
        assert (await upstream(listener.url).post(CLEAR)).status == 307


async def test_a_request_carries_token_and_body_once() -> None:
    async with listening(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as listener:
        await upstream(listener.url).post("/a%2Fb", {"batch_size": 32})

    head, _, body = listener.heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /a%2Fb HTTP/1.1\r\n")
    assert head.lower().count(f"authorization: bearer {SECRET}".encode()) == 1
    assert body == b'{"batch_size": 32}'


async def test_a_token_that_no_header_can_carry_is_not_sent(served: Served) -> None:
    client = Upstream(Api(url=served.url), lambda: "a\r\nHost: b", 5.0)

    with pytest.raises(Unreachable, match="no HTTP header can carry"):
        await client.post(CLEAR)


async def test_a_token_file_that_cannot_be_read_is_named_by_its_kind(
    served: Served, tmp_path: Path
) -> None:
    client = Upstream(Api(url=served.url), (tmp_path / "none").read_text, 5.0)

    with pytest.raises(Unreachable, match=r"the token file cannot be read \(FileNotFoundError\)"):
        await client.post(CLEAR)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Counting:
    """Answers each GET with how many there were."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return httpx.Response(200, json={"request": len(self.requests)})


def reading(handler: Callable[[httpx.Request], object], clock: Clock) -> Upstream:
    api = Api.model_validate({"url": "http://api", "token": "reader"})
    transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
    return Upstream(api, lambda: SECRET, 5.0, transport=transport, clock=clock)


async def test_a_history_is_asked_for_once_in_five_seconds_with_the_reading_token() -> None:
    clock, counting = Clock(), Counting()
    client = reading(counting, clock)

    together = await asyncio.gather(*(client.get("/jobs") for _ in range(5)))
    clock.now += 4.9
    later = await client.get("/jobs")
    clock.now += 0.1
    after = await client.get("/jobs")

    assert {reply.body["request"] for reply in [*together, later]} == {1}
    assert after == Reply(status=200, body={"request": 2}, headers=after.headers)
    assert {request.headers["authorization"] for request in counting.requests} == {"Bearer reader"}


async def test_a_history_that_does_not_come_is_not_asked_for_at_once_again() -> None:
    clock, asked = Clock(), []

    async def refuse(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError(request.url.host)

    client = reading(refuse, clock)
    for _ in range(2):
        with pytest.raises(Unreachable):
            await client.get("/jobs")

    assert len(asked) == 1
