"""Attacks on every route there is: a new one is attacked without a new line here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from exporter.catalogue.actions import API, CLEAR_CACHE, INGEST, REFRESH, WEBHOOK
from exporter.service.forms import TTL_S
from exporter.service.throttle import ACTIONS_MAX, ATTEMPTS_MAX
from tests.service.attacking import (
    FOREIGN,
    OPEN,
    SCRIPT_TOKEN,
    TEMPTING,
    WEBHOOK_TOKEN,
    filled,
    known,
    paths,
    posted,
    told,
)
from tests.service.frame import PASSWORD, form_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.service.frame import Service
    from tests.service.upstreams import Outside


@pytest.mark.parametrize(
    "headers",
    [
        *({}, {"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}),
        *({"x-moz": "prefetch"}, {"x-http-method-override": "POST"}),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_at_any_route_changes_nothing(
    here: tuple[Service, Outside], method: str, headers: dict[str, str]
) -> None:
    service, outside = here
    await told(service)
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in paths(service, "GET"):
            found = await client.request(method, path, params=TEMPTING, headers=headers)
            assert found.status_code < 500, (path, found.text)
        token = {"authorization": f"Bearer {SCRIPT_TOKEN}"}
        for path in paths(service, "GET"):
            await client.request(method, path, params=TEMPTING, headers=headers | token)

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_a_method_that_a_route_does_not_know_changes_nothing(
    here: tuple[Service, Outside],
) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path, methods in known(service).items():
            for method in {"POST", "PUT", "PATCH", "DELETE", "TRACE", "OPTIONS"} - methods:
                found = await client.request(method, path)
                assert found.status_code in {401, 404, 405}, (method, path)
                assert not any(name.startswith("access-control") for name in found.headers)

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_a_form_of_another_site_is_refused_everywhere(
    here: tuple[Service, Outside], headers: Mapping[str, str]
) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in posted(service):
            form = await filled(client, path)
            found = await client.post(path, data=form, headers=dict(headers))
            assert found.status_code == 403, path

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize("token", ["", "x", "W10.AAAA", "a" * 100_000, "é", "../../etc/passwd"])
async def test_a_form_without_a_token_of_ours_is_refused_everywhere(
    here: tuple[Service, Outside], token: str
) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in posted(service):
            found = await client.post(path, data={**TEMPTING, "form_token": token})
            assert found.status_code in {403, 413}, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_the_token_of_one_page_is_no_good_for_another(here: tuple[Service, Outside]) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        stolen = await form_of(client, "/logout")
        for path in posted(service):
            if path != "/logout":
                found = await client.post(path, data={**TEMPTING, **stolen})
                assert found.status_code == 403, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_the_token_of_one_user_is_no_good_for_another(here: tuple[Service, Outside]) -> None:
    service, outside = here
    async with service.signed_in() as ann, service.signed_in("admin") as admin:
        before = await service.fingerprint()
        for path in posted(service):
            found = await admin.post(path, data=await filled(ann, path))
            assert found.status_code == 403, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_a_form_that_is_too_old_acts_nowhere(here: tuple[Service, Outside]) -> None:
    service, outside = here
    async with service.signed_in() as client:
        forms = {path: await filled(client, path) for path in posted(service)}
        before = await service.fingerprint()
        service.wall.now += TTL_S
        for path, form in forms.items():
            found = await client.post(path, data=form)
            assert found.status_code == (409 if "form_token" in form else 403), path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_a_form_that_is_sent_twice_acts_once(here: tuple[Service, Outside]) -> None:
    service, outside = here
    taken = set()
    for path in posted(service):
        async with service.signed_in() as client:
            form = await filled(client, path)
            first = await client.post(path, data=form)
            before, posts = await settled(service), list(outside.posts)
            await client.post(path, data=form)
            assert await service.fingerprint() == before, path
            assert outside.posts == posts, path
        # What the other tests see refused is taken when nothing is wrong with it.
        if first.status_code == 303:
            taken.add(path)

    assert len(outside.posts) == len(set(outside.posts)) >= 3
    assert taken >= {INGEST.path, REFRESH.path, CLEAR_CACHE.path, "/logout"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "multipart/form-data; boundary=x", "", "text/x"]
)
async def test_what_a_form_of_ours_would_not_send_is_not_read(
    here: tuple[Service, Outside], kind: str
) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in posted(service):
            body = urlencode(await filled(client, path))
            found = await client.post(path, content=body, headers={"content-type": kind})
            assert found.status_code == 415, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_without_credentials_every_route_is_closed(here: tuple[Service, Outside]) -> None:
    service, outside = here
    before = await service.fingerprint()
    async with service.browser() as stranger:
        for method in ("GET", "POST", "PUT", "DELETE"):
            for path in paths(service, method):
                if path in OPEN:
                    continue
                found = await stranger.request(method, path)
                closed = found.status_code in {401, 403, 503}
                led = found.status_code == 303 and found.headers["location"].startswith("/login?")
                assert closed or led, (method, path, found.status_code)

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer wrong", "Basic YW5uOndyb25n", "Basic %", "Digest x", "é"]
)
async def test_wrong_credentials_open_nothing(here: tuple[Service, Outside], value: str) -> None:
    service, outside = here
    headers = {b"authorization": value.encode(), b"accept": b"application/json"}
    async with service.browser() as stranger:
        for path in (*paths(service, "POST"), f"{API.path}/audit", "/metrics"):
            method = "POST" if path in paths(service, "POST") else "GET"
            found = await stranger.request(method, path, headers=headers)
            # A form is looked at before it is asked who sends it, where that is what it is for.
            allowed = {415} if path == "/login" else {401, 403, 404, 503}
            assert found.status_code in allowed, path

    assert outside.posts == []


async def test_who_may_only_look_acts_nowhere(here: tuple[Service, Outside]) -> None:
    service, outside = here
    own = {"/logout", "/login", "/password"}
    async with service.signed_in("vic") as client:
        before = await service.fingerprint()
        for path in posted(service):
            if path not in own:
                form = await filled(client, path)
                found = await client.post(path, data=form)
                assert found.status_code == 403, path

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize("secret", [WEBHOOK_TOKEN, "reader", "admin"])
async def test_what_opens_one_door_opens_no_other(
    here: tuple[Service, Outside], secret: str
) -> None:
    service, outside = here
    headers = {"authorization": f"Bearer {secret}", "accept": "application/json"}
    async with service.browser() as stranger:
        before = await service.fingerprint()
        for path, methods in known(service).items():
            for method in methods:
                own = path == WEBHOOK.path and secret == WEBHOOK_TOKEN
                if not own and path not in OPEN:
                    found = await stranger.request(method, path, headers=headers)
                    assert found.status_code == 401, (method, path)
        headers["authorization"] = f"Bearer {SCRIPT_TOKEN}"
        for path in (*posted(service), WEBHOOK.path):
            found = await stranger.post(path, headers=headers, data=TEMPTING)
            assert found.status_code in {401, 403}, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_no_secret_is_taken_from_an_address(here: tuple[Service, Outside]) -> None:
    service, outside = here
    names = ("token", "access_token", "api_key", "authorization", "form_token", "ops_session")
    async with service.browser(accept="application/json") as stranger:
        for path, methods in known(service).items():
            for method in methods - {"HEAD"}:
                if path in OPEN:
                    continue
                for secret in (SCRIPT_TOKEN, WEBHOOK_TOKEN):
                    query = dict.fromkeys(names, secret)
                    found = await stranger.request(method, path, params=query)
                    assert found.status_code == 401, (method, path)

    assert outside.posts == []


async def test_nobody_clicks_faster_than_a_person(here: tuple[Service, Outside]) -> None:
    service, _ = here
    async with service.signed_in() as ann, service.signed_in("admin") as admin:
        allowed = [await ann.post(REFRESH.path, data=TEMPTING) for _ in range(ACTIONS_MAX)]
        refused = [await ann.post(path, data=TEMPTING) for path in posted(service)]
        other = await admin.post(REFRESH.path, data=TEMPTING)

    assert {answer.status_code for answer in (*allowed, other)} == {403}
    for answer in refused:
        if answer.url.path != "/login":
            assert answer.status_code == 429
            assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_who_guesses_passwords_of_scripts_is_kept_out_too(
    here: tuple[Service, Outside],
) -> None:
    service, _ = here
    async with service.browser(accept="*/*") as stranger:
        for path, method in (("/metrics", "GET"), ("/-/reload", "POST")):
            for number in range(ATTEMPTS_MAX):
                wrong = await stranger.request(method, path, auth=(path, f"guess {number}"))
                assert wrong.status_code in {401, 429}
            refused = await stranger.request(method, path, auth=("ann", PASSWORD))
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 300


async def settled(service: Service) -> dict[str, list[Any]]:
    """Return all that is in the database, when nothing runs in the background any more."""
    async with asyncio.timeout(30.0):
        while True:
            found = await service.fingerprint()
            if "'started'" not in str(found["audit"]):
                return found
            await asyncio.sleep(0.01)
