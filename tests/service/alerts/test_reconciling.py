"""The history compared with what Alertmanager has."""

from __future__ import annotations

import pytest

from exporter.service.alertmanager import AlertmanagerError
from exporter.store import history
from exporter.store.book import Notice
from tests.service.alerting import CRITICAL, WARNING, Service, eventually
from tests.service.fake_alertmanager import START, Clock, FakeAlertmanager, fingerprint


async def notify(service: Service, clock: Clock, *, end: float | None = None) -> None:
    """Store what a notification of the warning says."""
    notice = Notice(
        fingerprint=fingerprint(WARNING),
        starts_at=START,
        ends_at=end,
        firing=end is None,
        labels=WARNING,
        annotations={},
    )
    await service.database.write(history.take, [notice], clock.now)


async def story(service: Service) -> list[tuple[str, float | None, str | None]]:
    return [(one.severity, one.ends_at, one.ended_by) for one in await service.history()]


async def test_what_ends_while_it_is_silenced_is_closed_after_two_looks(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    fake.fire(**WARNING)
    await notify(service, clock)
    await service.acknowledge()
    clock.advance(60)
    await service.reconciler.reconcile()
    fake.resolve(**WARNING)

    clock.advance(60)
    await service.reconciler.reconcile()
    clock.advance(29)
    await service.reconciler.reconcile()
    assert await story(service) == [("warning", None, None)]
    clock.advance(1)
    await service.reconciler.reconcile()

    assert await story(service) == [("warning", START + 120, "reconciled")]


async def test_what_is_there_again_at_the_second_look_is_not_closed(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await notify(service, clock)
    for _ in range(5):
        clock.advance(40)
        await service.reconciler.reconcile()
        fake.alerts[fingerprint(WARNING)] = (WARNING, START)
        clock.advance(20)
        await service.reconciler.reconcile()
        fake.resolve(**WARNING)

    assert await story(service) == [("warning", None, None)]


async def test_a_notification_between_two_looks_counts_as_seen(
    service: Service, clock: Clock
) -> None:
    await notify(service, clock)
    for _ in range(10):
        clock.advance(60)
        await service.reconciler.reconcile()
        clock.advance(1)
        await notify(service, clock)

    assert await story(service) == [("warning", None, None)]


async def test_what_was_never_told_is_added(service: Service, fake: FakeAlertmanager) -> None:
    fake.fire(**CRITICAL)

    await service.reconciler.reconcile()
    await service.reconciler.reconcile()

    assert await story(service) == [("critical", None, None)]


async def test_alertmanager_may_forget_a_start_and_the_alert_is_the_same(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await notify(service, clock)
    fake.alerts[fingerprint(WARNING)] = (WARNING, START - 7.123)

    await service.reconciler.reconcile()

    assert await story(service) == [("warning", None, None)]


async def test_while_alertmanager_does_not_answer_nothing_is_closed(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await notify(service, clock)
    fake.failing = 503

    for _ in range(5):
        clock.advance(60)
        with pytest.raises(AlertmanagerError, match="503"):
            await service.reconciler.reconcile()

    assert await story(service) == [("warning", None, None)]


async def test_after_alertmanagers_start_nothing_is_closed_until_prometheus_has_told_it(
    service: Service, fake: FakeAlertmanager, clock: Clock
) -> None:
    await notify(service, clock)
    fake.restart()

    for _ in range(5):
        clock.advance(35)
        await service.reconciler.reconcile()
    assert await story(service) == [("warning", None, None)]
    for _ in range(2):
        clock.advance(35)
        await service.reconciler.reconcile()

    assert await story(service) == [("warning", START + 210, "reconciled")]


async def test_the_end_that_is_told_later_is_the_true_one(service: Service, clock: Clock) -> None:
    await notify(service, clock)
    for _ in range(2):
        clock.advance(60)
        await service.reconciler.reconcile()

    await notify(service, clock, end=START + 5)

    assert await story(service) == [("warning", START + 5, "resolved")]


async def test_on_demand_it_is_done_at_once_and_once_more_when_asked_meanwhile(
    service: Service, fake: FakeAlertmanager
) -> None:
    fake.fire(**WARNING)
    for _ in range(100):
        service.reconciler.soon()

    await eventually(lambda: story(service))
    fake.fire(**CRITICAL)
    service.reconciler.soon()

    await eventually(lambda: _length(service, 2))


async def _length(service: Service, wanted: int) -> bool:
    return len(await story(service)) == wanted


async def test_on_demand_a_failure_is_survived(service: Service, fake: FakeAlertmanager) -> None:
    fake.fire(**WARNING)
    fake.unreachable = True
    service.reconciler.soon()
    await eventually(fake.was_asked)
    fake.unreachable = False

    service.reconciler.soon()

    await eventually(lambda: story(service))


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/alerts", b"<html>"),
        ("/alerts", b'{"status": "success"}'),
        ("/alerts", b"[" * 100_000),
        ("/alerts", b'[{"labels": {}}]'),
        ("/silences", b"[1]"),
        ("/status", b"{}"),
    ],
    ids=str,
)
async def test_an_answer_that_is_none_is_no_answer(
    service: Service, fake: FakeAlertmanager, clock: Clock, path: str, body: bytes
) -> None:
    await notify(service, clock)
    fake.bodies[path] = body

    with pytest.raises(AlertmanagerError, match=f"GET {path}: the answer is not Alertmanager's"):
        await service.reconciler.reconcile()

    assert await story(service) == [("warning", None, None)]
