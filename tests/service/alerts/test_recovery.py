"""Acknowledgements outlive every restart, crash and loss, and end when they must."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from exporter.actions.model import State
from exporter.service.alertmanager import AlertmanagerError
from exporter.service.entries import Entry
from tests.service.alerting import CRITICAL, MODULE, WARNING, Service, ended_by, renew_for, served
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager

HOUR_S = 3600.0


DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _fires(fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)


async def test_a_silence_that_is_gone_is_posted_anew(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()

    fake.silences.clear()
    await service.renew()
    assert fake.hidden(**WARNING)
    fake.standing()[0].ends_at = clock.now  # somebody ended it by hand
    await service.renew()

    assert fake.hidden(**WARNING)
    (record,) = await service.keeper.active()
    assert record.silence_id == fake.standing()[0].id


async def test_alertmanager_may_restart(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    """It knows no alerts then, and when it was killed not even the silence."""
    await service.acknowledge()

    fake.restart(lose_silences=True)
    await renew_for(service, clock, 150)  # Prometheus may take two minutes to tell it again
    assert await ended_by(service) == [None]
    fake.fire(**WARNING)
    await renew_for(service, clock, HOUR_S, every_s=60)
    assert await ended_by(service) == [None]
    assert fake.hidden(**WARNING)

    fake.restart()
    await renew_for(service, clock, 240)
    assert await ended_by(service) == ["resolved"]


async def test_we_may_restart(storage: str, fake: FakeAlertmanager, clock: Clock) -> None:
    before = served(storage, fake)
    await before.acknowledge()
    await before.renew()
    await before.close(killed=True)
    clock.advance(400)

    after = served(storage, fake, "two")
    await after.renew()
    await renew_for(after, clock, 400)
    assert len(fake.standing()) == 1
    assert fake.hidden(**WARNING)
    fake.resolve(**WARNING)
    await renew_for(after, clock, 60)

    assert await ended_by(after) == ["resolved"]
    assert fake.standing() == []
    await after.close()


async def test_a_crash_before_the_silence_was_posted_is_made_good(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await _begun_without_silence(service)

    clock.advance(19)
    await service.renew()
    assert fake.posts == 0  # whoever wrote the record may be about to do it
    clock.advance(1)
    await service.renew()

    assert len(fake.standing()) == 1
    (record,) = await service.keeper.active()
    assert record.silence_id == fake.standing()[0].id
    assert [entry.state for entry in await service.audited()] == ["done"]


async def _begun_without_silence(service: Service) -> None:
    """Leave what a process leaves that is killed between record and silence."""
    preview = await service.keeper.preview("acknowledge", MODULE)
    entry = Entry(
        who="jane", via="page", action="acknowledge", key="k", instance="dead", comment="on it"
    )
    await service.database.write(service.keeper._begin, preview, entry)


async def test_a_crash_after_the_silence_was_posted_makes_no_second_one(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    fake.deaf = True
    await service.acknowledge()
    fake.deaf = False
    clock.advance(30)

    await renew_for(service, clock, HOUR_S)

    assert len(fake.silences) == 1
    assert fake.hidden(**WARNING)


async def test_of_two_silences_of_one_record_one_is_ended(
    service: Service, fake: FakeAlertmanager
) -> None:
    await service.acknowledge()
    (one,) = fake.standing()
    fake.silences["extra"] = replace(one, id="extra", ends_at=one.ends_at - 5)

    await service.renew()

    assert fake.standing() == [one]


async def test_a_silence_that_outlived_its_record_is_ended(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await service.acknowledge()
    assert kept.record is not None
    fake.failing = 503
    await service.withdraw(kept.record.id)
    fake.failing = 0
    assert fake.standing() != []

    await service.renew()

    assert fake.standing() == []


@pytest.mark.parametrize(
    "comment",
    [
        "by hand",
        "[ops-exporter 1@1]",  # of another installation
        f"[ops-exporter 77@{int(START)}000]",
        f"[ops-exporter 1@{int(START)}000] and more",
    ],
)
async def test_silences_of_others_are_left_alone(
    service: Service, fake: FakeAlertmanager, comment: str
) -> None:
    kept = await service.acknowledge()
    assert kept.record is not None
    (one,) = fake.standing()
    foreign = fake.silences["foreign"] = replace(one, id="foreign", comment=comment)
    await service.renew()

    await service.withdraw(kept.record.id)
    await service.renew()

    assert fake.standing() == [foreign]


async def test_while_alertmanager_is_away_only_time_ends_anything(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()
    fake.unreachable = True

    for _ in range(10):
        clock.advance(60)
        with pytest.raises(AlertmanagerError):
            await service.renew()
    assert await ended_by(service) == [None]
    clock.advance(DAY_S)
    with pytest.raises(AlertmanagerError):
        await service.renew()

    assert await ended_by(service) == ["expired"]


@pytest.mark.parametrize("status", [301, 401, 403, 408, 429, 500, 502])
async def test_what_stands_before_alertmanager_refuses_no_silence(
    service: Service, fake: FakeAlertmanager, clock: Clock, status: int
) -> None:
    """A proxy may be set up wrongly for a while: what somebody said holds."""
    await service.acknowledge()
    fake.silences.clear()
    fake.failing, fake.failing_only = status, "POST"
    with pytest.raises(AlertmanagerError, match=f"POST /silences: {status}"):
        await service.renew()
    assert await ended_by(service) == [None]

    fake.failing = 0
    clock.advance(30)
    await service.renew()

    assert fake.hidden(**WARNING)


@pytest.mark.parametrize("status", [301, 401, 403, 429, 500])
async def test_a_silence_that_cannot_be_ended_is_ended_later(
    service: Service, fake: FakeAlertmanager, status: int
) -> None:
    kept = await service.acknowledge()
    assert kept.record is not None
    fake.failing, fake.failing_only = status, "DELETE"

    assert not await service.silencer.lift([kept.record.silence_id])
    await service.withdraw(kept.record.id)
    assert fake.hidden(**WARNING)
    fake.failing = 0
    await service.renew()

    assert not fake.hidden(**WARNING)


@pytest.mark.parametrize("end", ["resolve", "withdraw", "worse", "replaced"])
async def test_what_ends_before_its_silence_is_confirmed_leaves_no_entry_open(
    service: Service, fake: FakeAlertmanager, clock: Clock, end: str
) -> None:
    fake.failing, fake.failing_only = 503, "POST"
    kept = await service.acknowledge(key="mine")
    assert (kept.state, fake.standing()) == (State.STARTED, [])
    assert kept.record is not None
    if end == "withdraw":
        await service.withdraw(kept.record.id)
    elif end == "replaced":
        fake.fire(**CRITICAL)
        await service.acknowledge(who="joe")
    else:
        fake.resolve(**WARNING)
        if end == "worse":
            fake.fire(**CRITICAL)
        for _ in range(2):
            with suppress(AlertmanagerError):
                await service.renew()
            clock.advance(30)

    entry, *_ = await service.audited()

    assert (entry.action, entry.state) == ("acknowledge", "unknown")
    assert "ended before Alertmanager confirmed" in entry.message
    again = await service.acknowledge(key="mine")
    assert (again.created, again.state, again.audit) == (False, State.UNKNOWN, kept.audit)


async def test_withdrawn_while_its_silence_is_made_it_does_not_pass_for_done(
    service: Service, fake: FakeAlertmanager, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = service.client.post_silence

    async def slow(**silence: Any) -> str:
        made = await post(**silence)
        (record,) = await service.keeper.active()
        await service.withdraw(record.id)
        return made

    monkeypatch.setattr(service.client, "post_silence", slow)

    kept = await service.acknowledge()

    assert kept.state is State.UNKNOWN
    assert kept.record is not None
    assert kept.record.ended_by == "withdrawn"
    assert fake.standing() == []
