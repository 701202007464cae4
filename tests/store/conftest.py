from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.store.database import Database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A new database of each kind."""
    url = f"sqlite:///{tmp_path / 'ops.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")
    opened = Database(url)
    yield opened
    opened.close()
