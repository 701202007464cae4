"""
The action service is killed in the middle of its work, again and again.

`make test-kill` does it 500 times.
"""

from __future__ import annotations

import os
import random
import sqlite3
import threading
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.e2e.replica import (
    PASSWORD,
    WEBHOOK_TOKEN,
    Product,
    Replica,
    asked,
    hash_of,
    notification,
    signed_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KILLS: Final = int(os.environ.get("KILLS", "20"))
# How long the product works on a request before it has done it, and again until it answers.
SLOW_S: Final = 0.03
# A killed process counts as living for 30 s; then somebody looks within 10 s.
GIVEN_UP_S: Final = 60.0
WRITERS: Final = 2


@dataclass
class Story:
    """
    What was done and what was heard, over all kills.

    Attributes:
        answered: Numbers of the notifications that were answered with 2xx.
        unanswered: How many were cut.
        taken: By repository, how often the product has taken it in.
        rows: By repository, the states of its rows in the audit after the end.
        kept: Numbers of the notifications in the history after the end.
    """

    answered: set[int] = field(default_factory=set)
    unanswered: int = 0
    taken: dict[str, int] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
    kept: set[int] = field(default_factory=set)


def told(url: str, numbers: Iterator[int], story: Story, heard: threading.Event) -> None:
    """Send one notification after the other, until nobody answers."""
    headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False) as client:
        while True:
            number = next(numbers)
            try:
                answer = client.post("/webhooks/alertmanager", json=notification(number))
            except httpx.TransportError:
                story.unanswered += 1
                return
            assert answer.is_success, answer.text
            story.answered.add(number)
            heard.set()


def clicked(client: httpx.Client, form: dict[str, str]) -> None:
    """Press the button; nobody may be there to answer."""
    with suppress(httpx.TransportError):
        client.post("/actions/ingest", data=form)


def killed(replica: Replica, product: Product, kills: int, story: Story) -> None:
    """Kill the service *kills* times, each time while it is told of alerts and acts."""
    # The same moments each time; those in which a write is under way are met by their number.
    moments = random.Random(20)  # noqa: S311 - no secret
    numbers = count(1)
    client = signed_in(replica.url)
    for kill in range(kills):
        repository = f"github.com/owner/name-{kill}"
        form = asked(client, repository)
        heard = threading.Event()
        product.began.clear()
        threads = [
            threading.Thread(target=told, args=(replica.url, numbers, story, heard))
            for _ in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        assert heard.wait(30)
        click = threading.Thread(target=clicked, args=(client, form))
        click.start()
        # Every second time just while the product is at it, or else at any moment.
        if kill % 2:
            assert product.began.wait(30)
        time.sleep(moments.uniform(0, 3 * SLOW_S))
        replica.kill()
        for thread in (*threads, click):
            thread.join()
        replica.start()
        # Somebody who got no answer sends the same form once more.
        again = client.post("/actions/ingest", data=form)
        assert again.status_code == 303, again.text
    client.close()


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("kill")
    told_of = Story()
    with Product(SLOW_S).serving() as product:
        replica = Replica(folder, {"api": {"url": product.url}}, hash_of(PASSWORD))
        try:
            replica.start()
            killed(replica, product, KILLS, told_of)
            until = time.monotonic() + GIVEN_UP_S
            database = folder / "state" / "actions.sqlite"
            while "started" in states(database):
                assert time.monotonic() < until, "a row of the audit stays open"
                time.sleep(0.2)
        finally:
            replica.stop()
        told_of.taken = dict(product.taken)
    read(database, told_of)
    return told_of


def states(database: Path) -> set[str]:
    with closing(sqlite3.connect(database)) as connection:
        return {state for (state,) in connection.execute("SELECT DISTINCT state FROM audit")}


def read(database: Path, story: Story) -> None:
    with closing(sqlite3.connect(database)) as connection:
        rows: Any = connection.execute("SELECT target, state FROM audit WHERE action = 'ingest'")
        for target, state in rows:
            story.rows.setdefault(target.partition(": ")[2], []).append(state)
        kept = connection.execute("SELECT fingerprint FROM alerts")
        story.kept = {int(fingerprint, 16) for (fingerprint,) in kept}


def test_every_notification_that_was_answered_is_in_the_history(story: Story) -> None:
    assert len(story.answered) >= KILLS
    assert story.unanswered >= KILLS  # each kill cut some
    assert story.answered <= story.kept


def test_no_action_ran_twice(story: Story) -> None:
    assert {repository: n for repository, n in story.taken.items() if n != 1} == {}


def test_each_click_has_one_row_which_says_what_is_known_of_it(story: Story) -> None:
    assert {repository: rows for repository, rows in story.rows.items() if len(rows) != 1} == {}
    assert len(story.rows) == KILLS
    for repository, (state,) in story.rows.items():
        assert state in {"done", "unknown"}
        # What reads "done" was done.
        assert state == "unknown" or story.taken[repository] == 1


def test_the_interrupted_ones_read_unknown_outcome(story: Story) -> None:
    unknown = [repository for repository, rows in story.rows.items() if rows == ["unknown"]]
    assert len(unknown) >= KILLS // 4
