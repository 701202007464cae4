"""What the exporter tells of a backend: read once in a while, and never guessed."""

from __future__ import annotations

import asyncio
import gzip
import math
import sys
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from exporter.service.readings import ExporterReader, PageReadings, parsed
from tests.simulator.served import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Start

PAGE = """\
# HELP ops_queue_length Tasks that wait.
# TYPE ops_queue_length gauge
ops_queue_length 12.0
ops_ingestion_jobs{status="failed"} 1.0
ops_ingestion_jobs{status="pending"} 3.0
ops_module_info{name="a \\"quoted\\" one",other="x"} 1.0
ops_cache_hit_ratio NaN
"""


class Exporter:
    """An exporter that answers as a test says, and remembers what it was asked."""

    def __init__(self, answer: httpx.Response | Exception) -> None:
        self.answer = answer
        self.asked: list[str] = []
        self.now = 0.0
        self.reader = ExporterReader(
            "http://exporter/ops", transport=httpx.MockTransport(self._told), clock=self._clock
        )

    def _clock(self) -> float:
        return self.now

    def _told(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.raw_path.decode())
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_samples_are_found_by_some_of_their_labels() -> None:
    readings = PageReadings(parsed(PAGE))

    assert readings.problem == ""
    assert readings.value("ops_queue_length") == 12.0
    assert readings.value("ops_ingestion_jobs", status="pending") == 3.0
    assert readings.value("ops_ingestion_jobs", status="skipped") is None
    assert readings.value("ops_module_info", name='a "quoted" one') == 1.0
    assert readings.value("ops_cache_hit_ratio") is None
    assert readings.value("ops_nothing") is None
    assert readings.samples("ops_nothing") == ()
    assert [labels["status"] for labels, _ in readings.samples("ops_ingestion_jobs")] == [
        "failed",
        "pending",
    ]
    assert not any(math.isnan(value) for _, value in readings.samples("ops_cache_hit_ratio"))


async def test_a_backend_is_asked_for_once_in_two_seconds_each_by_its_name() -> None:
    exporter = Exporter(httpx.Response(200, text=PAGE))

    first = await asyncio.gather(*(exporter.reader.read("a/b c") for _ in range(5)))
    exporter.now = 1.9
    await exporter.reader.read("a/b c")
    await exporter.reader.read("other")
    exporter.now = 2.0
    await exporter.reader.read("a/b c")

    assert {one.value("ops_queue_length") for one in first} == {12.0}
    assert exporter.asked == [
        "/ops/probe?target=a%2Fb%20c",
        "/ops/probe?target=other",
        "/ops/probe?target=a%2Fb%20c",
    ]


async def test_a_page_may_come_compressed() -> None:
    packed = httpx.Response(
        200, content=gzip.compress(PAGE.encode()), headers={"content-encoding": "gzip"}
    )

    assert (await Exporter(packed).reader.read("x")).value("ops_queue_length") == 12.0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (httpx.Response(401), "it wants a user and a password"),
        (httpx.Response(403), "it does not let us in"),
        (httpx.Response(404), "it does not know this backend"),
        (httpx.Response(500), "it answered HTTP 500"),
        (httpx.Response(302, headers={"location": "/"}), "it answered HTTP 302"),
        (httpx.Response(200, text="<html>"), "its answer is not a page of metrics"),
        (httpx.Response(200, content=b"\xff\xfe"), "its answer is not a page of metrics"),
        (httpx.Response(200, text="# " + "x" * 2**24), "its page has more than 16777216 bytes"),
        (httpx.ConnectError("no"), "no connection (ConnectError)"),
        (httpx.RemoteProtocolError("odd"), "its answer is not a page of metrics"),
    ],
)
async def test_where_nothing_is_known_it_is_said_why(
    answer: httpx.Response | Exception, says: str
) -> None:
    exporter = Exporter(answer)

    readings = await exporter.reader.read("default")
    await exporter.reader.read("default")

    assert readings.problem == f"the exporter does not tell: {says}"
    assert readings.value("ops_queue_length") is None
    assert len(exporter.asked) == 1


async def test_an_exporter_that_falls_silent_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def silent(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return httpx.Response(200)

    monkeypatch.setattr("exporter.service.readings._DEADLINE_S", 0.1)
    reader = ExporterReader("http://exporter", transport=httpx.MockTransport(silent))

    assert (await reader.read("x")).problem == "the exporter does not tell: no answer within 0.1 s"


async def test_a_real_exporter_tells_what_it_knows(
    start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    with running() as simulator:
        port = free_port()
        config = tmp_path / "ops.yml"
        config.write_text(yaml.safe_dump({"api": {"url": simulator.url}}))
        url = f"http://127.0.0.1:{port}"
        start(
            *(sys.executable, "-m", "exporter.cli", "serve"),
            *("--config.file", config, "--web.listen-address", f"127.0.0.1:{port}"),
            ready=f"{url}/-/ready",
        )
        reader = ExporterReader(url)
        async with asyncio.timeout(30):
            while (known := await reader.read("default")).value("ops_up") is None:  # noqa: ASYNC110
                await asyncio.sleep(0.1)  # its first answers come when they come
        stranger = await reader.read("elsewhere")
        await reader.close()

    assert known.problem == ""
    assert stranger.problem == "the exporter does not tell: it does not know this backend"
