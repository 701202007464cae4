"""Who is behind a reverse proxy, and who only says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.service.frame import serving

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.frame import Service

URL = "https://ops.example.org/ops-actions"
PROXY = "10.1.2.3"
OURS = "https://ops.example.org"


def behind(folder: Path, **more: Any) -> Any:
    auth = {"operators": ["ann"], "proxy": {"networks": ["10.1.0.0/16"], **more}}
    return serving(folder, users={}, auth=auth, actions={"url": URL})


async def page(service: Service, peer: str = PROXY, **headers: str) -> Any:
    sent = [(name.replace("_", "-"), value) for name, value in headers.items()]
    async with service.browser(OURS, peer=peer) as client:
        return await client.get("/ops-actions/", headers=sent)


async def test_the_user_whom_the_proxy_names_is_let_in_without_a_password(tmp_path: Path) -> None:
    async with behind(tmp_path) as service:
        found = await page(service, X_Forwarded_User="ann")

    assert found.status_code == 200
    assert ">ann<" in found.text.replace("\n", "")


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.2.0.1", "192.0.2.1", "::1", "testclient"])
async def test_the_same_header_of_a_stranger_is_worth_nothing(tmp_path: Path, peer: str) -> None:
    async with behind(tmp_path) as service:
        found = await page(service, peer, X_Forwarded_User="ann")

    assert found.status_code == 303
    assert found.headers["location"].startswith("/ops-actions/login?")


@pytest.mark.parametrize(
    "sent",
    [
        [("x-forwarded-user", "ann"), ("x-forwarded-user", "eve")],
        [("x-forwarded-user", "ann, eve")],
        [("x-forwarded-user", "ann eve")],
        [("x-forwarded-user", "")],
        [("x-forwarded-user", "a" * 65)],
        [("x-forwarded-user", b"\xff")],
        [("x-forwarded-user", "ann\u202e".encode())],
        [("x-remote-user", "ann")],
        [],
    ],
    ids=str,
)
async def test_a_header_that_does_not_name_one_user_names_none(
    tmp_path: Path, sent: list[Any]
) -> None:
    async with behind(tmp_path) as service, service.browser(OURS, peer=PROXY) as client:
        found = await client.get("/ops-actions/", headers=sent)

    assert found.status_code == 303


async def test_a_page_that_points_its_own_name_to_us_is_not_believed(tmp_path: Path) -> None:
    """The browser is then the peer's own, and any script may choose the header."""
    async with behind(tmp_path) as service:
        found = await page(service, Host="evil.example.org", X_Forwarded_User="ann")

    assert found.status_code == 303


async def test_without_a_named_network_no_header_is_believed(tmp_path: Path) -> None:
    auth = {"operators": ["ann"]}
    async with serving(tmp_path, auth=auth, actions={"url": URL}) as service:
        found = await page(service, "127.0.0.1", X_Forwarded_User="ann")

    assert found.status_code == 303


async def test_the_header_is_the_one_that_was_named(tmp_path: Path) -> None:
    async with behind(tmp_path, header="X-Auth-Request-User") as service:
        right = await page(service, X_Auth_Request_User="ann")
        wrong = await page(service, X_Forwarded_User="ann")

    assert (right.status_code, wrong.status_code) == (200, 303)


async def test_who_is_no_operator_may_only_look(tmp_path: Path) -> None:
    async with behind(tmp_path) as service, service.browser(OURS, peer=PROXY) as client:
        who = {"x-forwarded-user": "vic"}
        shown = await client.get("/ops-actions/actions/refresh", headers=who)
        sent = await client.post(
            "/ops-actions/actions/refresh", data={}, headers=who | {"origin": OURS}
        )

    assert shown.status_code == 200
    assert "form_token" not in shown.text
    assert sent.status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "https://ops.example.org.evil", "null"])
async def test_behind_a_proxy_another_site_cannot_send_a_form_either(
    tmp_path: Path, origin: str
) -> None:
    """The proxy would name the user of the browser that the other site has borrowed."""
    async with behind(tmp_path) as service, service.browser(OURS, peer=PROXY) as client:
        who = {"x-forwarded-user": "ann"}
        found = await client.post(
            "/ops-actions/actions/refresh", data={}, headers=who | {"origin": origin}
        )

    assert found.status_code == 403


async def test_metrics_that_come_through_a_proxy_need_a_password(tmp_path: Path) -> None:
    """What listens on loopback alone may be read by whoever is there, and no further."""
    async with (
        serving(tmp_path, open_metrics=True) as service,
        service.browser(accept="text/plain") as client,
    ):
        near = await client.get("/metrics")
        far = await client.get("/metrics", headers={"x-forwarded-for": "192.0.2.1"})

    assert near.status_code == 200
    assert far.status_code == 401
