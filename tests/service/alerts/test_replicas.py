"""Two replicas that share a database: what the alerts need is done once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.service import reconciling, renewing
from tests.service.alerting import WARNING, Service, ended_by, renew_for, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.service.fake_alertmanager import Clock, FakeAlertmanager


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each kind in turn: of SQLite, one process is the old one that has not ended yet."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgresql"))
    return f"sqlite:///{tmp_path / 'ops.sqlite'}"


@pytest.fixture
async def both(storage: str, fake: FakeAlertmanager) -> AsyncIterator[tuple[Service, Service]]:
    fake.fire(**WARNING)
    one, two = served(storage, fake, "one"), served(storage, fake, "two")
    yield one, two
    await one.close()
    await two.close()


async def test_one_renews_until_it_is_gone(
    both: tuple[Service, Service], fake: FakeAlertmanager, clock: Clock
) -> None:
    one, two = both
    await one.acknowledge()
    clock.advance(310)

    assert await one.renewer.renew()
    assert not await two.renewer.renew()
    assert fake.posts == 2
    clock.advance(renewing.LEASE_S)
    assert await two.renewer.renew()
    assert not await one.renewer.renew()
    await two.leave()  # it ends in order
    assert await one.renewer.renew()


async def test_at_the_same_moment_one_renews(
    both: tuple[Service, Service], fake: FakeAlertmanager, clock: Clock
) -> None:
    await both[0].acknowledge()
    clock.advance(310)

    did = await asyncio.gather(*(one.renewer.renew() for one in both))

    assert sorted(did) == [False, True]
    assert fake.posts == 2
    assert len(fake.silences) == 1


async def test_whoever_takes_over_ends_what_has_ended(
    both: tuple[Service, Service], fake: FakeAlertmanager, clock: Clock
) -> None:
    one, two = both
    await one.acknowledge()
    await one.renew()
    fake.resolve(**WARNING)
    clock.advance(renewing.LEASE_S)

    await two.renew()
    assert await ended_by(two) == [None]  # it has not looked before
    await renew_for(two, clock, 30)

    assert await ended_by(one) == ["resolved"]
    assert fake.standing() == []


async def test_one_reconciles_until_it_is_gone(both: tuple[Service, Service], clock: Clock) -> None:
    one, two = (service.reconciler for service in both)

    assert [await one.reconcile(), await two.reconcile()] == [True, False]
    clock.advance(reconciling.LEASE_S)
    assert await two.reconcile()
    assert len(await both[0].history()) == 1


async def test_a_click_that_reaches_both_makes_one_record_and_one_silence(
    both: tuple[Service, Service], fake: FakeAlertmanager
) -> None:
    kept = await asyncio.gather(*(one.acknowledge(key="the form's") for one in both * 3))

    assert [one.created for one in kept].count(True) == 1
    assert len(await both[0].records()) == 1
    assert len(await both[0].audited()) == 1
    assert fake.posts == 1


async def test_a_withdrawal_that_reaches_both_ends_it_once(
    both: tuple[Service, Service], fake: FakeAlertmanager
) -> None:
    kept = await both[0].acknowledge()
    assert kept.record is not None
    number = kept.record.id

    ended = await asyncio.gather(*(one.withdraw(number) for one in both))

    assert sorted(one.created for one in ended) == [False, True]
    assert fake.standing() == []
