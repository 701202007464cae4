"""What the tests of the action service share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.service.attacking import SCRIPT_TOKEN, WEBHOOK_TOKEN, Cut
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.service.frame import Service
    from tests.service.upstreams import Outside


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[Service, Outside]]:
    """The service before a product, with alerts, jobs and an audit full of markup."""
    token = tmp_path / "script-token"
    token.write_text(SCRIPT_TOKEN, "utf-8")
    scopes = ["read", "act", "alerts", "metrics"]
    auth = {
        "operators": ["ann", "admin"],
        "tokens": [{"name": "script", "token_file": token, "scopes": scopes}],
    }
    async with acting(tmp_path, webhook_token=WEBHOOK_TOKEN, auth=auth) as (service, outside):
        service.app = Cut(service.app)
        yield service, outside
