from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.store.database import Database
from tests.service.alerting import Service, served
from tests.service.fake_alertmanager import Clock, FakeAlertmanager
from tests.service.receiving import Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeAlertmanager:
    """An Alertmanager that has no alert."""
    return FakeAlertmanager(clock)


@pytest.fixture
def storage(tmp_path: Path) -> str:
    """The URL of a database in a file."""
    return f"sqlite:///{tmp_path / 'ops.sqlite'}"


@pytest.fixture
async def service(storage: str, fake: FakeAlertmanager) -> AsyncIterator[Service]:
    service = served(storage, fake)
    yield service
    await service.close()


@pytest.fixture
def site(storage: str) -> Iterator[Site]:
    database = Database(storage)
    yield Site(database)
    database.close()
