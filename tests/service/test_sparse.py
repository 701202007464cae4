"""A run that takes hours: it is joined, estimated, and never said to be done before it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions.sparse_embeddings import ESTIMATED_MINUTES
from exporter.service.sparse import PROGRESS_MAX, SparseState
from tests.service.performers import GENERATE, generate, standing, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from exporter.service.performing import Performer
    from exporter.store.audit import Record
    from tests.service.performers import Stand


@pytest.fixture(params=["sqlite", "postgresql"])
async def stand(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Stand]:
    url = f"sqlite:///{tmp_path / 'ops.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    async with standing(url) as opened:
        opened.outside.gates[GENERATE] = asyncio.Event()
        yield opened


async def finish(stand: Stand, performer: Performer, seconds: float) -> Record:
    """Let the product answer after *seconds*, and return what is written down then."""
    running = (await performer.sparse()).running
    assert running
    stand.wall.now += seconds
    stand.outside.gates[GENERATE].set()
    async with asyncio.timeout(20):
        # Each look passes the database, whose threads write it down meanwhile.
        while (record := await performer.record(running.id)) and record.state == "started":
            pass
    stand.outside.gates[GENERATE] = asyncio.Event()
    assert record
    return record


async def test_the_run_goes_on_after_the_start_was_told(stand: Stand) -> None:
    performer = stand.performer()

    started = await generate(performer, key="k")
    state = await performer.sparse()
    ended = await finish(stand, performer, 600)
    after = await performer.sparse()

    assert (started.state, started.closed_at) == ("started", None)
    assert state.running == started
    assert (ended.id, ended.state) == (started.id, "done")
    assert after == SparseState(last=ended)
    assert after.last_success_at == stand.wall.now


async def test_before_the_first_run_nothing_is_known(stand: Stand) -> None:
    performer = stand.performer()

    assert await performer.sparse() == await performer.sparse("default") == SparseState()


async def test_a_second_start_joins_the_first(stand: Stand) -> None:
    performer, replica = stand.performer(), stand.performer()

    first = await generate(performer, key="k")
    await until(lambda: bool(stand.outside.posts))
    same = await generate(performer, key="k")
    joined = await generate(replica, key="l")
    _, note = await stand.rows()
    ended = await finish(stand, performer, 60)
    after = await generate(replica, key="l")

    assert first == same == joined
    assert (note.state, note.details) == ("refused", {"joined": first.id})
    assert note.message == f"It is running already: see audit {first.id}."
    assert after == ended
    assert stand.outside.posts == [GENERATE]


async def test_many_starts_at_once_are_one_run(stand: Stand) -> None:
    replicas = [stand.performer(), stand.performer()]

    clicks = (generate(one, key=f"{number}") for number, one in enumerate(replicas * 4))
    records = await asyncio.gather(*clicks)
    await until(lambda: bool(stand.outside.posts))

    assert len({record.id for record in records}) == 1
    assert stand.outside.posts == [GENERATE]


async def test_another_backend_has_a_run_of_its_own(stand: Stand) -> None:
    performer = stand.performer()

    first = await generate(performer, "default")
    second = await generate(performer, "other")
    await until(lambda: len(stand.outside.posts) == 2)

    assert first.id != second.id
    assert (await performer.sparse("default")).running == first
    assert (await performer.sparse("other")).running == second
    assert (await performer.sparse()).running == second


async def test_without_an_estimate_there_is_no_progress(stand: Stand) -> None:
    performer = stand.performer()
    started = await generate(performer)
    stand.wall.now += 600

    assert await performer.sparse() == SparseState(running=started)


async def test_progress_is_an_estimate_from_the_last_run_and_never_whole(stand: Stand) -> None:
    performer = stand.performer()
    await generate(performer)
    await finish(stand, performer, 400)
    stand.wall.now += 1000
    await generate(performer)
    found = []
    for seconds in (0, 100, 290, 9, 1, 86400):
        stand.wall.now += seconds
        found.append(await performer.sparse())

    assert [one.progress for one in found] == pytest.approx([0, 0.25, *[PROGRESS_MAX] * 4])
    assert [one.eta_s for one in found] == [400, 300, 10, 1, None, None]
    assert [one.overdue for one in found] == [False] * 4 + [True] * 2
    assert {one.basis for one in found} == {"estimated from the last run"}
    assert PROGRESS_MAX == 0.95


async def test_the_estimate_of_the_api_counts_where_no_run_has_succeeded(stand: Stand) -> None:
    performer = stand.performer()
    said = {"status": "failed", "message": "out of memory", "estimated_duration_minutes": 10}
    stand.outside.broken[GENERATE] = httpx.Response(200, json=said)
    await generate(performer)
    failed = await finish(stand, performer, 30)
    await generate(performer)
    stand.wall.now += 150
    state = await performer.sparse()

    assert (failed.state, failed.details) == ("failed", {ESTIMATED_MINUTES: 10, **_before(failed)})
    assert failed.message == "The API says that it failed: out of memory"
    assert (state.progress, state.eta_s) == (0.25, 450)
    assert state.basis == "estimated by the API at its last answer"
    assert state.last_success_at is None


async def test_the_last_run_of_another_backend_is_no_estimate(stand: Stand) -> None:
    performer = stand.performer()
    await generate(performer, "default")
    await finish(stand, performer, 400)
    await generate(performer, "other")
    stand.wall.now += 100

    state = await performer.sparse("other")

    assert (state.progress, state.eta_s, state.last) == (None, None, None)


async def test_a_clock_that_goes_back_makes_no_negative_progress(stand: Stand) -> None:
    performer = stand.performer()
    await generate(performer)
    await finish(stand, performer, 400)
    await generate(performer)
    stand.wall.now -= 100

    assert (await performer.sparse()).progress == 0


async def test_after_a_restart_the_run_reads_unknown_outcome(stand: Stand) -> None:
    performer, other = stand.performer(), stand.performer()
    started = await generate(performer)
    await until(lambda: bool(stand.outside.posts))

    await performer.close()
    record = await other.record(started.id)

    assert record
    assert record.state == "unknown"
    assert await other.sparse() == SparseState()


async def test_a_run_whose_process_died_is_joined_until_that_is_known(stand: Stand) -> None:
    dead, other = stand.performer(), stand.performer()
    started = await generate(dead)
    await until(lambda: bool(stand.outside.posts))

    joined = await generate(other)
    stand.wall.now += 31
    await other.tend()
    again = await generate(other)
    await until(lambda: len(stand.outside.posts) == 2)
    record = await other.record(started.id)

    assert joined.id == started.id
    assert again.id != started.id
    assert record
    assert record.state == "unknown"


def _before(record: Record) -> dict[str, object]:
    return {"before": record.details["before"]} if "before" in record.details else {}
