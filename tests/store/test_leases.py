from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from exporter.store import leases
from exporter.store.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOW = 1_795_618_800.0


def take(connection: Connection, holder: str, now: float) -> bool:
    return leases.take(connection, "retention", holder, now=now, duration_s=30.0)


async def test_a_lease_has_one_holder_until_it_is_out(database: Database) -> None:
    assert await database.write(take, "one", NOW)

    assert not await database.write(take, "two", NOW + 29.9)
    assert await database.read(leases.holder, "retention", NOW + 29.9) == "one"
    assert await database.write(take, "two", NOW + 30.0)
    assert await database.read(leases.holder, "retention", NOW + 30.0) == "two"


async def test_its_holder_may_renew_it(database: Database) -> None:
    await database.write(take, "one", NOW)

    assert await database.write(take, "one", NOW + 20.0)
    assert not await database.write(take, "two", NOW + 45.0)


async def test_a_lease_that_was_given_back_may_be_taken_at_once(database: Database) -> None:
    await database.write(take, "one", NOW)
    await database.write(leases.leave, "one")

    assert await database.write(take, "two", NOW)


async def test_nobody_gives_back_the_lease_of_another(database: Database) -> None:
    await database.write(take, "one", NOW)
    await database.write(leases.leave, "two")

    assert await database.read(leases.holder, "retention", NOW) == "one"


async def test_of_many_at_the_same_time_one_has_it(database: Database) -> None:
    others = [Database(database.url.render_as_string(hide_password=False)) for _ in range(3)]
    everybody = [database, *others]

    taken = await asyncio.gather(
        *(each.write(take, f"process {number}", NOW) for number, each in enumerate(everybody * 5))
    )

    assert [won for won in taken if won] == [True]
    for other in others:
        other.close()


async def test_leases_that_ended_are_forgotten(database: Database) -> None:
    await database.write(leases.live, "one", NOW)
    await database.write(take, "two", NOW + 20.0)
    await database.write(leases.prune, NOW + 30.0)

    assert await database.read(leases.holder, f"{leases.INSTANCE}one", NOW) is None
    assert await database.read(leases.holder, "retention", NOW + 30.0) == "two"
