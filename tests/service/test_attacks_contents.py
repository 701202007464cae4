"""What others write and send stays what it is, on every route there is."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from tests.service.attacking import (
    EVIL,
    INJECTIONS,
    MARKUP,
    SCRIPT_TOKEN,
    WEBHOOK_TOKEN,
    asks,
    calls,
    filled,
    paths,
    posted,
    told,
)
from tests.service.frame import HERE

if TYPE_CHECKING:
    import httpx

    from tests.service.frame import Service
    from tests.service.upstreams import Outside

LINES = "x\r\nSet-Cookie: ops_session=evil\r\nX-Evil: 1\r\n\r\n<html>"
BODIES = (
    *(b"", b"{", b"null", b"[]", b"{}", b"\xff\xfe", b'"\\ud800"', b'{"a": NaN}'),
    *(b'{"backend": "default", "backend": "other"}', b"\xef\xbb\xbf{}", b"\0"),
    pytest.param(b"[" * 60_000, id="deep list"),
    pytest.param(b'{"a":' * 10_000 + b"1" + b"}" * 10_000, id="deep object"),
    pytest.param(b'{"backend": ' + b"9" * 10_000 + b"}", id="long number"),
    pytest.param(b'{"alerts": ' + b"9" * 10_000 + b"}", id="long number of alerts"),
    pytest.param(b'{"comment": "' + b"x" * 33 * 2**20 + b'"}', id="33 MiB"),
)


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
        for path in (*paths(service, "GET"), f"/{quote(MARKUP)}", f"/audit/{quote(MARKUP)}"):
            for query in ({}, {"q": MARKUP, "severity": MARKUP, "action": MARKUP}, asks(MARKUP)):
                found = await client.request("GET", path, params=query)
                if "text/html" not in found.headers.get("content-type", ""):
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
                found = await client.request("GET", path, params=asks(text), headers=headers)
                assert found.status_code < 500, (path, found.text)

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
                found = await who.request("GET", path, headers={"origin": EVIL})
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
                found = await client.request("GET", path, headers=headers)
                for secret in secrets:
                    assert secret not in found.text, path
    kept = json.dumps(await service.fingerprint())
    assert WEBHOOK_TOKEN not in kept
    assert SCRIPT_TOKEN not in kept


async def test_no_line_of_a_query_becomes_a_header(here: tuple[Service, Outside]) -> None:
    service, _ = here
    async with service.signed_in() as client, service.browser() as stranger:
        for who in (client, stranger):
            for path in paths(service, "GET"):
                found = await who.get(path, params={**asks(LINES), "next": f"/{LINES}"})
                assert "x-evil" not in found.headers, path
                for name, value in found.headers.raw:
                    assert not set(b"\r\n") & set(name + value), path
                assert "ops_session=evil" not in str(found.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    "there", [EVIL, "//evil.example", "/\\evil.example", "https:evil.example", "/\t/evil.example"]
)
async def test_no_route_leads_to_another_site(here: tuple[Service, Outside], there: str) -> None:
    service, _ = here
    names = ("next", "url", "return", "returnTo", "redirect", "rd", "continue", "from")
    query = {**asks(there), **dict.fromkeys(names, there)}
    async with service.signed_in() as client, service.browser() as stranger:
        for who in (client, stranger):
            for path in paths(service, "GET"):
                await stays(who, "GET", path, query)
            for path in posted(service):
                form = await filled(who, path)
                await stays(who, "POST", path, query, form | dict.fromkeys(names, there))


async def stays(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    query: dict[str, str],
    form: dict[str, str] | None = None,
) -> None:
    """See that an answer does not lead elsewhere."""
    found = await client.request(method, path, params=query, data=form)
    led = found.headers.get("location", "/")
    assert led.startswith("/"), (path, led)
    assert not led.startswith(("//", "/\\")), (path, led)
    assert found.next_request is None or str(found.next_request.url).startswith(f"{HERE}/")
    assert "refresh" not in found.headers


@pytest.mark.parametrize("name", ["host", "x-forwarded-host", "x-original-url", "x-rewrite-url"])
async def test_a_host_that_a_client_makes_up_is_in_no_answer(
    here: tuple[Service, Outside], name: str
) -> None:
    service, _ = here
    async with service.signed_in() as client, service.browser() as stranger:
        for who in (client, stranger):
            for path in paths(service, "GET"):
                found = await who.get(path, headers={name: "evil.example"})
                assert "evil.example" not in found.text + str(found.headers), path


async def test_a_form_that_is_too_large_is_not_read(here: tuple[Service, Outside]) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in posted(service):
            form = await filled(client, path)
            found = await client.post(path, data={**form, "comment": "x" * 65_536})
            assert found.status_code == 413, path

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize("more", ["&repo_url=evil.example/a", "&%", "&=&=", "&a=%ff", "&a=%00"])
async def test_a_form_that_can_be_read_in_two_ways_is_not_read(
    here: tuple[Service, Outside], more: str
) -> None:
    service, outside = here
    async with service.signed_in() as client:
        before = await service.fingerprint()
        for path in posted(service):
            body = urlencode(await filled(client, path)) + more
            kind = {"content-type": "application/x-www-form-urlencoded"}
            found = await client.post(path, content=body, headers=kind)
            assert found.status_code == 400, path

    assert await service.fingerprint() == before
    assert outside.posts == []


@pytest.mark.parametrize("body", BODIES)
async def test_any_json_is_taken_or_refused(here: tuple[Service, Outside], body: bytes) -> None:
    service, _ = here
    tokens = {True: WEBHOOK_TOKEN, False: SCRIPT_TOKEN}
    async with service.browser() as client:
        for method, path in calls(service):
            bearer = tokens[path.startswith("/webhooks")]
            headers = {
                "authorization": f"Bearer {bearer}",
                "content-type": "application/json",
                "idempotency-key": f"key-{path}",
                "if-match": '"0"',
            }
            found = await client.request(method, path, content=body, headers=headers)
            assert found.status_code < 500, (path, found.text)
            assert "Traceback" not in found.text
