"""What would be hidden, before anybody hides it."""

from __future__ import annotations

import pytest

from exporter.actions.model import InputError
from tests.service.alerting import MODULE, WARNING, Service
from tests.service.fake_alertmanager import START, FakeAlertmanager, fingerprint

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _fires(fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)


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
