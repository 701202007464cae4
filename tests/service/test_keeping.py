"""Acknowledge and dismiss, as far as one click goes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.actions.model import InputError, State
from exporter.service.clicks import KeyReusedError
from exporter.store import acknowledgements
from tests.service.alerting import CRITICAL, MODULE, WARNING, Service
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager, fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

DAY_S = 86_400.0


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeAlertmanager:
    fake = FakeAlertmanager(clock)
    fake.fire(**WARNING)
    return fake


@pytest.fixture
async def service(tmp_path: Path, fake: FakeAlertmanager, clock: Clock) -> AsyncIterator[Service]:
    service = Service(
        tmp_path / "ops.sqlite", "http://alertmanager", clock, transport=fake.transport()
    )
    yield service
    await service.close()


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


@pytest.mark.parametrize(
    ("severities", "hidden"),
    [
        (("info",), {"info"}),
        (("critical", "warning"), {"critical", "warning", "info"}),
        (("page",), {"page"}),
        (("page", "warning"), {"warning", "info"}),
        (("",), {""}),
    ],
)
async def test_what_is_hidden_is_what_fires_and_what_is_milder(
    service: Service, fake: FakeAlertmanager, severities: tuple[str, ...], hidden: set[str]
) -> None:
    fake.alerts.clear()
    for severity in severities:
        fake.fire(**MODULE, **({"severity": severity} if severity else {}))

    preview = await service.keeper.preview("acknowledge", MODULE)
    await service.acknowledge()

    every = ("", "info", "warning", "critical", "page", "ticket")
    assert {name for name in every if fake.hidden(**MODULE, severity=name)} == hidden
    assert {alert.severity for alert in preview.alerts} == set(severities) & hidden
    assert {alert.severity for alert in preview.told} == set(severities) - hidden


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


async def test_the_preview_changes_nothing_and_tells_all(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.fire(**{**WARNING, "module": "search"})

    preview = await service.keeper.preview("acknowledge", {**WARNING, "module": "auth"})

    assert [alert.labels for alert in preview.alerts] == [WARNING]
    assert preview.matchers == (
        'alertname="OpsModuleDown"',
        'backend="default"',
        'module="auth"',
        'severity=~"info|warning"',
    )
    assert (preview.until, preview.refusal, preview.existing) == (START + DAY_S, "", None)
    assert await service.records() == []
    assert await service.audited() == []
    assert fake.posts == 0


async def test_the_preview_tells_what_is_in_force(service: Service) -> None:
    kept = await service.acknowledge()

    preview = await service.keeper.preview("dismiss", MODULE)

    assert preview.existing == kept.record
    assert preview.until == START + 1800


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"alertname": "OpsModuleDown"},
        {"backend": "default", "module": "auth"},
        {"alertname": "", "backend": "default", "module": "auth"},
        {"alertname": "OpsModuleDown", "severity": "warning"},
        {"alertname": "OpsModuleDown", "backend": "", "module": ""},
        {"alertname": "OpsWatchdog", "backend": "default"},
        {"alertname": "OpsModuleDown", "back end": "default"},
        {"alertname": "OpsModuleDown", 'x="",y': "default"},
        {"alertname": "OpsModuleDown", "backend": "x" * 257},
        {"alertname": "OpsModuleDown", "backend": "a\0b"},
        {"alertname": "OpsModuleDown", **{f"l{n}": "x" for n in range(40)}},
    ],
    ids=str,
)
async def test_what_would_hide_too_much_or_is_no_label_is_refused(
    service: Service, fake: FakeAlertmanager, labels: dict[str, str]
) -> None:
    for act in (service.keeper.acknowledge, service.keeper.dismiss):
        with pytest.raises(InputError):
            await act(labels, who="jane", via="page", comment="", key="k")

    assert fake.posts == 0
    assert await service.records() == []


async def test_an_alert_is_found_by_its_fingerprint(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.fire(**WARNING, instance="i1", job="j")

    for labels in (WARNING, {**WARNING, "instance": "i1", "job": "j"}):
        preview = await service.keeper.preview("acknowledge", {"fingerprint": fingerprint(labels)})
        # Of ours, its rule says what tells it apart.
        assert preview.labels == MODULE
        assert len(preview.alerts) == 2


async def test_of_a_foreign_alert_all_labels_count(
    service: Service, fake: FakeAlertmanager
) -> None:
    foreign = {"alertname": "DiskFull", "instance": "i1", "severity": "page"}
    fake.fire(**foreign)

    preview = await service.keeper.preview("dismiss", {"fingerprint": fingerprint(foreign)})

    assert preview.labels == {"alertname": "DiskFull", "instance": "i1"}


async def test_links_with_and_without_empty_labels_mean_the_same_alert(
    service: Service, fake: FakeAlertmanager
) -> None:
    anomaly = {
        "alertname": "OpsAnomaly",
        "backend": "default",
        "metric": "ops_workers",
        "kind": "drop",
    }
    fake.fire(**anomaly, severity="info")
    await service.acknowledge(**anomaly, module="", model="")

    kept = await service.acknowledge(**anomaly)

    assert not kept.created
    assert len(await service.records()) == 1
    # The same of a module is another alert.
    assert not fake.hidden(**anomaly, severity="info", module="auth")


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
