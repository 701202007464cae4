from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from exporter.api.client import ApiClient
from exporter.catalogue.endpoints import CACHE
from exporter.settings import Api

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from exporter.api.answer import Answer
    from exporter.catalogue.model import Endpoint
    from tests.api.backend import Backend

LIMIT = 100_000
# No test waits for it: it only ends one that would hang.
LONG_S = 30.0


class Ask(Protocol):
    """Asks a backend, with one client for all requests of a test to the same URL."""

    async def __call__(
        self,
        backend: Backend | str,
        endpoint: Endpoint = CACHE,
        *,
        deadline_s: float = LONG_S,
        token: str | None = None,
        token_file: Path | None = None,
        ca_file: Path | None = None,
    ) -> Answer: ...


@pytest.fixture
async def ask() -> AsyncIterator[Ask]:
    clients: dict[str, ApiClient] = {}

    async def once(
        backend: Backend | str,
        endpoint: Endpoint = CACHE,
        *,
        deadline_s: float = LONG_S,
        token: str | None = None,
        token_file: Path | None = None,
        ca_file: Path | None = None,
    ) -> Answer:
        url = backend if isinstance(backend, str) else backend.url
        settings = Api.model_validate(
            {"url": url, "token": token, "token_file": token_file, "ca_file": ca_file}
        )
        if url not in clients:
            clients[url] = ApiClient(settings, body_limit=LIMIT)
        return await clients[url].ask(endpoint, deadline_s=deadline_s)

    yield once
    for client in clients.values():
        await client.close()
