"""A run that takes long: estimates say so, a second start joins, the page finds out by itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.service.test_action_pages import form, press, text_of
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.service.frame import Service

PAGE = "/actions/generate-sparse-embeddings"
GENERATED = "/admin/sparse-embeddings/generate"


class Run:
    """The service while embeddings may be generated."""

    def __init__(self, service: Service, client: httpx.AsyncClient, gate: asyncio.Event) -> None:
        self.service = service
        self.client = client
        self._gate = gate

    async def finish(self, number: int) -> None:
        """Let the product answer, and wait until that is written down."""
        self._gate.set()
        # Each look passes the database, whose threads write it down meanwhile.
        for _ in range(2000):
            if not (await self.client.get(f"/audit/{number}/progress")).json()["running"]:
                break
        else:
            pytest.fail("the run has not ended")
        self._gate.clear()


@asynccontextmanager
async def generating(folder: Path) -> AsyncIterator[Run]:
    gate = asyncio.Event()
    async with acting(folder) as (service, outside), service.signed_in() as client:
        outside.gates[GENERATED] = gate
        yield Run(service, client, gate)


async def test_without_an_earlier_run_there_is_no_estimate(tmp_path: Path) -> None:
    async with generating(tmp_path) as run:
        before = await run.client.get(PAGE)
        result = await press(run.client, PAGE)
        told = (await run.client.get("/audit/1/progress")).json()

    assert "Last generated Never, as far as the audit goes back." in text_of(before)
    assert "▶ running" in text_of(result)
    assert "How long it takes is not known" in text_of(result)
    assert "<progress" not in result.text
    assert "%" not in text_of(result)
    assert (told["running"], told["percent"], told["left"]) == (True, None, "")


async def test_progress_and_time_remaining_are_estimates_from_the_last_run(tmp_path: Path) -> None:
    async with generating(tmp_path) as run:
        await press(run.client, PAGE)
        run.service.wall.now += 400
        await run.finish(1)
        between = await run.client.get(PAGE)
        run.service.wall.now += 600
        await press(run.client, PAGE)
        run.service.wall.now += 100
        early = await run.client.get("/audit/2")
        told = (await run.client.get("/audit/2/progress")).json()
        run.service.wall.now += 10_000
        late = await run.client.get("/audit/2")

    assert "Last generated just now , 2027-01-15 08:06:40 UTC" in text_of(between)
    assert "25 % estimated about 5 min left estimated" in text_of(early)
    assert 'value="25" aria-label="Progress, estimated"' in early.text
    assert "Estimated from the last run: the API itself tells no progress." in text_of(early)
    assert (told["percent"], told["left"], told["running_for"]) == (25, "5 min", "1 min 40 s")
    assert "95 % estimated" in text_of(late)
    assert "It takes longer than was estimated." in text_of(late)
    assert "<span data-left hidden>" in late.text


async def test_the_page_of_a_run_loads_itself_again_only_while_it_goes_on(tmp_path: Path) -> None:
    refresh = '<noscript><meta http-equiv="refresh" content="5"></noscript>'
    async with generating(tmp_path) as run:
        asks = await run.client.get(PAGE)
        going_on = await press(run.client, PAGE)
        form_too = await run.client.get(PAGE)
        start = await run.client.get("/")
        await run.finish(1)
        over = await run.client.get("/audit/1")
        told = (await run.client.get("/audit/1/progress")).json()

    assert refresh not in asks.text
    assert refresh in going_on.text
    assert refresh in form_too.text
    assert 'data-progress="/audit/1/progress"' in start.text
    assert 'http-equiv="refresh"' not in over.text
    assert "progress.js" not in over.text
    assert "✔ done Sparse embeddings were generated" in text_of(over)
    assert told == {"running": False}


async def test_a_second_start_joins_the_first(tmp_path: Path) -> None:
    async with generating(tmp_path) as run:
        filled = form(await run.client.get(PAGE))
        await press(run.client, PAGE)
        page = await run.client.get(PAGE)
        second = await run.client.post(PAGE, data=filled)
        joined = await run.client.get("/audit/2")

    assert second.headers["location"] == "/audit/1"
    assert "Starting it again would join this run, audit 1" in text_of(page)
    assert 'method="post"' not in page.text
    assert "The run that it joined: audit 1" in text_of(joined)


async def test_a_run_that_was_interrupted_reads_unknown_outcome(tmp_path: Path) -> None:
    async with generating(tmp_path) as run:
        await press(run.client, PAGE)
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        page = await client.get("/audit/1")

    assert "? unknown outcome" in text_of(page)
    assert "The backend may still be at it" in text_of(page)
