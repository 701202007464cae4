"""Acknowledgements survive a restart of either side."""

from __future__ import annotations

import time

import pytest

from exporter.service.alertmanager import AlertmanagerError
from tests.service.alerting import WARNING, Service, ended_by, eventually
from tests.service.alerts.real.harness import (
    QUICK,
    Real,
    acknowledged,
    found,
    hidden,
    renewed_until,
    standing,
)


async def test_alertmanager_may_restart(service: Service, real: Real) -> None:
    await acknowledged(service, real)
    (before,) = await standing(service)

    real.stop()
    with pytest.raises(AlertmanagerError, match="connection refused"):
        await service.renew()
    real.start()
    await real.tell(WARNING)
    await eventually(lambda: hidden(service, WARNING))
    await service.renew()

    assert await standing(service) == [before]
    assert await ended_by(service) == [None]


async def test_alertmanager_may_lose_all_that_it_had(service: Service, real: Real) -> None:
    await acknowledged(service, real)

    real.stop(lose_all=True)
    real.start()
    await real.tell(WARNING)
    await eventually(lambda: found(service, WARNING))
    assert await standing(service) == []
    await service.renew()

    await eventually(lambda: hidden(service, WARNING))
    (record,) = await service.keeper.active()
    assert [record.silence_id] == await standing(service)


async def test_we_may_restart(storage: str, service: Service, real: Real) -> None:
    await acknowledged(service, real)
    before = await standing(service)
    await service.renew()
    await service.leave()

    after = Service(storage, real.url, time.time, times=QUICK, instance="two")
    await after.renew()
    assert await standing(after) == before
    assert await hidden(after, WARNING)
    await real.tell(WARNING, ended=True)

    async def resolved() -> bool:
        return await ended_by(after) == ["resolved"]

    await renewed_until(after, resolved)
    assert await standing(after) == []
    await after.close()
