from __future__ import annotations

import asyncio
import functools
import threading
from dataclasses import replace

from exporter.store import meta, passwords, sessions
from exporter.store.database import Database
from exporter.store.sessions import EACH_MAX, Session

SESSION = Session(id="a" * 64, who="ann", expires_at=100.0, credential="c" * 64)


async def test_a_session_is_found_until_it_expires(database: Database) -> None:
    await database.write(sessions.begin, SESSION, 10.0)

    assert await database.read(sessions.find, SESSION.id, 99.9) == SESSION
    assert await database.read(sessions.find, SESSION.id, 100.0) is None
    assert await database.read(sessions.find, "b" * 64, 10.0) is None


async def test_a_session_that_was_ended_is_gone(database: Database) -> None:
    await database.write(sessions.begin, SESSION, 10.0)

    assert await database.write(sessions.end, SESSION.id)
    assert not await database.write(sessions.end, SESSION.id)
    assert await database.read(sessions.find, SESSION.id, 10.0) is None


async def test_the_oldest_sessions_of_a_user_with_too_many_end(database: Database) -> None:
    other = replace(SESSION, id="other", who="bob")
    await database.write(sessions.begin, other, 0.0)
    for number in range(EACH_MAX + 2):
        one = replace(SESSION, id=f"{number}")
        await database.write(sessions.begin, one, float(number))

    found = [
        await database.read(sessions.find, f"{number}", 50.0) for number in range(EACH_MAX + 2)
    ]
    assert [session is None for session in found] == [True] * 2 + [False] * EACH_MAX
    assert await database.read(sessions.find, "other", 50.0) == other


async def test_expired_sessions_are_forgotten(database: Database) -> None:
    await database.write(sessions.begin, SESSION, 10.0)
    await database.write(sessions.begin, replace(SESSION, id="later", expires_at=101.0), 10.0)

    assert await database.write(sessions.prune, 100.0) == 1
    assert await database.read(sessions.find, "later", 10.0) is not None


async def test_a_password_is_changed_from_what_it_was_and_nothing_else(database: Database) -> None:
    await database.write(passwords.renew, "admin", "first", 1.0)
    (first,) = await database.read(passwords.accounts)
    assert (first.name, first.hash, first.initial) == ("admin", "first", True)

    assert not await database.write(passwords.change, "admin", "other", "mine", 2.0)
    assert await database.write(passwords.change, "admin", "first", "mine", 2.0)
    assert not await database.write(passwords.change, "admin", "first", "theirs", 2.0)
    (now,) = await database.read(passwords.accounts)
    assert (now.hash, now.initial) == ("mine", False)


async def test_a_lost_password_is_made_anew(database: Database) -> None:
    await database.write(passwords.renew, "admin", "first", 1.0)
    await database.write(passwords.change, "admin", "first", "mine", 2.0)
    await database.write(passwords.renew, "admin", "second", 3.0)

    (now,) = await database.read(passwords.accounts)
    assert (now.hash, now.initial) == ("second", True)


async def test_a_value_is_made_once(database: Database) -> None:
    made = iter(["first", "second"])

    assert await database.write(meta.made_once, "x", lambda: next(made)) == "first"
    assert await database.write(meta.made_once, "x", lambda: next(made)) == "first"
    assert await database.read(meta.value, "x") == "first"
    assert await database.read(meta.value, "y") is None


async def test_who_makes_a_value_at_the_same_time_gets_the_same(postgresql: str) -> None:
    """As two replicas that start together do."""
    replicas = [Database(postgresql) for _ in range(2)]
    together = threading.Barrier(2)

    def make(name: str) -> str:
        together.wait(20)  # both have looked, and nothing was there
        return name

    try:
        found = await asyncio.gather(
            *(
                one.write(meta.made_once, "x", functools.partial(make, str(id(one))))
                for one in replicas
            )
        )
    finally:
        for one in replicas:
            one.close()

    assert len(set(found)) == 1
