"""What goes wrong is a problem that a program can read, whatever it was."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.service import bodies
from exporter.service.api.problems import KINDS
from exporter.store.schema import METADATA
from tests.service.api.calling import Place, calling, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx
    from sqlalchemy import Connection

INGEST: Final = "/api/v1/actions/ingest"
PREFERENCES: Final = "/api/v1/alerts/preferences"
JSON: Final = {"content-type": "application/json"}
GOOD: Final = b'{"repo_url": "github.com/owner/name"}'


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/", 404),
        ("GET", "/api/v1", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/self/", 404),
        ("GET", "/api/v2/self", 404),
        ("GET", "/api/v1/%2e%2e/self", 404),
        ("GET", "/api/v1/audit/1", 404),
        ("GET", "/api/v1/alerts/history/1", 404),
        ("GET", "/api/v1/acknowledgements/1", 404),
        ("GET", "/api/v1/audit/0", 422),
        ("GET", "/api/v1/audit/one", 422),
        ("GET", "/api/v1/audit/99999999999999999999", 422),
        ("GET", "/api/v1/audit?before=0", 422),
        ("GET", "/api/v1/audit?limit=201", 422),
        ("GET", "/api/v1/audit?limit=1&limit=2", 200),
        ("GET", "/api/v1/audit?page=2", 422),
        ("GET", "/api/v1/alerts/history?before=7", 404),
        ("GET", "/api/v1/jobs?status=lost", 422),
        ("GET", "/api/v1/actions/ingest", 422),
        ("GET", "/api/v1/actions/fly", 404),
        ("DELETE", "/api/v1/self", 405),
        ("HEAD", "/api/v1/self", 405),
        ("OPTIONS", "/api/v1/actions/ingest", 405),
        ("TRACE", "/api/v1/self", 405),
        ("PATCH", "/api/v1/alerts/preferences", 405),
        ("POST", "/api/v1/self", 405),
    ],
)
async def test_an_address_or_a_method_that_is_not_right(
    place: Place, method: str, path: str, status: int
) -> None:
    async with place.script() as script:
        answer = await script.client.request(method, path)

    if status == 200:
        assert answer.status_code == 200
    elif method == "HEAD":
        assert answer.status_code == status
    else:
        problem(answer, status)
    if status == 405:
        assert answer.headers["allow"]


async def test_the_methods_of_an_address_are_all_told(place: Place) -> None:
    async with place.script() as script:
        for path, allowed in ((INGEST, "GET, POST"), (PREFERENCES, "GET, PUT")):
            answer = await script.client.delete(path)
            assert answer.headers["allow"] == allowed
            told = problem(answer, 405)
            assert told.detail == f"DELETE is not allowed here; {allowed} is."


@pytest.mark.parametrize(
    ("body", "headers", "status", "slug"),
    [
        (GOOD, {"content-type": "text/plain"}, 415, "not-json"),
        (GOOD, {"content-type": "application/x-www-form-urlencoded"}, 415, "not-json"),
        (GOOD, {}, 415, "not-json"),
        (GOOD, {**JSON, "content-encoding": "gzip"}, 415, "not-json"),
        (b"", JSON, 422, "invalid"),
        (b"{", JSON, 400, "malformed"),
        (b"\xff", JSON, 400, "malformed"),
        (b"[" * 60_000, JSON, 400, "malformed"),
        (b"9" * 60_000, JSON, 400, "malformed"),
        (b"[]", JSON, 422, "invalid"),
        (b"null", JSON, 422, "invalid"),
        (b"{}", JSON, 422, "invalid"),
        (b'{"repo_url": null}', JSON, 422, "invalid"),
        (b'{"repo_url": 7}', JSON, 422, "invalid"),
        (b'{"repo_url": ""}', JSON, 422, "invalid"),
        (b'{"repo_url": "\\ud800"}', JSON, 422, "invalid"),
        (b'{"repo_url": "github.com/a/b", "more": 1}', JSON, 422, "invalid"),
        (b'{"repo_url": "github.com/a/b", "backend": {}}', JSON, 422, "invalid"),
        (b'{"repo_url": "' + b"a" * 300 + b'"}', JSON, 422, "invalid"),
        (b'{"repo_url": "' + b"a" * 70_000 + b'"}', JSON, 413, "too-large"),
        (json.dumps({str(i): i for i in range(3000)}).encode(), JSON, 422, "invalid"),
        (json.dumps({"\ud800": 1}).encode(), JSON, 422, "invalid"),
    ],
)
async def test_a_body_that_is_not_right(
    place: Place, body: bytes, headers: dict[str, str], status: int, slug: str
) -> None:
    before = await place.service.fingerprint()
    async with place.script() as script:
        sent = {**headers, "idempotency-key": "k"}
        answer = await script.client.post(INGEST, content=body, headers=sent)

    told = problem(answer, status, slug)
    assert len(answer.content) < 10_000
    assert len(told.errors) <= 50
    assert place.outside.posts == []
    assert await place.service.fingerprint() == before


async def test_a_body_without_end_is_cut_off(place: Place) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 8192

    async with place.script() as script:
        answer = await script.client.post(
            INGEST, content=endless(), headers={**JSON, "idempotency-key": "k"}
        )

    problem(answer, 413)
    assert sent < 20


async def test_a_body_that_does_not_come_is_not_waited_for(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies.read_body, "__defaults__", (0.05,))

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(3600)

    async with place.script() as script:
        answer = await script.client.post(
            INGEST, content=slow(), headers={**JSON, "idempotency-key": "k"}
        )

    problem(answer, 408)


@pytest.mark.parametrize(
    ("key", "status", "slug"),
    [
        (None, 400, "malformed"),
        ("", 422, "invalid"),
        ("two words", 422, "invalid"),
        ("k" * 201, 422, "invalid"),
    ],
)
async def test_a_post_without_a_usable_key_is_refused(
    place: Place, key: str | None, status: int, slug: str
) -> None:
    headers = {} if key is None else {"idempotency-key": key}
    async with place.script() as script:
        for path, body in (
            ("/actions/ingest", {"repo_url": "github.com/owner/name"}),
            ("/alerts/acknowledge", {"alertname": "A", "labels": {"a": "b"}}),
            ("/acknowledgements/1/withdraw", None),
        ):
            answer = await script.client.post(f"/api/v1{path}", json=body, headers=headers)
            assert "Idempotency-Key" in problem(answer, status, slug).detail

    assert place.outside.posts == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_another_sites_page_cannot_act_even_with_a_token(
    place: Place, headers: dict[str, str]
) -> None:
    async with place.script(**headers) as script:
        answer = await script.post("/actions/ingest", {"repo_url": "github.com/owner/name"})

    assert "nothing was done" in problem(answer, 403).detail
    assert place.outside.posts == []


async def test_no_answer_may_be_read_by_another_site(place: Place) -> None:
    async with place.script(origin="https://evil.example") as script:
        answers = [
            await script.get("/self"),
            await script.get("/nothing"),
            await script.post("/actions/refresh", {}),
            await script.client.options(
                INGEST,
                headers={
                    "access-control-request-method": "POST",
                    "access-control-request-headers": "authorization",
                },
            ),
        ]

    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_a_database_that_does_not_answer_is_said_so(place: Place) -> None:
    await place.service.runtime.database.write(_lose_everything)

    async with place.script() as script:
        answers: list[httpx.Response] = [
            await script.get("/audit"),
            await script.get("/alerts"),
            await script.get("/alerts/preferences"),
            await script.post("/actions/ingest", {"repo_url": "github.com/owner/name"}),
            await script.post("/acknowledgements/1/withdraw"),
        ]

    for answer in answers:
        problem(answer, 503)
        assert answer.headers["retry-after"] == "5"
    assert place.outside.posts == []


def _lose_everything(connection: Connection) -> None:
    # All but what the service needs to end.
    tables = [table for table in METADATA.sorted_tables if table.name != "leases"]
    METADATA.drop_all(connection, tables=tables)


async def test_our_own_mistake_tells_nothing_of_itself(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> Any:
        message = "a secret of ours"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(place.service.runtime.performer, "records", broken)
    async with place.script() as script:
        answer = await script.get("/audit")

    problem(answer, 500)
    assert "secret" not in answer.text


def test_each_kind_of_problem_is_one() -> None:
    assert len({kind.slug for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        assert kind.means.endswith("."), kind.slug
        assert not kind.title.endswith("."), kind.slug
