from __future__ import annotations

import base64
import threading

import bcrypt
import pytest

from exporter.web.app import create_app
from exporter.web.auth import REMEMBERED_MAX, REMEMBERED_S, WAITING_MAX, Busy, Users
from exporter.web.guard import Guard
from exporter.web.options import RateLimit, WebConfig
from tests.web.fake_exporter import FakeExporter, browse

HASH = bcrypt.hashpw(b"s3cret", bcrypt.gensalt(4))
OTHER_HASH = bcrypt.hashpw(b"other", bcrypt.gensalt(5))


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


class Checks:
    """bcrypt that counts: (password, hash) of each call, and in which thread."""

    def __init__(self) -> None:
        self.calls: list[tuple[bytes, bytes]] = []
        self.threads: set[int] = set()

    def __call__(self, password: bytes, hash_: bytes) -> bool:
        self.calls.append((password, hash_))
        self.threads.add(threading.get_ident())
        return bcrypt.checkpw(password, hash_)


def basic(user: str, password: str) -> bytes:
    return b"Basic " + base64.b64encode(f"{user}:{password}".encode())


async def test_the_right_password_is_checked_once_and_then_remembered() -> None:
    checks = Checks()
    users = Users({"ann": HASH}, check=checks)

    assert await users.allow(basic("ann", "s3cret"))
    assert await users.allow(basic("ann", "s3cret"))
    assert checks.calls == [(b"s3cret", HASH)]


async def test_the_event_loop_never_runs_bcrypt() -> None:
    checks = Checks()
    await Users({"ann": HASH}, check=checks).allow(basic("ann", "s3cret"))

    assert checks.threads.isdisjoint({threading.get_ident()})


async def test_a_remembered_credential_is_forgotten_after_five_minutes() -> None:
    checks, clock = Checks(), Clock()
    users = Users({"ann": HASH}, check=checks, clock=clock)
    await users.allow(basic("ann", "s3cret"))

    clock.now_s += REMEMBERED_S - 1
    assert await users.allow(basic("ann", "s3cret"))
    assert len(checks.calls) == 1
    clock.now_s += 1
    assert await users.allow(basic("ann", "s3cret"))
    assert len(checks.calls) == 2


async def test_a_wrong_password_is_checked_each_time() -> None:
    checks = Checks()
    users = Users({"ann": HASH}, check=checks)

    assert not await users.allow(basic("ann", "wrong"))
    assert not await users.allow(basic("ann", "wrong"))
    assert len(checks.calls) == 2


async def test_an_unknown_user_costs_as_much_as_the_dearest_known_one() -> None:
    checks = Checks()
    users = Users({"ann": HASH, "bob": OTHER_HASH}, check=checks)

    assert not await users.allow(basic("eve", "s3cret"))
    [(password, hash_)] = checks.calls
    assert (password, hash_[:7], len(hash_)) == (b"s3cret", b"$2b$05$", 60)


async def test_no_password_opens_the_hash_that_stands_for_unknown_users() -> None:
    users = Users({"ann": HASH}, check=lambda *_: True)

    assert not await users.allow(basic("eve", "anything"))
    assert not await users.allow(basic("eve", "anything"))


async def test_name_and_password_are_not_confused_in_memory() -> None:
    users = Users({"ann": HASH, "anns": OTHER_HASH})
    await users.allow(basic("ann", "s3cret"))

    assert not await users.allow(basic("anns", "3cret"))


async def test_the_password_itself_is_not_kept() -> None:
    users = Users({"ann": HASH})
    await users.allow(basic("ann", "s3cret"))

    assert all(b"s3cret" not in key for key in users._remembered)
    assert len(users._remembered) == 1


async def test_no_more_credentials_are_remembered_than_allowed() -> None:
    names = [f"user{n}" for n in range(REMEMBERED_MAX + 5)]
    users = Users(dict.fromkeys(names, HASH), check=lambda *_: True)
    for name in names:
        assert await users.allow(basic(name, "x"))

    assert len(users._remembered) == REMEMBERED_MAX


async def test_too_many_in_line_are_sent_away() -> None:
    users = Users({"ann": HASH})
    users._waiting = WAITING_MAX

    with pytest.raises(Busy):
        await users.allow(basic("ann", "s3cret"))


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Basic",
        b"Basic !!!",
        b"Basic " + base64.b64encode(b"no colon"),
        b"Basic " + base64.b64encode(b"\xff\xfe:s3cret"),
        b"Bearer " + base64.b64encode(b"ann:s3cret"),
    ],
)
async def test_a_header_that_is_no_basic_credential_is_refused_without_bcrypt(
    header: bytes,
) -> None:
    checks = Checks()

    assert not await Users({"ann": HASH}, check=checks).allow(header)
    assert checks.calls == []


