"""What a real Alertmanager makes of what the client asks."""

from __future__ import annotations

import time

import pytest

from exporter.service.alertmanager import SilenceRefusedError
from tests.service.alerting import WARNING, Service, eventually
from tests.service.alerts.real.harness import Real, acknowledged, hidden, standing, told


async def test_an_id_that_alertmanager_changes_is_followed(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (silence,) = (await service.client.look()).silences
    # Somebody edits it in Alertmanager's own page, which makes another one of it.
    changed = await service.client.post_silence(
        matchers=[{"name": "alertname", "value": ".+", "isRegex": True, "isEqual": True}],
        starts_at=time.time() - 60,
        ends_at=time.time() + 600,
        created_by="joe",
        comment=silence.comment,
        silence_id=silence.id,
    )
    assert changed != silence.id

    await service.renew()

    (record,) = await service.keeper.active()
    assert await standing(service) == [record.silence_id]
    await real.tell(WARNING | {"alertname": "OpsOther"})
    await eventually(lambda: told(service, WARNING | {"alertname": "OpsOther"}))
    await eventually(lambda: hidden(service, WARNING))


async def test_an_expired_and_an_unknown_silence_are_no_error(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (silence_id,) = await standing(service)
    unknown = "01234567-89ab-cdef-0123-456789abcdef"

    for gone in (silence_id, silence_id, unknown):
        await service.client.expire(gone)
    assert await standing(service) == []
    matchers = [{"name": "a", "value": "b", "isRegex": False, "isEqual": True}]
    for gone in (silence_id, unknown):
        made = await service.client.post_silence(
            matchers=matchers,
            starts_at=time.time(),
            ends_at=time.time() + 60,
            created_by="jane",
            comment="c",
            silence_id=gone,
        )
        assert made in await standing(service)
        assert made != gone


async def test_what_alertmanager_refuses_is_told_in_its_words(service: Service, real: Real) -> None:
    assert real.url
    with pytest.raises(SilenceRefusedError, match="past"):
        await service.client.post_silence(
            matchers=[{"name": "a", "value": "b", "isRegex": False, "isEqual": True}],
            starts_at=time.time() - 60,
            ends_at=time.time() - 30,
            created_by="jane",
            comment="c",
        )
