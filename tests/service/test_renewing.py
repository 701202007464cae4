"""Acknowledgements in the course of time, with an Alertmanager whose clock can be turned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.service.alertmanager import AlertmanagerError
from exporter.service.entries import Entry
from exporter.service.renewing import LEASE_S
from tests.service.alerting import CRITICAL, MODULE, WARNING, Service
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HOUR_S, DAY_S = 3600.0, 86_400.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeAlertmanager:
    fake = FakeAlertmanager(clock)
    fake.fire(**WARNING)
    return fake


def served(path: Path, fake: FakeAlertmanager, clock: Clock, instance: str = "one") -> Service:
    return Service(
        path / "ops.sqlite",
        "http://alertmanager",
        clock,
        transport=fake.transport(),
        instance=instance,
    )


@pytest.fixture
async def service(tmp_path: Path, fake: FakeAlertmanager, clock: Clock) -> AsyncIterator[Service]:
    service = served(tmp_path, fake, clock)
    yield service
    await service.close()


async def renew_for(service: Service, clock: Clock, seconds: float, every_s: float = 30) -> None:
    until = clock.now + seconds
    while clock.now < until:
        clock.advance(every_s)
        await service.renew()


async def ended_by(service: Service) -> list[str | None]:
    return [record.ended_by for record in await service.records()]


async def test_the_silence_is_prolonged_in_time_and_keeps_its_id(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()

    await renew_for(service, clock, 300)
    assert fake.posts == 1  # 10 minutes are left
    await renew_for(service, clock, 30)
    assert fake.posts == 2

    for _ in range(20):
        await renew_for(service, clock, 300)
        assert fake.hidden(**WARNING)
        assert 600 <= fake.standing()[0].ends_at - clock.now <= 900
    assert len(fake.silences) == 1
    (record,) = await service.keeper.active()
    assert record.silence_ends_at == pytest.approx(fake.standing()[0].ends_at, abs=1.1)


async def test_a_new_id_is_followed(service: Service, fake: FakeAlertmanager, clock: Clock) -> None:
    """As Alertmanager does it when it put its own time in place of ours."""
    await service.acknowledge()
    fake.standing()[0].starts_at += 0.000_123

    await renew_for(service, clock, 330)

    (silence,) = fake.standing()
    assert silence.id == "silence-2"
    (record,) = await service.keeper.active()
    assert record.silence_id == "silence-2"
    await renew_for(service, clock, 600)
    assert len(fake.standing()) == 1


async def test_it_ends_when_the_alert_does(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()
    fake.resolve(**WARNING)

    await service.renew()
    assert await ended_by(service) == [None]  # one look says nothing
    clock.advance(29)
    await service.renew()
    assert await ended_by(service) == [None]
    clock.advance(1)
    await service.renew()

    assert await ended_by(service) == ["resolved"]
    assert fake.standing() == []
    assert [(e.who, e.via, e.action, e.state) for e in await service.audited()] == [
        ("jane", "page", "acknowledge", "done"),
        ("ops-exporter", "system", "end-acknowledge", "done"),
    ]


async def test_it_does_not_end_when_the_alert_was_away_for_a_moment(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()

    for _ in range(5):
        fake.resolve(**WARNING)
        await renew_for(service, clock, 20, every_s=20)
        fake.fire(**WARNING)
        await renew_for(service, clock, 20, every_s=20)

    assert await ended_by(service) == [None]


async def test_it_ends_when_the_alert_gets_worse(service: Service, fake: FakeAlertmanager) -> None:
    await service.acknowledge()
    fake.fire(**CRITICAL)
    assert not fake.hidden(**CRITICAL)

    await service.renew()

    assert await ended_by(service) == ["escalated"]
    assert fake.standing() == []


async def test_another_alert_that_is_worse_does_not_end_it(
    service: Service, fake: FakeAlertmanager
) -> None:
    await service.acknowledge()
    fake.fire(**{**CRITICAL, "module": "search"})

    await service.renew()

    assert await ended_by(service) == [None]


async def test_it_ends_after_a_day_though_the_alert_still_fires(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()

    await renew_for(service, clock, DAY_S - 300, every_s=300)
    assert fake.hidden(**WARNING)
    posts = fake.posts
    await renew_for(service, clock, 290, every_s=10)
    assert fake.posts - posts <= 1  # there is nothing to gain any more
    assert fake.hidden(**WARNING)
    await renew_for(service, clock, 10, every_s=10)

    assert await ended_by(service) == ["expired"]
    assert fake.standing() == []
    assert clock.now == START + DAY_S


async def test_even_without_us_it_ends_after_a_quarter_of_an_hour(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.acknowledge()

    clock.advance(901)

    assert not fake.hidden(**WARNING)


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


async def test_we_may_restart(tmp_path: Path, fake: FakeAlertmanager, clock: Clock) -> None:
    before = served(tmp_path, fake, clock)
    await before.acknowledge()
    await before.renew()
    await before.close(killed=True)
    clock.advance(400)

    after = served(tmp_path, fake, clock, instance="two")
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


async def test_a_dismissal_ends_with_its_silence_and_is_not_prolonged(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.dismiss()

    await renew_for(service, clock, 1790, every_s=10)
    assert fake.posts == 1
    assert fake.hidden(**WARNING)
    await renew_for(service, clock, 10, every_s=10)

    assert await ended_by(service) == ["silence"]
    assert fake.standing() == []


async def test_a_dismissal_outlives_a_short_end_of_the_alert(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.dismiss()
    fake.resolve(**WARNING)

    await renew_for(service, clock, 120)

    assert await ended_by(service) == [None]


async def test_a_dismissal_that_somebody_ends_in_alertmanager_has_ended(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await service.dismiss()
    fake.standing()[0].ends_at = clock.now

    await service.renew()

    assert await ended_by(service) == ["silence"]
    assert fake.posts == 1


async def test_a_dismissal_ends_when_the_alert_gets_worse(
    service: Service, fake: FakeAlertmanager
) -> None:
    await service.dismiss()
    fake.fire(**CRITICAL)

    await service.renew()

    assert await ended_by(service) == ["escalated"]


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


async def test_of_two_replicas_one_renews_until_it_is_gone(
    tmp_path: Path, fake: FakeAlertmanager, clock: Clock
) -> None:
    one, two = (served(tmp_path, fake, clock, instance=name) for name in ("one", "two"))
    await one.acknowledge()
    clock.advance(310)

    assert await one.renewer.renew()
    assert not await two.renewer.renew()
    assert fake.posts == 2
    clock.advance(LEASE_S)
    assert await two.renewer.renew()
    assert not await one.renewer.renew()
    await two.renewer.close()  # it ends in order
    assert await one.renewer.renew()

    await one.close()
    await two.close()
