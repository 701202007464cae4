"""Notifications as Alertmanager sends them, and the receiver that takes them."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from starlette.applications import Starlette
from starlette.routing import Route

from exporter.service.webhook import Webhook
from exporter.store import episodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.store.database import Database
    from exporter.store.episodes import Episode

NOW = 1_714_550_500.0


PATH = "/webhooks/alertmanager"


TOKEN = "a token that only this test knows"  # noqa: S105 - and nobody else


BEARER = {"authorization": f"Bearer {TOKEN}"}


def alert(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": f"Ops{number}", "severity": "warning", "backend": "default"},
        "annotations": {"summary": "Something is wrong."},
        "startsAt": "2024-05-01T10:00:00.123456789+02:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": f"{number:016x}",
        **changes,
    }


def notification(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": "{}:{}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "ops-warning",
        "groupLabels": {},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
        "alerts": list(alerts),
        **changes,
    }


class Site:
    """The receiver, and what it told of."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.token = TOKEN
        self.counted: Counter[str] = Counter()
        self.looks = 0
        self.changes = 0

    def _look(self) -> None:
        self.looks += 1

    def _change(self) -> None:
        self.changes += 1

    def _count(self, status: str) -> None:
        self.counted[status] += 1

    def _read_token(self) -> str:
        if self.token == "unreadable":  # noqa: S105 - a word of this test
            raise PermissionError
        return self.token

    @asynccontextmanager
    async def serve(self, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
        webhook = Webhook(
            self.database,
            token=self._read_token,
            soon=self._look,
            counted=self._count,
            changed=self._change,
            wall=lambda: NOW,
            **options,
        )
        app = Starlette(routes=[Route(PATH, webhook.receive, methods=["POST"])])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://ops",
            headers=BEARER,
        ) as client:
            yield client

    async def post(self, content: bytes | dict[str, Any], **options: Any) -> httpx.Response:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        async with self.serve() as client:
            return await client.post(PATH, content=body, **options)

    async def history(self) -> list[Episode]:
        return await self.database.read(episodes.search, limit=100_000)
