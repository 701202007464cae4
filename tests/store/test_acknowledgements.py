"""What people said of alerts, as it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.store import acknowledgements as store
from exporter.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.store.acknowledgements import Acknowledgement

NOW = 1_700_000_000.1234567
LABELS = {"alertname": "OpsModuleDown", "backend": "default", "module": "auth"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'history.sqlite'}")
    yield database
    database.close()


async def begin(database: Database, labels: dict[str, str] = LABELS) -> Acknowledgement:
    return await database.write(
        store.begin,
        kind=store.ACKNOWLEDGE,
        labels=labels,
        severity="warning",
        who="jane",
        comment="on it",
        at=NOW,
        expires_at=NOW + 60,
    )


async def test_what_is_in_force_is_found_by_its_labels_in_any_order(database: Database) -> None:
    record = await begin(database)

    backwards = dict(reversed(LABELS.items()))
    assert await database.read(store.same, backwards) == record
    assert await database.read(store.same, {**LABELS, "module": "search"}) is None
    assert await database.read(store.same, {**LABELS, "kind": ""}) is None
    assert await database.read(store.active) == [record]
    assert await database.read(store.find, record.id) == record


async def test_what_has_ended_is_not_in_force_and_ends_once(database: Database) -> None:
    record = await begin(database)

    assert await database.write(store.end, record.id, "withdrawn", NOW + 1)
    assert not await database.write(store.end, record.id, "resolved", NOW + 2)

    assert await database.read(store.active) == []
    assert await database.read(store.same, LABELS) is None
    (found,) = await database.read(store.recent, 10)
    assert (found.ended_at, found.ended_by) == (NOW + 1, "withdrawn")


async def test_a_silence_is_noted_while_it_is_in_force_only(database: Database) -> None:
    record = await begin(database)

    assert await database.write(store.silenced, record.id, "abc", NOW + 9)
    await database.write(store.end, record.id, "resolved", NOW + 1)
    assert not await database.write(store.silenced, record.id, "def", NOW + 99)

    found = await database.read(store.find, record.id)
    assert found is not None
    assert (found.silence_id, found.silence_ends_at) == ("abc", NOW + 9)


async def test_old_ones_are_forgotten_but_not_those_in_force(database: Database) -> None:
    old, kept, last = [
        await begin(database, {**LABELS, "module": name}) for name in ("a", "b", "c")
    ]
    for record in (old, last):
        await database.write(store.end, record.id, "resolved", NOW + 1)

    assert await database.write(store.prune, NOW + 1) == 0
    assert await database.write(store.prune, NOW + 2) == 1

    # The last one stays, or its number would be given away again.
    assert await database.read(store.recent, 10) == [
        await database.read(store.find, last.id),
        kept,
    ]


async def test_several_are_found_by_their_numbers(database: Database) -> None:
    record = await begin(database)

    assert await database.read(store.numbered, [record.id, record.id, 77]) == {record.id: record}
