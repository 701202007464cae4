"""Signing in and out, and who is let in by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from exporter.service.login import safe_next
from exporter.service.sessions import LIFETIME_S
from exporter.store.sessions import EACH_MAX
from tests.service.frame import HERE, PASSWORD, USERS, form_of, serving, sign_in

if TYPE_CHECKING:
    from pathlib import Path

    import httpx


def cookies(answer: httpx.Response) -> dict[str, str]:
    """Return what is set, each by its name with everything behind the value."""
    lines = answer.headers.get_list("set-cookie")
    return {line.partition("=")[0]: line.partition(";")[2].strip() for line in lines}


async def test_a_stranger_is_led_to_the_form_and_back_to_where_the_link_led(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        there = await client.get("/?alertname=OpsSystemDown&x=%2F%26")
        assert there.status_code == 303
        assert (
            there.headers["location"]
            == "/login?next=%2F%3Falertname%3DOpsSystemDown%26x%3D%252F%2526"
        )

        page = await client.get(there.headers["location"])
        assert 'autocomplete="current-password"' in page.text
        answer = await sign_in(client, next="/?alertname=OpsSystemDown&x=%2F%26")
        assert answer.status_code == 303
        assert answer.headers["location"] == "/?alertname=OpsSystemDown&x=%2F%26"
        assert "signed in as <strong>ann</strong>" in (await client.get("/")).text


async def test_a_script_is_told_in_plain_text(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.browser(accept="*/*") as client:
        answer = await client.get("/")

    assert (answer.status_code, answer.text) == (401, "Sign in first.\n")


@pytest.mark.parametrize(
    ("base_url", "url", "prefix", "path", "secure"),
    [
        (HERE, HERE, "", "/", False),
        ("https://ops.example", "https://ops.example", "__Host-", "/", True),
        (HERE, "https://ops.example/ops-actions", "__Secure-", "/ops-actions", True),
        (HERE, "http://127.0.0.1:9848/ops-actions", "", "/ops-actions", False),
    ],
)
async def test_the_cookies_are_for_us_alone(
    tmp_path: Path, base_url: str, url: str, prefix: str, path: str, *, secure: bool
) -> None:
    async with (
        serving(tmp_path, actions={"url": url}) as service,
        service.browser(base_url) as client,
    ):
        page = await client.get("/login")
        token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        held = page.headers["set-cookie"].partition(";")[0]
        answer = await client.post(
            "/login",
            data={"form_token": token, "user": "ann", "password": PASSWORD},
            headers={"cookie": held},
        )

    assert answer.status_code == 303
    flags = "; Secure" if secure else ""
    set_ = cookies(answer)
    assert set_[f"{prefix}ops_session"] == (
        f"HttpOnly; Max-Age={LIFETIME_S}; Path={path}; SameSite=lax{flags}"
    )
    assert set_[f"{prefix}ops_session_act"] == (
        f"HttpOnly; Max-Age={LIFETIME_S}; Path={path}; SameSite=strict{flags}"
    )
    assert cookies(page)[f"{prefix}ops_presession"].endswith(f"SameSite=strict{flags}")


async def test_what_the_browser_holds_is_not_in_the_database(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        kept = str(await service.fingerprint())
        values = list(client.cookies.jar)

    assert len(values) >= 2
    assert all(str(cookie.value) not in kept for cookie in values if cookie.value)


async def test_the_first_cookie_shows_and_only_the_second_one_acts(tmp_path: Path) -> None:
    """A link from Grafana brings the first alone, for it is from another site."""
    async with serving(tmp_path) as service, service.signed_in() as client:
        client.cookies.delete("ops_session_act")
        assert (await client.get("/")).status_code == 200
        form = await form_of(client, "/logout")
        refused = await client.post("/logout", data=form)
        assert refused.status_code == 403
        assert "another site" in refused.text
        assert (await client.get("/")).status_code == 200


async def test_the_second_cookie_of_somebody_else_does_not_act(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as service,
        service.signed_in() as client,
        service.signed_in("vic") as other,
    ):
        client.cookies.set("ops_session_act", other.cookies["ops_session_act"], domain="127.0.0.1")
        held = {c.name: c.value for c in client.cookies.jar}
        answer = await client.post(
            "/logout",
            data=await form_of(client, "/logout"),
            headers={
                "cookie": f"ops_session={held['ops_session']};"
                f" ops_session_act={other.cookies['ops_session_act']}"
            },
        )

    assert answer.status_code == 403


async def test_a_session_ends_after_twelve_hours_however_often_it_is_used(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        for hour in range(1, 12):
            service.wall.now += 3600
            assert (await client.get("/")).status_code == 200, hour
        service.wall.now += 3599
        assert (await client.get("/")).status_code == 200
        service.wall.now += 1
        assert (await client.get("/")).status_code == 303


async def test_signing_out_ends_the_session_for_whoever_has_copied_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        copied = {c.name: str(c.value) for c in client.cookies.jar}
        answer = await client.post("/logout", data=await form_of(client, "/logout"))
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert client.cookies.get("ops_session") is None
        line = "; ".join(f"{name}={value}" for name, value in copied.items())
        assert (await client.get("/", headers={"cookie": line})).status_code == 303


async def test_signing_in_again_ends_the_session_before(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        before = (await service.fingerprint())["sessions"]
        form = {"user": "vic", "password": PASSWORD, "next": "/"}
        async with service.browser() as other:
            token = await form_of(other, "/login")
            line = "; ".join(
                f"{c.name}={c.value}" for c in (*client.cookies.jar, *other.cookies.jar)
            )
            await other.post("/login", data=form | token, headers={"cookie": line})
        after = (await service.fingerprint())["sessions"]

    assert len(before) == len(after) == 1
    assert before != after


async def test_one_user_does_not_fill_the_database_with_sessions(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        for _ in range(EACH_MAX + 3):
            service.wall.now += 1
            async with service.signed_in():
                pass
        assert len((await service.fingerprint())["sessions"]) == EACH_MAX


async def test_a_name_that_the_configuration_does_not_call_an_operator_may_only_look(
    tmp_path: Path,
) -> None:
    named = {"operators": ["ann"]}
    async with (
        serving(tmp_path, auth=named) as service,
        service.signed_in("admin") as admin,
        service.signed_in("ann") as ann,
    ):
        pages = [(await client.get("/actions/refresh")).text for client in (admin, ann)]
        sent = await admin.post("/actions/refresh", data=await form_of(ann, "/actions/refresh"))

    assert ["form_token" in page for page in pages] == [False, True]
    assert sent.status_code == 403


async def test_a_session_ends_with_its_users_password(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as service,
        service.signed_in("ann") as ann,
        service.signed_in("vic") as vic,
        service.signed_in("admin") as admin,
    ):
        await service.runtime.reload({"ann": USERS["vic"], "admin": USERS["admin"]})
        statuses = [(await client.get("/")).status_code for client in (ann, vic, admin)]

    assert statuses == [303, 303, 200]


@pytest.mark.parametrize(
    ("name", "password"), [("ann", "wrong"), ("nobody", PASSWORD), ("", ""), ("ann", "")]
)
async def test_a_wrong_name_and_a_wrong_password_look_the_same(
    tmp_path: Path, name: str, password: str
) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        answer = await sign_in(client, name, password)

    assert answer.status_code == 403
    assert "User name or password is wrong." in answer.text
    assert "ops_session" not in cookies(answer)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}],
)
async def test_another_site_can_sign_nobody_in(tmp_path: Path, headers: dict[str, str]) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        form = await form_of(client, "/login")
        answer = await client.post(
            "/login", data={**form, "user": "ann", "password": PASSWORD}, headers=headers
        )

    assert answer.status_code == 403
    assert answer.headers.get_list("set-cookie") == []


async def test_a_form_of_another_browser_signs_nobody_in(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as service,
        service.browser() as attacker,
        service.browser() as victim,
    ):
        stolen = await form_of(attacker, "/login")
        await victim.get("/login")
        answer = await victim.post("/login", data={**stolen, "user": "ann", "password": PASSWORD})
        assert answer.status_code == 409
        assert "ops_session" not in cookies(answer)
        async with service.browser() as without:
            refused = await without.post(
                "/login", data={**stolen, "user": "ann", "password": PASSWORD}
            )
    assert refused.status_code == 403
    assert "Allow cookies" in refused.text


async def test_a_form_that_is_too_old_is_shown_anew(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        form = await form_of(client, "/login")
        service.wall.now += 900
        answer = await client.post("/login", data={**form, "user": "ann", "password": PASSWORD})
        assert answer.status_code == 409
        assert "open for too long" in answer.text
        assert 'value="ann"' in answer.text
        assert PASSWORD not in answer.text
        assert (await sign_in(client)).status_code == 303


async def test_ten_wrong_passwords_keep_the_user_out_from_elsewhere_for_a_while(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as service:
        known = service.browser(peer="192.0.2.1")
        async with known as at_home:
            assert (await sign_in(at_home)).status_code == 303
        statuses = []
        for number in range(12):
            async with service.browser(peer=f"198.51.100.{number}") as client:
                statuses.append((await sign_in(client, "ann", f"wrong {number}")).status_code)
        assert statuses == [403] * 10 + [429] * 2
        async with service.browser(peer="203.0.113.9") as client:
            answer = await sign_in(client)
            assert answer.status_code == 429
            assert 0 < int(answer.headers["retry-after"]) <= 300
        async with service.browser(peer="192.0.2.1") as at_home:
            assert (await sign_in(at_home)).status_code == 303, "where the user is known"


async def test_ten_wrong_passwords_keep_the_address_out_whoever_it_says_to_be(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as service:
        async with service.browser(peer="198.51.100.7") as client:
            answers = [await sign_in(client, f"user{n}", "wrong") for n in range(11)]
            assert [answer.status_code for answer in answers] == [403] * 10 + [429]
            assert (await sign_in(client, "vic")).status_code == 429
        async with service.browser(peer="198.51.100.8") as client:
            assert (await sign_in(client, "vic")).status_code == 303


async def test_many_guesses_at_the_same_time_are_counted_before_they_are_checked(
    tmp_path: Path,
) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        form = await form_of(client, "/login")
        answers = await asyncio.gather(
            *(
                client.post("/login", data={**form, "user": "ann", "password": f"guess {n}"})
                for n in range(40)
            )
        )

    statuses = [answer.status_code for answer in answers]
    assert sorted(statuses) == [403] * 10 + [429] * 30


async def test_whoever_is_signed_in_is_not_asked_again(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        answer = await client.get("/login?next=/alerts")

    assert (answer.status_code, answer.headers["location"]) == (303, "/alerts")


@pytest.mark.parametrize(
    "path",
    ["/", "/alerts", "/actions/ingest?repo_url=https://github.com/a/b", "/a?x=//y&z=%2F..%2F"],
)
def test_a_path_of_ours_is_gone_back_to(path: str) -> None:
    assert safe_next(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "\\/evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " /x",
        "javascript:alert(1)",
        "evil.example",
        "/../grafana",
        "/a/..//evil.example",
        "/%2e%2e/x/..%2f../y",
        "/x%2f..%2fy",
        "/login",
        "/logout?x",
        "/ü",
        "/x" * 2000,
    ],
)
def test_no_link_leads_anywhere_else_by_way_of_the_form(path: str) -> None:
    assert safe_next(path) == "/"


async def test_an_address_of_another_site_is_not_even_on_the_page(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.browser() as client:
        page = await client.get("/login?next=https://evil.example/%22%3E%3Cscript%3E")
        answer = await sign_in(client, next="//evil.example")

    assert "evil" not in page.text
    assert answer.headers["location"] == "/"


async def test_a_page_tells_all_methods_that_it_takes(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        for path, allowed in (("/actions/ingest", "GET, HEAD, POST"), ("/jobs", "GET, HEAD")):
            answer = await client.delete(path)
            assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
