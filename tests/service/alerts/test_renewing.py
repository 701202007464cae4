"""Acknowledgements in the course of time, with an Alertmanager whose clock can be turned."""

from __future__ import annotations

import pytest

from tests.service.alerting import CRITICAL, WARNING, Service, ended_by, renew_for
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _fires(fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)


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
