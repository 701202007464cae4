"""On SQLite and on a real PostgreSQL, before a simulated product."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import httpx
import pytest
from sqlalchemy import text, update

from exporter.actions import BY_SLUG
from exporter.actions.ingest import Ingest
from exporter.actions.model import InputError
from exporter.service.clicks import KeyReusedError, TooSoon
from exporter.store.database import DatabaseError
from exporter.store.schema import AUDIT
from tests.service.performers import QUEUED, REPOSITORY, act, ingest, standing, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from exporter.actions.model import Outcome, Site
    from tests.service.performers import Stand

PAGE = 'ops_worker_status{worker="e",kind="edge",status="online"} 1\n'


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ops.sqlite'}"
    found: str = request.getfixturevalue("postgresql")
    return found


@pytest.fixture
async def stand(url: str) -> AsyncIterator[Stand]:
    async with standing(url) as opened:
        yield opened


@pytest.fixture
async def pausing(url: str) -> AsyncIterator[Stand]:
    """A stand on which there is a pause of 10 s between two runs."""
    async with standing(url, cooldown="10s") as opened:
        yield opened


async def test_a_row_is_written_before_the_call_and_closed_after_it(stand: Stand) -> None:
    performer, outside = stand.performer(), stand.outside
    outside.page = PAGE
    outside.gates[QUEUED] = asyncio.Event()

    running = asyncio.create_task(ingest(performer, key="k"))
    await until(lambda: bool(outside.posts))
    (before,) = await stand.rows()
    stand.wall.now += 3
    outside.gates[QUEUED].set()
    record = await running
    (after,) = await stand.rows()

    assert (before.state, before.closed_at, before.at) == ("started", None, stand.wall.now - 3)
    assert (before.who, before.via, before.action) == ("ann", "page", "ingest")
    assert before.target == f"default: {REPOSITORY}"
    assert before.parameters == {"backend": "default", "repo_url": REPOSITORY}
    assert record == after
    assert (after.id, after.state, after.closed_at) == (before.id, "done", stand.wall.now)
    assert after.message.startswith(f"{REPOSITORY} is in the queue at position")
    assert after.details["before"]["Edge worker"] == "online"
    assert stand.counted.runs == [("ingest", "done")]


async def test_what_cannot_be_written_down_is_not_done(stand: Stand) -> None:
    performer = stand.performer()
    await stand.databases[0].write(_rename, "audit", "away")

    with pytest.raises(DatabaseError):
        await ingest(performer)

    assert stand.outside.posts == []
    await stand.databases[0].write(_rename, "away", "audit")
    assert await stand.rows() == []


async def test_an_end_that_cannot_be_written_down_is_known_and_written_later(
    stand: Stand,
) -> None:
    performer, outside = stand.performer(), stand.outside
    outside.gates[QUEUED] = asyncio.Event()

    running = asyncio.create_task(ingest(performer))
    await until(lambda: bool(outside.posts))
    await stand.databases[0].write(_rename, "audit", "away")
    outside.gates[QUEUED].set()
    record = await running
    await stand.databases[0].write(_rename, "away", "audit")
    (open_,) = await stand.rows()
    stand.wall.now += 60
    await performer.tend()
    (closed,) = await stand.rows()

    assert (record.state, open_.state) == ("done", "started")
    assert closed == record


async def test_a_mistake_in_the_form_is_told_and_nothing_is_written_down(stand: Stand) -> None:
    performer = stand.performer()

    with pytest.raises(InputError) as raised:
        await ingest(performer, "http://evil.example/o/r")
    with pytest.raises(InputError, match="There is no such backend; there are default, other"):
        await act(performer, "ingest", {"repo_url": REPOSITORY}, backend="prod")

    assert raised.value.name == "repo_url"
    assert await stand.rows() == []
    assert stand.outside.asked == []


async def test_what_the_state_does_not_allow_is_written_down_and_not_sent(stand: Stand) -> None:
    performer = stand.performer()
    stand.outside.world.jobs.add(f"https://{REPOSITORY}", stand.wall.now)

    record = await act(performer, "retry-job", {"repository": REPOSITORY}, key="k")
    again = await act(performer, "retry-job", {"repository": REPOSITORY}, key="k")

    assert record.state == "refused"
    assert record.message == "Only a failed job is retried, and this one is pending."
    assert record.details["before"]["State"] == "pending"
    assert record.closed_at == record.at
    assert again == record
    assert stand.outside.posts == []
    assert stand.counted.runs == [("retry-job", "refused")]


async def test_a_failed_job_is_retried_once_and_not_again_while_it_waits(stand: Stand) -> None:
    stand.outside.fail(REPOSITORY)

    first = await act(stand.performer(), "retry-job", {"repository": REPOSITORY})
    # Another one, which has not read the jobs a moment ago.
    second = await act(stand.performer(), "retry-job", {"repository": REPOSITORY})

    assert (first.state, second.state) == ("done", "refused")
    assert stand.outside.posts == [QUEUED]


async def test_the_same_key_acts_once(stand: Stand) -> None:
    performer = stand.performer()

    first = await ingest(performer, key="k")
    second = await ingest(performer, key="k")

    assert second == first
    assert stand.outside.posts == [QUEUED]
    assert len(await stand.rows()) == 1


async def test_a_double_click_acts_once_and_both_are_told_the_same(stand: Stand) -> None:
    performer = stand.performer()

    records = await asyncio.gather(*(ingest(performer, key="k") for _ in range(8)))

    assert {record.state for record in records} == {"done"}
    assert len({record.id for record in records}) == 1
    assert stand.outside.posts == [QUEUED]


async def test_of_two_replicas_one_acts(stand: Stand) -> None:
    replicas = [stand.performer(), stand.performer()]

    for number in range(5):
        clicks = (ingest(one, key=f"{number}") for one in replicas * 4)
        records = await asyncio.gather(*clicks)
        assert len({record.id for record in records}) == 1
        assert len(stand.outside.posts) == number + 1

    assert {record.state for record in await stand.rows()} == {"done"}


async def test_a_key_is_good_for_one_request_alone(stand: Stand) -> None:
    performer = stand.performer()
    await ingest(performer, key="k")

    with pytest.raises(KeyReusedError):
        await ingest(performer, "github.com/o/other", key="k")

    assert stand.outside.posts == [QUEUED]


async def test_the_key_of_one_is_nothing_to_another(stand: Stand) -> None:
    performer = stand.performer()

    first = await ingest(performer, who="ann", key="k")
    second = await ingest(performer, who="bob", key="k")
    third = await act(performer, "clear-cache", {}, who="ann", key="k")

    assert len({first.id, second.id, third.id}) == 3
    assert len(stand.outside.posts) == 3


async def test_between_two_runs_on_one_target_there_is_a_pause(pausing: Stand) -> None:
    performer, other = pausing.performer(), pausing.performer()
    first = await ingest(performer)
    pausing.wall.now += 4

    with pytest.raises(TooSoon, match=r"It ran a moment ago \(audit 1\): wait 6 s\.") as raised:
        await ingest(other, who="bob")
    elsewhere = await ingest(performer, "github.com/o/other")
    pausing.wall.now += 6
    second = await ingest(performer)

    assert raised.value.retry_after_s == pytest.approx(6.0)
    assert raised.value.record == first
    assert [first.state, elsewhere.state, second.state] == ["done", "done", "done"]
    assert len(await pausing.rows()) == 3


async def test_without_a_key_two_clicks_at_once_meet_the_pause(pausing: Stand) -> None:
    replicas = [pausing.performer(), pausing.performer()]

    found = await asyncio.gather(*(ingest(one) for one in replicas * 3), return_exceptions=True)

    assert sorted(type(one).__name__ for one in found) == ["Record"] + ["TooSoon"] * 5
    assert pausing.outside.posts == [QUEUED]


async def test_a_key_that_came_too_soon_may_come_again(pausing: Stand) -> None:
    performer = pausing.performer()
    await ingest(performer)

    with pytest.raises(TooSoon):
        await ingest(performer, key="k")
    pausing.wall.now += 10

    assert (await ingest(performer, key="k")).state == "done"


async def test_what_was_refused_may_be_tried_again_at_once(pausing: Stand) -> None:
    performer = pausing.performer()
    pausing.outside.broken[QUEUED] = httpx.Response(429)
    refused = await ingest(performer)
    del pausing.outside.broken[QUEUED]

    assert (refused.state, (await ingest(performer)).state) == ("refused", "done")


@pytest.mark.parametrize(
    "given", [httpx.Response(500), httpx.Response(504), httpx.ReadError("gone")]
)
async def test_what_may_have_been_done_has_its_pause_and_is_not_sent_again(
    pausing: Stand, given: httpx.Response | Exception
) -> None:
    performer = pausing.performer()
    pausing.outside.broken[QUEUED] = given
    first = await ingest(performer, key="k")

    with pytest.raises(TooSoon):
        await ingest(performer)
    again = await ingest(performer, key="k")

    assert first.state in {"failed", "unknown"}
    assert again == first
    assert pausing.outside.posts == [QUEUED]


async def test_a_clock_that_was_wrong_does_not_stretch_the_pause(pausing: Stand) -> None:
    performer = pausing.performer()
    await ingest(performer)
    pausing.wall.now -= 86400

    with pytest.raises(TooSoon) as raised:
        await ingest(performer)

    assert raised.value.retry_after_s <= 10


async def test_what_is_running_is_not_begun_a_second_time(stand: Stand) -> None:
    performer, other = stand.performer(), stand.performer()
    gate = stand.outside.gates[QUEUED] = asyncio.Event()

    running = asyncio.create_task(ingest(performer))
    await until(lambda: bool(stand.outside.posts))
    with pytest.raises(TooSoon, match=r"It is running just now \(audit 1\)"):
        await ingest(other)
    shown = await other.prepare(BY_SLUG["ingest"], "", {"repo_url": REPOSITORY})
    gate.set()
    await running

    assert dict(shown.facts)["Running since"] == "2027-01-15 08:00 UTC by ann (audit 1)"
    assert len(stand.outside.posts) == 1


async def test_whoever_leaves_does_not_stop_what_has_begun(stand: Stand) -> None:
    performer = stand.performer()
    gate = stand.outside.gates[QUEUED] = asyncio.Event()

    left = asyncio.create_task(ingest(performer, key="k"))
    await until(lambda: bool(stand.outside.posts))
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
    gate.set()
    record = await ingest(performer, key="k")

    assert left.cancelled()
    assert record.state == "done"
    assert stand.outside.posts == [QUEUED]


async def test_whoever_leaves_at_any_moment_leaves_no_row_open(stand: Stand) -> None:
    performer = stand.performer()

    # From before the row is written until after the product has answered.
    for moment in range(40):
        click = asyncio.create_task(ingest(performer, f"github.com/o/r{moment}"))
        await asyncio.sleep(moment / 2000)
        click.cancel()
        await asyncio.gather(click, return_exceptions=True)
    await performer.close()
    rows = await stand.rows()

    assert "started" not in {row.state for row in rows}
    assert len(stand.outside.posts) <= len(rows)


async def test_what_a_dead_process_had_begun_reads_unknown_outcome(stand: Stand) -> None:
    dead, living = stand.performer(), stand.performer()
    gate = stand.outside.gates[QUEUED] = asyncio.Event()
    running = asyncio.create_task(ingest(dead, key="k"))
    await until(lambda: bool(stand.outside.posts))

    stand.wall.now += 29
    await living.tend()
    (early,) = await stand.rows()
    stand.wall.now += 2
    await living.tend()
    (late,) = await stand.rows()
    again = await ingest(living, key="k")

    assert (early.state, late.state) == ("started", "unknown")
    assert "nobody knows whether it was done" in late.message
    assert again == late
    assert stand.outside.posts == [QUEUED]
    # It was only slow, and knows better.
    gate.set()
    assert (await running).state == "done"
    assert (await stand.rows())[0].state == "done"


async def test_who_says_that_it_lives_keeps_what_it_has_begun(stand: Stand) -> None:
    slow, other = stand.performer(), stand.performer()
    gate = stand.outside.gates[QUEUED] = asyncio.Event()
    running = asyncio.create_task(ingest(slow))
    await until(lambda: bool(stand.outside.posts))

    for _ in range(12):
        stand.wall.now += 10
        await slow.tend()
        await other.tend()
    (row,) = await stand.rows()
    gate.set()

    assert row.state == "started"
    assert (await running).state == "done"


async def test_what_runs_when_the_service_ends_is_written_down_as_unknown(stand: Stand) -> None:
    performer, other = stand.performer(), stand.performer()
    stand.outside.gates[QUEUED] = asyncio.Event()
    running = asyncio.create_task(ingest(performer))
    await until(lambda: bool(stand.outside.posts))

    await performer.close()
    record = await running

    assert record.state == "unknown"
    assert record.message == (
        "Unknown outcome: the action service was stopped before the answer came."
    )
    assert await other.record(record.id) == record
    assert stand.counted.runs == [("ingest", "unknown")]


async def test_an_end_that_is_being_written_when_the_service_ends_is_written(
    stand: Stand,
) -> None:
    performer, other = stand.performer(), stand.performer()
    outside = stand.outside
    gate = outside.gates[QUEUED] = asyncio.Event()
    running = asyncio.create_task(ingest(performer))
    await until(lambda: bool(outside.posts))

    # Somebody else keeps the database busy, so that the end has to wait.
    held, free = threading.Event(), threading.Event()
    holding = asyncio.create_task(stand.databases[0].write(_hold, held, free))
    await until(held.is_set)
    gate.set()
    await until(lambda: bool(stand.counted.runs))
    closing = asyncio.create_task(performer.close())
    await asyncio.sleep(0)
    free.set()
    await asyncio.gather(holding, closing)
    (row,) = await other.records(10)

    assert (await running).state == "done"
    assert row.state == "done"


class Broken(Ingest):
    """An action with a mistake of ours in it."""

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        del site, parameters
        message = "secret words"
        raise KeyError(message)


async def test_a_mistake_of_ours_leaves_no_row_open(stand: Stand) -> None:
    performer = stand.performer()

    record = await performer.perform(
        Broken(), "", {"repo_url": REPOSITORY}, who="ann", via="api", key=None
    )

    assert (record.state, record.via) == ("unknown", "api")
    assert record.message == "Unknown outcome: our own mistake (KeyError) came between."
    assert await stand.rows() == [record]


async def test_looking_at_what_would_happen_changes_nothing(stand: Stand) -> None:
    performer = stand.performer()
    first = await performer.prepare(BY_SLUG["ingest"], "", {"repo_url": REPOSITORY})
    done = await ingest(performer)
    second = await performer.prepare(BY_SLUG["ingest"], "default", {"repo_url": REPOSITORY})
    other = await performer.prepare(BY_SLUG["ingest"], "other", {"repo_url": REPOSITORY})

    assert dict(first.facts)["Last done"] == "never, as far as the audit goes back"
    assert dict(second.facts)["Last done"] == "2027-01-15 08:00 UTC by ann (audit 1)"
    assert dict(other.facts)["Last done"] == "never, as far as the audit goes back"
    assert await stand.rows() == [done]


async def test_rows_are_listed_the_newest_first_by_action(stand: Stand) -> None:
    performer = stand.performer()
    await ingest(performer, "github.com/o/one")
    await act(performer, "clear-cache", {})
    await ingest(performer, "github.com/o/two")

    both = await performer.records(10, action="ingest")
    earlier = await performer.records(10, before=both[0].id, action="ingest")

    assert [one.parameters["repo_url"] for one in both] == ["github.com/o/two", "github.com/o/one"]
    assert earlier == both[1:]
    assert await performer.record(99) is None


def _hold(connection: Connection, held: threading.Event, free: threading.Event) -> None:
    """Write to the row that is still open, and keep it."""
    connection.execute(update(AUDIT).values(message="held"))
    held.set()
    free.wait(20)


def _rename(connection: Connection, name: str, to: str) -> None:
    connection.execute(text(f"ALTER TABLE {name} RENAME TO {to}"))
