"""The history as it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.store import episodes, history
from exporter.store.book import Notice
from exporter.store.database import Database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = 1_700_000_000.0


def notice(number: int, severity: str = "warning", *, end: float | None = None) -> Notice:
    return Notice(
        fingerprint=f"f{number}",
        starts_at=NOW + number // 3,  # several begin at the same moment
        ends_at=end,
        firing=end is None,
        labels={"alertname": f"Ops{number}", "severity": severity, "module": "100%_auth"},
        annotations={"summary": "Slow ÄRGER.", "runbook_url": "http://x/needle"},
    )


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'history.sqlite'}")
    notices = [notice(number) for number in range(20)] + [notice(20, "critical", end=NOW + 50)]
    await database.write(history.take, notices, NOW)
    yield database
    database.close()


async def names(database: Database, q: str = "", severity: str = "") -> list[str]:
    found = await database.read(episodes.search, q=q, severity=severity, limit=100)
    assert len(found) == await database.read(episodes.count, q=q, severity=severity)
    return [one.name for one in found]


async def test_severity_and_words_narrow_the_search(database: Database) -> None:
    assert await names(database, severity="critical") == ["Ops20"]
    assert await names(database, "OPS7 slow") == ["Ops7"]
    assert await names(database, "alertname=ops20") == ["Ops20"]
    assert len(await names(database, "ärger")) == 21
    assert await names(database, "slow nowhere") == []
    assert await names(database, "ops7", severity="critical") == []


async def test_signs_of_a_pattern_are_themselves(database: Database) -> None:
    assert len(await names(database, "100%_auth")) == 21
    assert await names(database, "100_") == []
    assert await names(database, "ops%7") == []
    assert await names(database, "\\") == []


@pytest.mark.parametrize(
    "attack", ["'", '"', "' OR '1'='1", "'; DROP TABLE alerts; --", "\0", "%' ESCAPE 'x", "$1 :q"]
)
async def test_sql_in_a_search_is_a_word_like_any_other(database: Database, attack: str) -> None:
    found = await names(database, attack)

    assert found == [] or not attack.strip("\0")
    assert await names(database, severity=attack) == []
    assert await database.read(episodes.count) == 21


async def test_links_are_not_searched(database: Database) -> None:
    assert await names(database, "needle") == []


async def test_pages_show_each_episode_once_whatever_comes_meanwhile(database: Database) -> None:
    seen: list[str] = []
    before = None
    while page := await database.read(episodes.search, before=before, limit=4):
        seen += [one.name for one in page]
        before = page[-1].position
        await database.write(history.take, [notice(1000 + len(seen))], NOW)

    assert seen == [f"Ops{number}" for number in (20, 19, 18, *_thirds())]
    assert len(set(seen)) == 21


def _thirds() -> list[int]:
    """The newest first; of the same moment, the one that was stored last."""
    return list(range(17, -1, -1))


async def test_what_ended_long_ago_is_forgotten_and_what_fires_is_not(database: Database) -> None:
    await database.write(history.take, [notice(3, end=NOW + 5), notice(30)], NOW + 5)

    assert await database.write(episodes.prune, NOW + 5) == 0
    assert await database.write(episodes.prune, NOW + 51) == 2

    left = await names(database)
    assert len(left) == 20
    assert {"Ops3", "Ops20"}.isdisjoint(left)


async def test_an_episode_is_found_by_its_number(database: Database) -> None:
    (found,) = await database.read(episodes.search, severity="critical")

    assert await database.read(episodes.find, found.id) == found
    assert await database.read(episodes.find, 12345) is None
