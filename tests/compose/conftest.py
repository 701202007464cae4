from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.compose.engine import Engine
from tests.compose.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """All of docker-compose.yml but Grafana, healthy."""
    if os.geteuid() != 0:
        pytest.fail("make test-compose starts a Docker engine: run it as root", pytrace=False)
    with Engine() as engine, Stack(engine) as running:
        yield running
