"""One click, one record and one silence, whoever clicks how often."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.actions.model import State
from exporter.service.clicks import KeyReusedError
from tests.service.alerting import MODULE, WARNING, Service

if TYPE_CHECKING:
    from tests.service.fake_alertmanager import FakeAlertmanager


@pytest.fixture(autouse=True)
def _fires(fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)


async def test_a_double_click_makes_one_record_and_one_silence(
    service: Service, fake: FakeAlertmanager
) -> None:
    clicks = [service.acknowledge(key="the form's") for _ in range(5)]

    kept = await asyncio.gather(*clicks)

    assert [one.created for one in kept].count(True) == 1
    assert len(await service.records()) == 1
    assert fake.posts == 1
    assert len(await service.audited()) == 1


async def test_two_people_at_once_make_one_record_and_one_silence(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await asyncio.gather(service.acknowledge(who="jane"), service.acknowledge(who="joe"))

    assert sorted(one.created for one in kept) == [False, True]
    (late,) = [one for one in kept if not one.created]
    assert late.state is State.DONE
    assert "acknowledged by" in late.message
    assert fake.posts == 1
    assert len(await service.audited()) == 2


@pytest.mark.parametrize(
    ("labels", "comment"),
    [
        ({**MODULE, "module": "search"}, "on it"),
        ({name: MODULE[name] for name in ("alertname", "backend")}, "on it"),
        (MODULE, "another reason"),
        (MODULE, ""),
    ],
)
async def test_the_same_key_with_other_values_is_refused(
    service: Service, fake: FakeAlertmanager, labels: dict[str, str], comment: str
) -> None:
    await service.acknowledge(key="once")

    with pytest.raises(KeyReusedError):
        await service.keeper.acknowledge(labels, who="jane", via="api", comment=comment, key="once")

    assert len(fake.standing()) == 1
    assert len(await service.audited()) == 1


async def test_the_same_key_of_the_same_alert_named_otherwise_is_the_same_request(
    service: Service,
) -> None:
    first = await service.acknowledge(key="once")
    labels = {**MODULE, "severity": "warning", "instance": ""}

    again = await service.keeper.acknowledge(
        labels, who="jane", via="api", comment="  on  it ", key="once"
    )

    assert (again.created, again.audit) == (False, first.audit)


async def test_the_same_key_withdraws_no_other_record(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.fire(**{**WARNING, "module": "search"})
    first = await service.acknowledge()
    other = await service.acknowledge(**{**MODULE, "module": "search"})
    assert first.record is not None
    assert other.record is not None
    await service.keeper.withdraw(first.record.id, who="joe", via="api", key="once")

    with pytest.raises(KeyReusedError):
        await service.keeper.withdraw(other.record.id, who="joe", via="api", key="once")

    assert [record.id for record in await service.keeper.active()] == [other.record.id]


async def test_the_same_key_does_nothing_again_even_when_it_is_over(
    service: Service, fake: FakeAlertmanager
) -> None:
    first = await service.acknowledge(key="once")
    assert first.record is not None
    await service.withdraw(first.record.id)

    again = await service.acknowledge(key="once")

    assert (again.created, again.audit, again.message) == (False, first.audit, first.message)
    assert await service.keeper.active() == []
    assert fake.posts == 1
