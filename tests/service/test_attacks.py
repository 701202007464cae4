"""Attacks on every route there is: a new one is attacked without a new line here."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest
from starlette.routing import Mount, Route

from exporter.catalogue.actions import API, INGEST, WEBHOOK
from tests.service.frame import HERE, form_of
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

    import httpx

    from tests.service.frame import Service
    from tests.service.upstreams import Outside

EVIL: Final = "https://evil.example"
SCRIPT: Final = "<script>alert(1)</script>"
# Each tries to leave the place that it stands in.
MARKUP: Final = f"""{SCRIPT}"'><img src=x onerror=alert(1)>{{{{7*7}}}}${{7*7}}"""
INJECTIONS: Final = (
    "' OR '1'='1",
    "'; DROP TABLE audit; --",
    '" OR ""="',
    "1 UNION SELECT hash FROM passwords",
    "%' ESCAPE '%",
    "\\",
    "%00",
    "\0",
)
# What a page, a person or a program may ask for with each path.
TEMPTING: Final = {
    "repo_url": "github.com/owner/name",
    "job_id": "1",
    "alertname": "OpsQueueBacklogHigh",
    "backend": "default",
    "confirm": "yes",
    "_method": "POST",
}
FOREIGN: Final = (
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": f"{HERE}.evil.example"},
    {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)
# Streams that end with the session: what they have begun with is enough.
PATIENCE_S: Final = 1.0
WEBHOOK_TOKEN: Final = "0123456789-what-only-a-test-may-tell"  # noqa: S105 - of a test
SCRIPT_TOKEN: Final = "0123456789-what-only-a-script-may-do"  # noqa: S105 - of a test


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[tuple[Service, Outside]]:
    """The service before a product, with alerts, jobs and an audit full of markup."""
    token = tmp_path / "script-token"
    token.write_text(SCRIPT_TOKEN, "utf-8")
    scopes = ["read", "act", "alerts", "metrics"]
    auth = {
        "operators": ["ann"],
        "tokens": [{"name": "script", "token_file": token, "scopes": scopes}],
    }
    async with acting(tmp_path, webhook_token=WEBHOOK_TOKEN, auth=auth) as (service, outside):
        yield service, outside


def routes(service: Service) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield path and methods of every route of the running application."""
    app: Any = service.app
    for route in app._app.routes:
        if isinstance(route, Mount):
            inner: Any = route.app
            while not hasattr(inner, "routes"):
                inner = inner._app
            yield from (
                (f"{route.path}{one.path}", frozenset(one.methods))
                for one in inner.routes
                if hasattr(one, "methods")
            )
        else:
            assert isinstance(route, Route)
            yield route.path, frozenset(route.methods or ("GET", "HEAD"))


def known(service: Service) -> dict[str, set[str]]:
    """Return the methods of each path, with something in place of each parameter."""
    found: dict[str, set[str]] = {}
    for path, methods in routes(service):
        found.setdefault(re.sub(r"{[^}]*}", "1", path), set()).update(methods)
    return found


def paths(service: Service, method: str) -> list[str]:
    """Return the paths that take *method*."""
    return sorted(path for path, methods in known(service).items() if method in methods)


async def answer(client: httpx.AsyncClient, method: str, path: str, **more: Any) -> Any:
    """Send a request; return the answer, or None of a stream that goes on."""
    with suppress(TimeoutError):
        async with asyncio.timeout(PATIENCE_S):
            return await client.request(method, path, **more)
    return None


async def told(service: Service, **alert: Any) -> httpx.Response:
    """Speak to the webhook as Alertmanager does."""
    whole = {
        "status": "firing",
        "labels": {"alertname": "OpsQueueBacklogHigh", "severity": "warning"},
        "annotations": {"summary": "Too many tasks wait."},
        "startsAt": "2027-01-15T08:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    body = {"version": "4", "status": "firing", "receiver": "ops", "alerts": [whole | alert]}
    headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
    async with service.browser() as client:
        return await client.post(WEBHOOK.path, json=body, headers=headers)


@pytest.mark.parametrize(
    "headers",
    [{}, {"sec-purpose": "prefetch;prerender"}, {"purpose": "prefetch"}, {"x-moz": "prefetch"}],
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
            found = await answer(client, method, path, params=TEMPTING, headers=headers)
            assert found is None or found.status_code < 500, (path, found.text)
        token = {"authorization": f"Bearer {SCRIPT_TOKEN}"}
        for path in paths(service, "GET"):
            await answer(client, method, path, params=TEMPTING, headers=headers | token)

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
                found = await answer(client, method, path)
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
            form = await form_or_none(client, path)
            found = await client.post(path, data=form | TEMPTING, headers=dict(headers))
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
        path = f"{INGEST.path}?repo_url=github.com/owner/name"
        form = {**await form_of(ann, path), "repo_url": "github.com/owner/name"}
        found = await admin.post(INGEST.path, data=form | {"backend": "default"})

    assert found.status_code == 403
    assert outside.posts == []


async def test_without_credentials_every_route_is_closed(here: tuple[Service, Outside]) -> None:
    service, outside = here
    open_ = {"/login", "/-/healthy", "/-/ready", "/static/1"}
    before = await service.fingerprint()
    async with service.browser() as stranger:
        for method in ("GET", "POST", "PUT", "DELETE"):
            for path in paths(service, method):
                if path in open_:
                    continue
                found = await answer(stranger, method, path)
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
    headers = {"authorization": value.encode(), "accept": "application/json"}
    async with service.browser() as stranger:
        for path in (*paths(service, "POST"), f"{API.path}/audit", "/metrics"):
            method = "POST" if path in paths(service, "POST") else "GET"
            found = await answer(stranger, method, path, headers=headers)
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
                form = await form_or_none(client, path)
                found = await client.post(path, data={**TEMPTING, **form})
                assert found.status_code == 403, path

    assert await service.fingerprint() == before
    assert outside.posts == []


async def test_markup_of_others_is_text_on_every_page(here: tuple[Service, Outside]) -> None:
    service, outside = here
    labels = {"alertname": "OpsQueueBacklogHigh", "severity": MARKUP, "module": MARKUP}
    link = "javascript:alert(1)"
    notes = dict.fromkeys(("summary", "description", "value", "threshold", MARKUP[:60]), MARKUP)
    notes |= {"runbook_url": link, "dashboard_url": f'{link}"onclick="alert(1)'}
    assert (await told(service, labels=labels, annotations=notes)).is_success
    job = outside.world.jobs.add(f"https://github.com/{MARKUP}", outside.world.now)
    outside.world.jobs.cancel(job, outside.world.now)
    async with service.signed_in() as client:
        seen = ""
        for path in paths(service, "GET"):
            for query in ({}, {"q": MARKUP, "severity": MARKUP, "action": MARKUP}, _asks(MARKUP)):
                found = await answer(client, "GET", path, params=query)
                if found is None or "text/html" not in found.headers.get("content-type", ""):
                    continue
                seen += found.text
                assert "<script>alert" not in found.text, path
                assert "<img src=x" not in found.text, path
                assert not re.search(r"""(href|src|action)=["']?\s*javascript:""", found.text), path

    # It was there, as the text that it is.
    assert MARKUP in unescape(seen)


@pytest.mark.parametrize("text", INJECTIONS, ids=repr)
async def test_sql_in_a_query_is_a_text_like_any_other(
    here: tuple[Service, Outside], text: str
) -> None:
    service, _ = here
    await told(service)
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in paths(service, "GET"):
            for headers in ({}, {"authorization": f"Bearer {SCRIPT_TOKEN}"}):
                found = await answer(client, "GET", path, params=_asks(text), headers=headers)
                assert found is None or found.status_code < 500, (path, found.text)

    assert await service.fingerprint() == before


@pytest.mark.parametrize(
    "path",
    [
        *("/static/..%2f..%2fsettings%2fservice.py", "/static/%2e%2e%2f%2e%2e%2fcli.py"),
        *("/static/....//cli.py", "/static/%2fetc%2fpasswd", "/static/actions.css%00.html"),
        *("/static//etc/passwd", "/audit/..%2f..%2fetc%2fpasswd", "/audit/%2e%2e", "/audit/-1"),
        *("/audit/99999999999999999999999999", "/audit/1e9", "/audit/NaN"),
    ],
)
async def test_no_path_leads_out_of_what_is_served(
    here: tuple[Service, Outside], path: str
) -> None:
    service, _ = here
    async with service.signed_in() as client:
        found = await client.get(path)

    assert found.status_code in {400, 404}
    assert "root:" not in found.text
    assert "from __future__" not in found.text


async def test_every_answer_has_the_headers_that_protect_it(here: tuple[Service, Outside]) -> None:
    service, _ = here
    async with service.signed_in() as client, service.browser() as stranger:
        for who in (client, stranger):
            for path in (*paths(service, "GET"), "/nowhere", "/static/actions.css"):
                found = await answer(who, "GET", path, headers={"origin": EVIL})
                if found is None:
                    continue
                policy = found.headers["content-security-policy"]
                assert "unsafe" not in policy
                assert "default-src 'none'" in policy
                assert "frame-ancestors 'none'" in policy
                assert found.headers["x-content-type-options"] == "nosniff"
                assert found.headers["referrer-policy"] in {"no-referrer", "same-origin"}
                cached = found.headers["cache-control"]
                assert cached == "no-store" or path.startswith("/static/")
                assert not any(name.startswith("access-control") for name in found.headers)
                html = "text/html" in found.headers.get("content-type", "")
                assert not (
                    html and re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style", found.text)
                )
                assert not (html and re.search(r'\sstyle="', found.text)), path


async def test_no_secret_is_in_any_answer(here: tuple[Service, Outside]) -> None:
    service, _ = here
    secrets = (WEBHOOK_TOKEN, SCRIPT_TOKEN, service.runtime.forms._key, "$2b$")
    async with service.signed_in() as client:
        for path in paths(service, "GET"):
            for headers in ({}, {"authorization": f"Bearer {SCRIPT_TOKEN}"}):
                found = await answer(client, "GET", path, headers=headers)
                for secret in secrets:
                    assert found is None or secret not in found.text, path
    kept = json.dumps(await service.fingerprint())
    assert WEBHOOK_TOKEN not in kept
    assert SCRIPT_TOKEN not in kept


def posted(service: Service) -> list[str]:
    """Return the paths of forms: those that machines send to have a test of their own."""
    machines = {WEBHOOK.path, "/-/reload"}
    return [
        path
        for path in paths(service, "POST")
        if path not in machines and not path.startswith(f"{API.path}/")
    ]


async def form_or_none(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """Return the token on a page, where there is one."""
    page = await client.get(path, params=TEMPTING)
    found = re.search(r'name="form_token" value="([^"]+)"', page.text)
    return {"form_token": found[1]} if found else {}


def _asks(text: str) -> dict[str, str]:
    names = ("q", "severity", "action", "before", "status", "backend", "fingerprint", "format")
    return dict.fromkeys((*names, "alertname", "job_id", "repo_url", "repository", "page"), text)
