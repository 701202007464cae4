from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import program
from tests.e2e.browser import Stand, chromium

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for the tests of one module: none of them may be asynchronous."""
    with chromium(program("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A designed product, its exporter and the action service."""
    with Stand(tmp_path_factory.mktemp("stand")) as running:
        yield running
