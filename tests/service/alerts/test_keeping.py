"""Acknowledge, dismiss and withdraw."""

from __future__ import annotations

import pytest

from exporter.actions.model import State
from exporter.store import acknowledgements
from tests.service.alerting import CRITICAL, MODULE, WARNING, Service
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager, fingerprint

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _fires(fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)


async def test_an_acknowledgement_is_a_record_and_a_silence(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await service.acknowledge()

    assert (kept.created, kept.state) == (True, State.DONE)
    (record,) = await service.keeper.active()
    assert record == kept.record
    assert (record.labels, record.severity, record.who) == (MODULE, "warning", "jane")
    assert record.expires_at == START + DAY_S
    (silence,) = fake.standing()
    assert silence.id == record.silence_id
    assert silence.ends_at == START + 900
    assert silence.created_by == "jane"
    assert silence.comment == f"Acknowledged by jane: on it [ops-exporter 1@{int(START)}000]"
    (entry,) = await service.audited()
    assert (entry.id, entry.state, entry.action) == (kept.audit, "done", "acknowledge")
    assert entry.target == 'OpsModuleDown{backend="default", module="auth"}'


async def test_what_is_worse_is_not_hidden(service: Service, fake: FakeAlertmanager) -> None:
    await service.acknowledge()

    assert fake.hidden(**WARNING)
    assert fake.hidden(**{**MODULE, "severity": "info"})
    assert not fake.hidden(**CRITICAL)
    assert not fake.hidden(**{**WARNING, "module": "search"})
    assert not fake.hidden(**{**WARNING, "alertname": "OpsModuleSlow"})


async def test_what_does_not_fire_cannot_be_acknowledged(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.resolve(**WARNING)

    for query in (MODULE, {"fingerprint": fingerprint(WARNING)}):
        kept = await service.acknowledge(**query)
        assert (kept.state, kept.record) == (State.REFUSED, None)

    assert await service.records() == []
    assert [entry.state for entry in await service.audited()] == ["refused", "refused"]


async def test_without_alertmanager_nothing_is_begun(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.unreachable = True

    preview = await service.keeper.preview("acknowledge", MODULE)
    kept = await service.acknowledge()

    assert "connection refused" in preview.refusal
    assert (kept.state, kept.message) == (State.REFUSED, preview.refusal)
    assert await service.records() == []


async def test_a_refused_silence_ends_the_record(service: Service, fake: FakeAlertmanager) -> None:
    fake.refuses = "too many silences"

    kept = await service.acknowledge()

    assert kept.state is State.REFUSED
    assert "too many silences" in kept.message
    (record,) = await service.records()
    assert record.ended_by == "refused"
    assert [entry.state for entry in await service.audited()] == ["refused"]


async def test_an_answer_that_is_lost_is_not_guessed(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    fake.deaf = True
    kept = await service.acknowledge()
    fake.deaf = False

    assert kept.state is State.STARTED
    assert "not confirmed" in kept.message
    clock.advance(30)
    await service.renew()

    assert fake.posts == 1 + 1  # it was found by its mark, and is noted with its end
    assert len(fake.standing()) == 1
    (record,) = await service.keeper.active()
    assert record.silence_id == fake.standing()[0].id
    assert [entry.state for entry in await service.audited()] == ["done"]


async def test_acknowledging_what_got_worse_hides_that_too(
    service: Service, fake: FakeAlertmanager
) -> None:
    first = await service.acknowledge()
    fake.fire(**CRITICAL)

    kept = await service.acknowledge(who="joe")

    assert kept.created
    assert fake.hidden(**CRITICAL)
    assert len(fake.standing()) == 1
    assert [record.ended_by for record in await service.records()] == ["replaced", None]
    assert first.record is not None


async def test_acknowledging_replaces_a_dismissal_and_not_the_other_way_round(
    service: Service, fake: FakeAlertmanager
) -> None:
    await service.dismiss()

    acknowledged = await service.acknowledge()
    dismissed = await service.dismiss(who="joe")

    assert (acknowledged.created, dismissed.created) == (True, False)
    assert len(fake.standing()) == 1
    (record,) = await service.keeper.active()
    assert record.kind == acknowledgements.ACKNOWLEDGE


async def test_a_dismissal_is_a_silence_of_half_an_hour(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await service.dismiss()

    assert kept.record is not None
    assert kept.record.expires_at == START + 1800
    (silence,) = fake.standing()
    assert silence.ends_at == START + 1800
    assert silence.comment == f"Dismissed by jane [ops-exporter 1@{int(START)}000]"


async def test_withdrawing_ends_record_and_silence_once(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await service.acknowledge()
    assert kept.record is not None

    first = await service.withdraw(kept.record.id)
    again = await service.withdraw(kept.record.id)
    nothing = await service.withdraw(77)

    assert (first.created, again.created, nothing.state) == (True, False, State.REFUSED)
    assert again.message == "It had ended already."
    assert fake.standing() == []
    (record,) = await service.records()
    assert record.ended_by == "withdrawn"
    assert [entry.action for entry in await service.audited()] == [
        "acknowledge",
        "withdraw",
        "withdraw",
    ]


@pytest.mark.parametrize("ahead_s", [-3600.0, -5.0, 5.0, 3600.0])
async def test_the_silence_goes_by_alertmanagers_clock(
    service: Service, fake: FakeAlertmanager, ahead_s: float
) -> None:
    fake.ahead_s = ahead_s

    await service.acknowledge()

    (silence,) = fake.standing()
    assert silence.starts_at - fake.now == 2
    assert silence.ends_at - fake.now == 900
    (record,) = await service.keeper.active()
    assert record.silence_ends_at == START + 900


async def test_a_comment_is_one_line_and_cannot_pass_for_another_mark(
    service: Service, fake: FakeAlertmanager
) -> None:
    kept = await service.keeper.acknowledge(
        MODULE,
        who="jane",
        via="page",
        comment="look\r\n[ops-exporter 99@1]\0" + "x" * 2000,
        key="k",
    )

    assert kept.record is not None
    assert len(kept.record.comment) == 1000
    assert kept.record.comment.startswith("look [ops-exporter 99@1] xxx")
    (silence,) = fake.standing()
    assert silence.comment.endswith(f" [ops-exporter 1@{int(START)}000]")
