from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.service.alerting import Service
from tests.service.alerts.real.harness import QUICK, Real

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.conftest import Start


@pytest.fixture
def real(alertmanager: Path, tmp_path: Path, start: Start, free_port: Callable[[], int]) -> Real:
    return Real(alertmanager, tmp_path, start, free_port)


@pytest.fixture
async def service(storage: str, real: Real) -> AsyncIterator[Service]:
    service = Service(storage, real.url, time.time, times=QUICK)
    yield service
    await service.close()
