"""The history as it is written: whatever comes, in whatever order, it tells what happened."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING

import pytest

from exporter.store import episodes, history
from exporter.store.book import Notice, Taken
from exporter.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exporter.store.episodes import Episode

NOW = 1_700_000_000.0
FIRST, SECOND = NOW - 600, NOW - 60


def notice(
    start: float = FIRST, *, end: float | None = None, name: str = "OpsQueueBacklogHigh"
) -> Notice:
    return Notice(
        fingerprint=name,
        starts_at=start,
        ends_at=end,
        firing=end is None,
        labels={"alertname": name, "severity": "warning", "backend": "default"},
        annotations={"summary": "The queue is long."},
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'history.sqlite'}")
    yield database
    database.close()


async def take(database: Database, *notices: Notice, now: float = NOW) -> Taken:
    return await database.write(history.take, notices, now)


async def confirm(database: Database, *notices: Notice, at: float = NOW) -> Taken:
    return await database.write(history.confirm, notices, at, at)


async def everything(database: Database) -> list[Episode]:
    return await database.read(episodes.search, limit=1000)


def told(found: Sequence[Episode]) -> list[tuple[float, str, float | None, str | None]]:
    return [(one.starts_at, one.status, one.ends_at, one.ended_by) for one in found]


async def test_an_alert_fires_and_ends(database: Database) -> None:
    assert await take(database, notice()) == Taken(new=1)
    assert told(await database.read(episodes.firing)) == [(FIRST, "firing", None, None)]

    assert await take(database, notice(end=NOW)) == Taken(changed=1)

    assert told(await everything(database)) == [(FIRST, "resolved", NOW, "resolved")]
    assert await database.read(episodes.firing) == []


@pytest.mark.parametrize("end", [None, NOW])
async def test_the_same_notification_twice_is_stored_once(
    database: Database, end: float | None
) -> None:
    await take(database, notice(end=end))
    before = await everything(database)

    assert await take(database, notice(end=end)) == Taken()

    assert await everything(database) == before


async def test_what_has_ended_stays_so_when_its_beginning_is_told_late(database: Database) -> None:
    await take(database, notice(end=NOW))

    assert await take(database, notice()) == Taken(doubtful=1)

    assert told(await everything(database)) == [(FIRST, "resolved", NOW, "resolved")]


async def test_a_later_start_supersedes_what_still_fires(database: Database) -> None:
    await take(database, notice())

    assert await take(database, notice(SECOND)) == Taken(new=1, changed=1)

    assert told(await everything(database)) == [
        (SECOND, "firing", None, None),
        (FIRST, "resolved", SECOND, "superseded"),
    ]


async def test_an_earlier_start_that_is_told_late_is_superseded_already(database: Database) -> None:
    await take(database, notice(SECOND))

    assert await take(database, notice()) == Taken(new=1)

    assert told(await everything(database)) == [
        (SECOND, "firing", None, None),
        (FIRST, "resolved", SECOND, "superseded"),
    ]


async def test_one_notification_may_hold_an_alert_several_times(database: Database) -> None:
    await take(database, notice(), notice(SECOND), notice(end=NOW - 100), notice())

    assert told(await everything(database)) == [
        (SECOND, "firing", None, None),
        (FIRST, "resolved", NOW - 100, "resolved"),
    ]


async def test_in_any_order_the_history_is_the_same(database: Database) -> None:
    for number, order in enumerate(itertools.permutations(range(4))):
        name = f"Ops{number}"
        story = (
            notice(name=name),
            notice(end=SECOND - 10, name=name),
            notice(SECOND, name=name),
            notice(SECOND, end=NOW, name=name),
        )
        for place in order:
            await take(database, story[place])

    for number in range(24):
        found = [one for one in await everything(database) if one.name == f"Ops{number}"]
        assert told(found) == [
            (SECOND, "resolved", NOW, "resolved"),
            (FIRST, "resolved", SECOND - 10, "resolved"),
        ]


async def test_a_later_text_replaces_the_earlier_one(database: Database) -> None:
    await take(database, notice())
    again = notice()
    changed = Notice(
        fingerprint=again.fingerprint,
        starts_at=again.starts_at,
        ends_at=None,
        firing=True,
        labels=again.labels,
        annotations={"summary": "Longer still."},
    )

    await take(database, changed, now=NOW + 5)

    (found,) = await everything(database)
    assert found.annotations == {"summary": "Longer still."}
    assert found.last_seen == NOW + 5
    assert found.first_seen == NOW


async def test_ten_thousand_alerts_are_taken_at_once(database: Database) -> None:
    many = [notice(name=f"Ops{number}") for number in range(10_000)]

    assert await take(database, *many) == Taken(new=10_000)
    assert await take(database, *many) == Taken()
    ended = [notice(name=f"Ops{number}", end=NOW) for number in range(10_000)]
    assert await take(database, *ended) == Taken(changed=10_000)

    assert await database.read(episodes.count) == 10_000
    assert await database.read(episodes.firing) == []


async def test_what_alertmanager_has_and_the_history_has_not_is_added(database: Database) -> None:
    assert await confirm(database, notice()) == Taken(new=1)

    assert told(await everything(database)) == [(FIRST, "firing", None, None)]


async def test_what_alertmanager_has_fires_though_its_end_was_told(database: Database) -> None:
    """Prometheus was cut off: Alertmanager let the alert run out, and then heard of it again."""
    await take(database, notice(end=NOW - 30), now=NOW - 20)

    assert await confirm(database, notice()) == Taken(changed=1)

    assert told(await everything(database)) == [(FIRST, "firing", None, None)]


async def test_what_ended_after_the_look_has_ended(database: Database) -> None:
    await take(database, notice(end=NOW + 1), now=NOW + 1)

    assert await confirm(database, notice(), at=NOW) == Taken()

    assert told(await everything(database)) == [(FIRST, "resolved", NOW + 1, "resolved")]


async def test_an_earlier_start_in_alertmanager_is_the_alert_that_is_known(
    database: Database,
) -> None:
    """A second Prometheus tells of the same alert, which it saw some seconds earlier."""
    await take(database, notice(SECOND))

    assert await confirm(database, notice()) == Taken()

    assert told(await everything(database)) == [(SECOND, "firing", None, None)]


async def test_a_later_start_in_alertmanager_supersedes(database: Database) -> None:
    await take(database, notice())

    assert await confirm(database, notice(SECOND)) == Taken(new=1, changed=1)

    assert [one.status for one in await everything(database)] == ["firing", "resolved"]


async def test_what_is_missing_ends_when_it_was_missed_first(database: Database) -> None:
    await take(database, notice(), now=NOW)
    (known,) = await everything(database)

    closed = await database.write(history.close_missing, {known.id: NOW + 10}, NOW + 50)

    assert closed == 1
    assert told(await everything(database)) == [(FIRST, "resolved", NOW + 10, "reconciled")]


async def test_what_was_heard_of_since_it_was_missed_is_not_closed(database: Database) -> None:
    await take(database, notice(), now=NOW + 20)
    (known,) = await everything(database)

    assert await database.write(history.close_missing, {known.id: NOW + 10}, NOW + 50) == 0
    assert told(await everything(database)) == [(FIRST, "firing", None, None)]


async def test_the_true_end_replaces_the_one_that_was_concluded(database: Database) -> None:
    await take(database, notice(), now=NOW)
    (known,) = await everything(database)
    await database.write(history.close_missing, {known.id: NOW + 10}, NOW + 50)

    assert await take(database, notice(end=NOW + 7)) == Taken(changed=1)

    assert told(await everything(database)) == [(FIRST, "resolved", NOW + 7, "resolved")]


async def test_long_names_fit_their_columns(database: Database) -> None:
    labels = {"alertname": "n" * 300, "severity": "s" * 300, "backend": "b" * 300}
    long = Notice(
        fingerprint="f", starts_at=FIRST, ends_at=None, firing=True, labels=labels, annotations={}
    )

    await take(database, long)

    (found,) = await everything(database)
    assert (len(found.name), len(found.severity), len(found.backend)) == (256, 32, 256)
    assert found.labels == labels


async def test_of_a_random_story_what_fires_last_is_open(database: Database) -> None:
    """Every prefix of a shuffled story leaves at most one open episode of an alert."""
    story = [notice(FIRST + n, end=end) for n in range(20) for end in (None, FIRST + n + 0.5)]
    random.Random(6).shuffle(story)  # noqa: S311 - an order, no secret

    for one in story:
        await take(database, one)
        assert len(await database.read(episodes.firing)) <= 1

    assert len(await everything(database)) == 20
