"""Two processes of the action service on one real PostgreSQL."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Final

import psycopg
import pytest

from tests.e2e.replica import PASSWORD, Product, Replica, asked, hash_of, signed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

CLICKS: Final = 8


@contextmanager
def two(folder: Path, postgresql: str, product: Product) -> Iterator[tuple[Replica, Replica]]:
    """Start two replicas behind one address, as a proxy would spread requests over them."""
    hash_ = hash_of(PASSWORD)
    settings = {"api": {"url": product.url}, "database_url": postgresql}
    first = Replica(folder / "0", settings, hash_)
    seen = {"actions": {"url": first.url, "cooldown": "0s"}}
    second = Replica(folder / "1", settings | seen, hash_)
    try:
        first.start()
        second.start()
        yield first, second
    finally:
        first.stop()
        second.stop()


def sent(clients: list[httpx.Client], form: dict[str, str]) -> list[httpx.Response]:
    """Send one form through all of *clients* at the same moment."""
    answers: list[httpx.Response] = []
    together = threading.Barrier(len(clients))

    def click(client: httpx.Client) -> None:
        together.wait()
        answers.append(client.post("/actions/ingest", data=form))

    threads = [threading.Thread(target=click, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.fixture
def product() -> Iterator[Product]:
    with Product(slow_s=0.05).serving() as serving:
        yield serving


def test_a_double_click_sent_to_both_acts_once(
    tmp_path: Path, postgresql: str, product: Product
) -> None:
    with two(tmp_path, postgresql, product) as (first, second):
        here = signed_in(first.url)
        # The session that one has opened is known to the other.
        there = type(here)(base_url=second.url, cookies=here.cookies, timeout=30.0, trust_env=False)
        with closing(here), closing(there):
            for number in range(CLICKS):
                form = asked(here, f"github.com/owner/name-{number}")
                answers = sent([here, there, here, there], form)
                assert {answer.status_code for answer in answers} == {303}
                assert len({answer.headers["location"] for answer in answers}) == 1

    assert set(product.taken.values()) == {1}
    assert len(product.taken) == CLICKS


def test_each_background_job_has_one_replica_that_does_it_and_another_takes_over(
    tmp_path: Path, postgresql: str, product: Product
) -> None:
    with two(tmp_path, postgresql, product) as (first, second):
        before = holders(postgresql)
        living = {holder for name, holder in before.items() if name.startswith("instance:")}
        jobs = {name: holder for name, holder in before.items() if not name.startswith("instance:")}
        assert len(living) == 2
        assert jobs
        assert set(jobs.values()) <= living
        first.stop()
        left = {h for n, h in holders(postgresql).items() if n.startswith("instance:")}
        assert len(left) == 1
        # What the one that was stopped did is free at once for the other.
        assert set(holders(postgresql).values()) == left
        assert second.url


def holders(postgresql: str) -> dict[str, str]:
    """Return who holds each lease that has not run out."""
    url = postgresql.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(url) as connection:
        query = "SELECT name, holder FROM leases WHERE until > extract(epoch FROM now())"
        return dict(connection.execute(query).fetchall())
