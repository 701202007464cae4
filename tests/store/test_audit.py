from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.store import audit, leases
from exporter.store.database import Database, DatabaseError

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOW = 1_795_618_800.0


def begin(connection: Connection, /, at: float = NOW, **columns: Any) -> int:
    row: dict[str, Any] = {
        "who": "alice",
        "via": "page",
        "action": "ingest",
        "target": "default: github.com/o/r",
        "parameters": {"backend": "default"},
        "instance": "one",
    }
    return audit.begin(connection, at=at, **{**row, **columns})


def record(connection: Connection, at: float = NOW) -> int:
    return audit.record(
        connection,
        at=at,
        who="bob",
        via="api",
        action="acknowledge",
        target="OpsSystemDown",
        parameters={},
        instance="one",
        state="done",
        message="Silenced.",
        details={"silence": "abc"},
    )


async def found(database: Database, number: int) -> audit.Record:
    row = await database.read(audit.find, number)
    assert row is not None
    return row


async def test_a_row_is_open_until_it_is_closed(database: Database) -> None:
    number = await database.write(begin)

    assert (await found(database, number)).state == "started"
    assert (await found(database, number)).closed_at is None
    closed = await database.write(audit.close, number, "done", "Queued.", {"place": 2}, NOW + 1)
    row = await found(database, number)
    assert closed
    assert (row.state, row.message, row.details) == ("done", "Queued.", {"place": 2})
    assert (row.at, row.closed_at) == (NOW, NOW + 1)


async def test_a_row_is_closed_once(database: Database) -> None:
    number = await database.write(begin)
    await database.write(audit.close, number, "done", "Queued.", {}, NOW + 1)

    assert not await database.write(audit.close, number, "failed", "Not queued.", {}, NOW + 2)
    assert (await found(database, number)).message == "Queued."


async def test_what_begins_and_ends_at_once_is_one_row(database: Database) -> None:
    row = await found(database, await database.write(record))

    assert (row.who, row.state, row.details) == ("bob", "done", {"silence": "abc"})
    assert row.at == row.closed_at == NOW


async def test_a_key_is_used_once(database: Database) -> None:
    key = audit.one_time("alice", "ingest", "nonce")
    number = await database.write(begin, key=key)

    with pytest.raises(DatabaseError, match="key"):
        await database.write(begin, key=key)
    row = await database.read(audit.by_key, key)
    assert row is not None
    assert row.id == number


def test_a_key_of_somebody_else_or_for_something_else_is_another() -> None:
    keys = {
        audit.one_time("alice", "ingest", "nonce"),
        audit.one_time("bob", "ingest", "nonce"),
        audit.one_time("alice", "refresh", "nonce"),
        audit.one_time("alice", "ingest", "another"),
    }

    assert len(keys) == 4


def test_a_key_of_any_length_fits_its_column() -> None:
    assert len(audit.one_time("a" * 64, "generate-sparse-embeddings", "k" * 10_000)) <= 200


async def test_what_a_dead_process_had_begun_becomes_unknown(database: Database) -> None:
    await database.write(leases.live, "one", NOW)
    number = await database.write(begin)

    assert await database.write(audit.give_up, NOW + 29.9) == []
    assert await database.write(audit.give_up, NOW + 30.0) == [number]
    row = await found(database, number)
    assert (row.state, row.closed_at) == ("unknown", NOW + 30.0)
    assert "nobody knows" in row.message


async def test_what_a_living_process_has_begun_stays(database: Database) -> None:
    await database.write(leases.live, "one", NOW)
    number = await database.write(begin)
    await database.write(leases.live, "one", NOW + 25.0)

    assert await database.write(audit.give_up, NOW + 40.0) == []
    assert (await found(database, number)).state == "started"


async def test_who_was_given_up_and_lives_tells_what_came_of_it(database: Database) -> None:
    number = await database.write(begin)
    await database.write(audit.give_up, NOW + 60.0)

    assert await database.write(audit.close, number, "done", "Queued.", {}, NOW + 61.0)
    assert (await found(database, number)).state == "done"


async def test_rows_are_listed_from_the_newest_on(database: Database) -> None:
    numbers = [await database.write(begin, NOW + n) for n in range(4)]
    other = await database.write(record, NOW + 9)

    assert [row.id for row in await database.read(audit.records, 2)] == [other, numbers[3]]
    of_one_action = await database.read(audit.records, 2, numbers[3], "ingest")
    assert [row.id for row in of_one_action] == [numbers[2], numbers[1]]


async def test_the_latest_run_of_an_action_is_found_by_target_and_state(database: Database) -> None:
    first = await database.write(begin)
    await database.write(audit.close, first, "done", "", {}, NOW)
    second = await database.write(begin)
    elsewhere = await database.write(begin, target="default: github.com/o/other")

    def last(connection: Connection, *where: str | None) -> int | None:
        row = audit.last(connection, "ingest", *where)
        return row.id if row else None

    assert await database.read(last) == elsewhere
    assert await database.read(last, "default: github.com/o/r") == second
    assert await database.read(last, None, "done") == first
    assert await database.read(last, None, "failed") is None


async def test_old_rows_are_deleted_but_open_ones_and_the_last(database: Database) -> None:
    old = await database.write(record, NOW - 10)
    still_open = await database.write(begin, NOW - 10)
    last = await database.write(record, NOW - 10)

    assert await database.write(audit.prune, NOW) == 1
    kept = [row.id for row in await database.read(audit.records, 9)]
    assert kept == [last, still_open]
    assert await database.write(begin) not in {old, still_open, last}
