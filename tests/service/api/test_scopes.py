"""Which token may do what: every operation, with every scope."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.actions import ACTIONS
from exporter.service.api import description
from tests.service.api.calling import ALL, SCOPES, Place, calling, problem, token_of
from tests.service.frame import HERE, PASSWORD, USERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANY: Final = ""
# Each operation, and the scope that it needs.
TABLE: Final = {
    "GET /v1/self": ANY,
    "GET /v1/audit": "read",
    "GET /v1/audit/{number}": "read",
    "GET /v1/actions/generate-sparse-embeddings/progress": "read",
    **{f"GET /v1{action.route.path}": "read" for action in ACTIONS},
    **{f"POST /v1{action.route.path}": "act" for action in ACTIONS},
    "GET /v1/jobs": "read",
    "GET /v1/events": "read",
    "GET /v1/alerts": "read",
    "GET /v1/alerts/history": "read",
    "GET /v1/alerts/history/{number}": "read",
    "GET /v1/alerts/acknowledge": "read",
    "POST /v1/alerts/acknowledge": "alerts",
    "GET /v1/alerts/dismiss": "read",
    "POST /v1/alerts/dismiss": "alerts",
    "GET /v1/acknowledgements": "read",
    "GET /v1/acknowledgements/{number}": "read",
    "POST /v1/acknowledgements/{number}/withdraw": "alerts",
    "GET /v1/alerts/preferences": "read",
    "PUT /v1/alerts/preferences": "alerts",
}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


def described() -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in description()["paths"].items()
        for method, operation in methods.items()
    }


def test_the_table_has_every_operation_and_the_description_says_the_same() -> None:
    told = {name: "".join(one["security"][0]["token"]) for name, one in described().items()}

    assert told == TABLE


@pytest.mark.parametrize("scope", [*SCOPES, ALL])
async def test_a_token_may_do_what_its_scope_says(place: Place, scope: str) -> None:
    before = await place.service.fingerprint()
    refused: list[str] = []
    let_in: list[str] = []
    async with place.script(scope) as script:
        for name in TABLE:
            method, path = _filled(name)
            # Nothing of it is right, so nothing is done; who may not do it is told that first.
            answer = await script.client.request(
                method, path, json={} if method != "GET" else None, params={"no-such": "1"}
            )
            (refused if answer.status_code == 403 else let_in).append(name)
            if answer.status_code == 403:
                told = problem(answer, 403)
                assert f"needs the scope {TABLE[name]}; it has {scope}." in told.detail
                challenge = f'Bearer error="insufficient_scope", scope="{TABLE[name]}"'
                assert answer.headers["www-authenticate"] == challenge
            else:
                assert answer.status_code not in {401, 500}, (name, answer.text)

    allowed = [name for name, needed in TABLE.items() if scope == ALL or needed in {ANY, scope}]
    assert let_in == allowed
    assert set(refused) == set(TABLE) - set(allowed)
    assert await place.service.fingerprint() == before


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {token_of(ALL)}x",
        f"Bearer {token_of(ALL)[:-1]}",
        f"Token {token_of(ALL)}",
        token_of(ALL),
        "Basic " + base64.b64encode(f"ann:{PASSWORD}".encode()).decode(),
    ],
)
async def test_without_one_of_our_tokens_nobody_comes_further_than_the_door(
    place: Place, authorization: str
) -> None:
    assert "ann" in USERS
    before = await place.service.fingerprint()
    async with place.service.browser(HERE, authorization=authorization) as client:
        for name in (*TABLE, "GET /v1/openapi.json", "GET /v1/nothing", "DELETE /v1/self"):
            answer = await client.request(*_filled(name))
            problem(answer, 401)
            assert answer.headers["www-authenticate"] == "Bearer"

    assert await place.service.fingerprint() == before


async def test_a_session_is_worth_nothing_here(place: Place) -> None:
    async with place.service.signed_in("ann") as client:
        problem(await client.get("/api/v1/self"), 401)
        answer = await client.post(
            "/api/v1/actions/refresh", json={}, headers={"idempotency-key": "k"}
        )

    problem(answer, 401)
    assert place.outside.posts == []


async def test_a_script_learns_who_it_is(place: Place) -> None:
    async with place.script("alerts") as script:
        told = (await script.get("/self")).json()

    assert (told["name"], told["scopes"]) == ("alerts", ["alerts"])
    assert told["backends"] == ["default"]
    assert told["actions"] == [action.route.slug for action in ACTIONS]


async def test_a_token_whose_file_has_changed_is_the_new_one(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "token-read"
    async with place.script("read") as script:
        assert (await script.get("/self")).status_code == 200
        path.write_text(token_of("others"), "utf-8")
        place.service.runtime.identifier.tokens._looked_at_s = float("-inf")
        problem(await script.get("/self"), 401)


def _filled(name: str) -> tuple[str, str]:
    method, path = name.split()
    return method, "/api" + re.sub(r"{[^}]*}", "1", path)
