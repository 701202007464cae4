"""Acknowledgements with a real Alertmanager."""

from __future__ import annotations

from tests.service.alerting import CRITICAL, MODULE, WARNING, Service, ended_by, eventually
from tests.service.alerts.real.harness import (
    Real,
    acknowledged,
    found,
    hidden,
    renewed_until,
    standing,
    told,
)


async def test_what_is_hidden_is_what_the_preview_says(service: Service, real: Real) -> None:
    others = [
        CRITICAL | {"module": "search"},
        WARNING | {"module": "search"},
        WARNING | {"alertname": "OpsModuleSlow"},
        WARNING | {"backend": "other"},
    ]
    mild = WARNING | {"severity": "info", "instance": 'odd "quotes" \\ and\nlines'}
    await real.tell(WARNING, mild, *others)
    await eventually(lambda: found(service, mild))

    preview = await service.keeper.preview("acknowledge", MODULE)
    await service.acknowledge()
    await eventually(lambda: hidden(service, WARNING))

    look = await service.client.look()
    silenced = {frozenset(alert.labels.items()) for alert in look.alerts if alert.silenced_by}
    assert silenced == {frozenset(alert.labels.items()) for alert in preview.alerts}
    assert silenced == {frozenset(labels.items()) for labels in (WARNING, mild)}
    assert len(await standing(service)) == 1


async def test_odd_values_of_labels_are_matched_as_they_are(service: Service, real: Real) -> None:
    odd = WARNING | {"module": 'a|b.* "{}" \\ \n é %00'}
    await real.tell(odd, WARNING | {"module": "a"})
    await eventually(lambda: found(service, odd))

    await service.acknowledge(**(MODULE | {"module": odd["module"]}))

    await eventually(lambda: hidden(service, odd))
    assert await told(service, WARNING | {"module": "a"})


async def test_the_silence_is_prolonged_under_its_id(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (first,) = (await service.client.look()).silences

    async def prolonged() -> bool:
        assert await hidden(service, WARNING)
        (silence,) = (await service.client.look()).silences
        assert silence.id == first.id
        return silence.end > first.end + 4

    await renewed_until(service, prolonged)
    (record,) = await service.keeper.active()
    assert record.silence_id == first.id
    assert await service.audited() != []


async def test_it_ends_with_the_alert_and_the_history_knows(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    await service.reconciler.reconcile()
    await real.tell(WARNING, ended=True)

    async def resolved() -> bool:
        return await ended_by(service) == ["resolved"]

    await renewed_until(service, resolved)
    assert await standing(service) == []

    async def closed() -> bool:
        await service.reconciler.reconcile()
        return [one.ended_by for one in await service.history()] == ["reconciled"]

    # Alertmanager does not tell of what ends while it is silenced.
    await eventually(closed, every_s=0.25)


async def test_what_gets_worse_is_told_and_ends_it(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    await real.tell(CRITICAL)
    await eventually(lambda: told(service, CRITICAL))

    await service.renew()

    assert await ended_by(service) == ["escalated"]
    assert await standing(service) == []
    await eventually(lambda: told(service, WARNING))


async def test_a_dismissal_ends_with_its_silence(service: Service, real: Real) -> None:
    await real.tell(WARNING)
    await eventually(lambda: found(service, WARNING))
    await service.dismiss()
    await eventually(lambda: hidden(service, WARNING))

    async def over() -> bool:
        return await ended_by(service) == ["silence"]

    await renewed_until(service, over)
    await eventually(lambda: told(service, WARNING))
