"""Alertmanager's receiver: what is answered with 2xx is in the history."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.store.database import DatabaseError
from tests.service.receiving import BEARER, PATH, TOKEN, Site, alert, notification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


async def test_a_notification_is_in_the_history_once_it_is_answered(site: Site) -> None:
    answer = await site.post(
        notification(alert(1), alert(2, status="resolved", endsAt="2024-05-01T08:01:40Z"))
    )

    assert answer.status_code == 200
    assert answer.json() == {"status": "stored", "new": 2, "changed": 0}
    resolved, firing = await site.history()
    assert (firing.name, firing.status) == ("Ops1", "firing")
    # Cut to milliseconds, as Alertmanager's API tells it.
    assert firing.starts_at == 1714550400.123
    assert (resolved.status, resolved.ends_at) == ("resolved", 1714550500.0)
    assert site.counted == {"stored": 1}
    assert (site.looks, site.changes) == (0, 1)


async def test_a_replayed_notification_is_stored_once(site: Site) -> None:
    for _ in range(3):
        answer = await site.post(notification(alert()))
        assert answer.status_code == 200

    assert len(await site.history()) == 1
    assert site.counted == {"stored": 3}
    assert site.changes == 1


async def test_what_fires_though_it_had_ended_is_looked_up(site: Site) -> None:
    await site.post(notification(alert(status="resolved", endsAt="2024-05-01T08:01:40Z")))
    assert site.looks == 0

    answer = await site.post(notification(alert()))

    assert answer.json() == {"status": "stored", "new": 0, "changed": 0}
    assert site.looks == 1
    assert (await site.history())[0].status == "resolved"


async def test_a_truncated_notification_is_stored_and_the_rest_is_looked_up(site: Site) -> None:
    answer = await site.post(notification(alert(), truncatedAlerts=3))

    assert answer.status_code == 200
    assert len(await site.history()) == 1
    assert site.looks == 1


async def test_ten_thousand_alerts_come_in_one_notification(site: Site) -> None:
    labels = {f"label{n}": "x" * 30 for n in range(10)}
    many = [alert(n, labels={"alertname": f"Ops{n}", **labels}) for n in range(10_000)]

    answer = await site.post(notification(*many))

    assert answer.json() == {"status": "stored", "new": 10_000, "changed": 0}
    assert len(await site.history()) == 10_000


async def test_many_notifications_at_once_are_all_stored(site: Site) -> None:
    async with site.serve() as client:
        answers = await asyncio.gather(
            *(client.post(PATH, json=notification(alert(n % 50), alert(n))) for n in range(100))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len(await site.history()) == 100


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \xff",
    ],
)
async def test_without_the_token_nothing_is_read(site: Site, header: str | None) -> None:
    async def body() -> AsyncIterator[bytes]:
        pytest.fail("the body was asked for")
        yield b""

    async with site.serve() as client:
        del client.headers["authorization"]
        headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
        answer = await client.post(PATH, content=body(), headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text
    assert site.counted == {"unauthorized": 1}
    assert site.looks == 0  # strangers give us nothing to do
    assert await site.history() == []


@pytest.mark.parametrize(
    ("token", "words"), [("", "No token is set"), ("unreadable", "webhook_token_file")]
)
async def test_without_a_token_of_our_own_nobody_is_let_in(
    site: Site, token: str, words: str
) -> None:
    site.token = token

    for header in (BEARER, {"authorization": "Bearer "}, {"authorization": "Bearer"}):
        answer = await site.post(notification(alert()), headers=header)
        assert answer.status_code == 503
        assert words in answer.json()["error"]

    assert await site.history() == []
    assert site.counted == {"failed": 3}


@pytest.mark.parametrize(
    "error", [DatabaseError("the disk is full"), RuntimeError("a bug of ours")]
)
async def test_what_cannot_be_stored_is_asked_for_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(site.database, "write", broken)
        answer = await site.post(notification(alert()))

    assert answer.status_code == 503
    assert str(error) not in answer.text
    assert site.counted == {"failed": 1}
    assert (await site.post(notification(alert()))).status_code == 200
    assert len(await site.history()) == 1


async def test_a_closed_database_is_our_fault(site: Site) -> None:
    site.database.close()

    assert (await site.post(notification(alert()))).status_code == 503