@pytest.mark.parametrize("password", ["x" * 100, "with\0nul", "ü" * 72])
async def test_a_password_that_bcrypt_cannot_take_is_wrong_and_no_error(password: str) -> None:
    assert not await Users({"ann": HASH}).allow(basic("ann", password))


async def test_a_long_password_is_cut_where_the_hash_was() -> None:
    hash_ = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4))

    assert await Users({"ann": hash_}).allow(basic("ann", "x" * 100))


def guarded(config: WebConfig, clock: Clock | None = None) -> Guard:
    return Guard(create_app(FakeExporter()), config, clock=clock or Clock())


PROTECTED = (
    "/",
    "/metrics",
    "/probe?target=default",
    "/-/poll",
    "/runbook",
    "/nope",
    "/static/ops.svg",
)


@pytest.mark.parametrize("path", PROTECTED)
async def test_everything_needs_the_password(path: str) -> None:
    async with browse(guarded(WebConfig(users={"ann": HASH}))) as client:
        without = await client.get(path)
        wrong = await client.get(path, auth=("ann", "wrong"))
        right = await client.get(path, auth=("ann", "s3cret"))

    assert (without.status_code, wrong.status_code) == (401, 401)
    assert without.headers["www-authenticate"] == 'Basic realm="ops-exporter", charset="UTF-8"'
    assert right.status_code != 401


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready", "/static/ops.css"])
async def test_health_readiness_and_the_stylesheet_are_open(path: str) -> None:
    async with browse(guarded(WebConfig(users={"ann": HASH}))) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", ["/-/healthy/", "//-/healthy", "/-/healthy%2f..%2f..%2fmetrics"])
async def test_a_path_that_only_looks_open_is_not(path: str) -> None:
    async with browse(guarded(WebConfig(users={"ann": HASH}))) as client:
        assert (await client.get(f"http://127.0.0.1:9847{path}")).status_code == 401


@pytest.mark.parametrize("path", PROTECTED)
async def test_a_service_that_asks_itself_is_not_guarded_by_the_password(path: str) -> None:
    config = WebConfig(users={"ann": HASH}, headers=((b"x-frame-options", b"sameorigin"),))
    guard = Guard(create_app(FakeExporter()), config, asks=False, clock=Clock())
    async with browse(guard) as client:
        answer = await client.get(path)
        guard.swap(
            WebConfig(users={"ann": OTHER_HASH}, rate_limit=RateLimit(interval_s=9, burst=1))
        )
        after = [(await client.get(path)).status_code for _ in range(2)]

    assert answer.status_code != 401
    assert answer.headers["x-frame-options"] == "sameorigin"
    assert after == [answer.status_code, 429]


async def test_another_configuration_forgets_who_was_let_in() -> None:
    guard = guarded(WebConfig(users={"ann": HASH}))
    async with browse(guard) as client:
        client.auth = ("ann", "s3cret")
        assert (await client.get("/metrics")).status_code == 200
        guard.swap(WebConfig(users={"ann": OTHER_HASH}))
        assert (await client.get("/metrics")).status_code == 401
        guard.swap(WebConfig())
        assert (await client.get("/metrics")).status_code == 200


async def test_a_busy_door_asks_to_come_back() -> None:
    guard = guarded(WebConfig(users={"ann": HASH}))
    assert guard._policy.users is not None
    guard._policy.users._waiting = WAITING_MAX
    async with browse(guard) as client:
        answer = await client.get("/", auth=("ann", "s3cret"))

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/nope"])
async def test_configured_headers_are_on_every_answer_in_place_of_ours(path: str) -> None:
    config = WebConfig(
        headers=((b"x-frame-options", b"sameorigin"), (b"strict-transport-security", b"max-age=1"))
    )
    async with browse(guarded(config)) as client:
        headers = (await client.get(path)).headers

    assert headers.get_list("x-frame-options") == ["sameorigin"]
    assert headers["strict-transport-security"] == "max-age=1"


async def test_configured_headers_are_on_a_refusal_too() -> None:
    config = WebConfig(users={"ann": HASH}, headers=((b"x-frame-options", b"deny"),))
    async with browse(guarded(config)) as client:
        assert (await client.get("/")).headers["x-frame-options"] == "deny"


async def test_the_rate_limit_lets_a_burst_through_and_then_one_per_interval() -> None:
    clock = Clock()
    guard = guarded(WebConfig(rate_limit=RateLimit(interval_s=2.0, burst=2)), clock)
    async with browse(guard) as client:
        burst = [(await client.get("/metrics")).status_code for _ in range(3)]
        healthy = (await client.get("/-/healthy")).status_code
        clock.now_s += 1.9
        early = (await client.get("/metrics")).status_code
        clock.now_s += 0.1
        later = [(await client.get("/metrics")).status_code for _ in range(2)]

    assert burst == [200, 200, 429]
    assert (healthy, early, later) == (200, 429, [200, 429])
