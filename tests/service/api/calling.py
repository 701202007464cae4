"""The action service before a product and an Alertmanager, and the scripts that call it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from exporter.service.api.problems import BY_STATUS, KINDS, MEDIA_TYPE, Problem
from tests.service.alerting import eventually
from tests.service.fake_alertmanager import Clock, FakeAlertmanager
from tests.service.frame import HERE, Wall
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from tests.service.frame import Service
    from tests.service.upstreams import Outside

ALERTMANAGER: Final = "http://alertmanager.test"
WEBHOOK_TOKEN: Final = "0123456789-what-only-a-test-may-tell"  # noqa: S105 - of a test
# Names of tokens: one for each scope, and one for all.
SCOPES: Final = ("read", "act", "alerts", "metrics")
ALL: Final = "all"
# Each job that looks at Alertmanager does so at the start, with three requests.
_FIRST_LOOKS: Final = 6


@dataclass
class Script:
    """
    Somebody's script, with a token.

    Attributes:
        client: Sends the token with each request.
    """

    client: httpx.AsyncClient
    _keys: Iterator[int] = field(default_factory=count)

    async def get(self, path: str, **query: Any) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", params=query or None)

    async def post(self, path: str, body: Any = None, key: str = "") -> httpx.Response:
        """Send *body*, with a key of its own if none is given."""
        headers = {"idempotency-key": key or f"key-{next(self._keys)}"}
        more: dict[str, Any] = {} if body is None else {"json": body}
        return await self.client.post(f"/api/v1{path}", headers=headers, **more)

    async def put(self, path: str, body: Any, version: str = "") -> httpx.Response:
        headers = {"if-match": version} if version else {}
        return await self.client.put(f"/api/v1{path}", json=body, headers=headers)


@dataclass
class Place:
    """The service, and what is around it."""

    service: Service
    outside: Outside
    alertmanager: FakeAlertmanager

    @asynccontextmanager
    async def script(self, name: str = ALL, **headers: str) -> AsyncIterator[Script]:
        """Open a client that has the token of that name."""
        wanted = {"accept": "*/*", "authorization": f"Bearer {token_of(name)}"} | headers
        async with self.service.browser(HERE, **wanted) as client:
            yield Script(client)

    async def notified(self, **alert: Any) -> None:
        """Speak to the webhook as Alertmanager does."""
        whole = {
            "status": "firing",
            "labels": {"alertname": "OpsModuleDown", "backend": "default", "severity": "warning"},
            "annotations": {"summary": "A module is down."},
            "startsAt": "2027-01-15T07:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "00000000000000aa",
        } | alert
        body = {"version": "4", "status": "firing", "receiver": "ops", "alerts": [whole]}
        headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
        async with self.service.browser(HERE) as client:
            answer = await client.post("/webhooks/alertmanager", json=body, headers=headers)
        assert answer.status_code == 200, answer.text


def token_of(name: str) -> str:
    """Return a token: long enough, and of no other name."""
    return f"0123456789-of-a-script-that-may-{name}"


@asynccontextmanager
async def calling(folder: Path, **settings: Any) -> AsyncIterator[Place]:
    """Start the service, with a token for each scope and one for all."""
    tokens = []
    for name, scopes in (*((each, [each]) for each in SCOPES), (ALL, [*SCOPES])):
        path = folder / f"token-{name}"
        path.write_text(token_of(name), "utf-8")
        tokens.append({"name": name, "token_file": path, "scopes": scopes})
    alertmanager = FakeAlertmanager(Clock(Wall().now), started_at=Wall().now - 86_400)
    given: dict[str, Any] = {
        "auth": {"operators": ["ann"], "tokens": tokens},
        "alertmanager": {"url": ALERTMANAGER},
        "webhook_token": WEBHOOK_TOKEN,
    }
    others: dict[str, httpx.AsyncBaseTransport] = {ALERTMANAGER: alertmanager.transport()}
    async with acting(folder, others=others, **{**given, **settings}) as (service, outside):

        async def looked() -> bool:
            return alertmanager.asked >= _FIRST_LOOKS

        # What a test lets fire is known to nobody but Alertmanager, until somebody says so.
        await eventually(looked)
        yield Place(service, outside, alertmanager)


def problem(answer: httpx.Response, status: int, slug: str = "") -> Problem:
    """Return the problem that an answer tells; fails if it is none, or another one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == MEDIA_TYPE
    told = Problem.model_validate_json(answer.content)
    assert told.status == status
    kinds = {kind.slug: kind for kind in KINDS}
    kind = kinds[slug] if slug else BY_STATUS[status]
    assert (told.type, told.title, status) == (kind.urn, kind.title, kind.status)
    assert told.detail
    return told
