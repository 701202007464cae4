"""Alertmanager's receiver: what is answered with 2xx is in the history."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from exporter.service.notifications import Notification, NotificationError
from exporter.service.webhook import Webhook
from exporter.store import episodes
from exporter.store.database import Database, DatabaseError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

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


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    database = Database(f"sqlite:///{tmp_path / 'ops.sqlite'}")
    yield Site(database)
    database.close()


async def test_a_notification_is_in_the_history_once_it_is_answered(site: Site) -> None:
    answer = await site.post(
        notification(alert(1), alert(2, status="resolved", endsAt="2024-05-01T08:01:40Z"))
    )

    assert answer.status_code == 200
    assert answer.json() == {"status": "stored", "new": 2, "changed": 0}
    resolved, firing = await site.history()
    assert (firing.name, firing.status) == ("Ops1", "firing")
    # Cut to milliseconds, as Alertmanager's API tells it.
    assert firing.starts_at == 1714550400.123
    assert (resolved.status, resolved.ends_at) == ("resolved", 1714550500.0)
    assert site.counted == {"stored": 1}
    assert (site.looks, site.changes) == (0, 1)


async def test_a_replayed_notification_is_stored_once(site: Site) -> None:
    for _ in range(3):
        answer = await site.post(notification(alert()))
        assert answer.status_code == 200

    assert len(await site.history()) == 1
    assert site.counted == {"stored": 3}
    assert site.changes == 1


async def test_what_fires_though_it_had_ended_is_looked_up(site: Site) -> None:
    await site.post(notification(alert(status="resolved", endsAt="2024-05-01T08:01:40Z")))
    assert site.looks == 0

    answer = await site.post(notification(alert()))

    assert answer.json() == {"status": "stored", "new": 0, "changed": 0}
    assert site.looks == 1
    assert (await site.history())[0].status == "resolved"


async def test_a_truncated_notification_is_stored_and_the_rest_is_looked_up(site: Site) -> None:
    answer = await site.post(notification(alert(), truncatedAlerts=3))

    assert answer.status_code == 200
    assert len(await site.history()) == 1
    assert site.looks == 1


async def test_ten_thousand_alerts_come_in_one_notification(site: Site) -> None:
    labels = {f"label{n}": "x" * 30 for n in range(10)}
    many = [alert(n, labels={"alertname": f"Ops{n}", **labels}) for n in range(10_000)]

    answer = await site.post(notification(*many))

    assert answer.json() == {"status": "stored", "new": 10_000, "changed": 0}
    assert len(await site.history()) == 10_000


async def test_many_notifications_at_once_are_all_stored(site: Site) -> None:
    async with site.serve() as client:
        answers = await asyncio.gather(
            *(client.post(PATH, json=notification(alert(n % 50), alert(n))) for n in range(100))
        )

    assert {answer.status_code for answer in answers} == {200}
    assert len(await site.history()) == 100


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TOKEN,
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \xff",
    ],
)
async def test_without_the_token_nothing_is_read(site: Site, header: str | None) -> None:
    async def body() -> AsyncIterator[bytes]:
        pytest.fail("the body was asked for")
        yield b""

    async with site.serve() as client:
        del client.headers["authorization"]
        headers = [] if header is None else [(b"authorization", header.encode("latin-1"))]
        answer = await client.post(PATH, content=body(), headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text
    assert site.counted == {"unauthorized": 1}
    assert site.looks == 0  # strangers give us nothing to do
    assert await site.history() == []


@pytest.mark.parametrize(
    ("token", "words"), [("", "No token is set"), ("unreadable", "webhook_token_file")]
)
async def test_without_a_token_of_our_own_nobody_is_let_in(
    site: Site, token: str, words: str
) -> None:
    site.token = token

    for header in (BEARER, {"authorization": "Bearer "}, {"authorization": "Bearer"}):
        answer = await site.post(notification(alert()), headers=header)
        assert answer.status_code == 503
        assert words in answer.json()["error"]

    assert await site.history() == []
    assert site.counted == {"failed": 3}


def _deep(levels: int) -> bytes:
    return b'{"version":"4","alerts":[{"labels":' + b'{"a":' * levels


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        (b"", "", "line 1 column 0"),
        (b"{", "", "line 1 column 1"),
        (b"\xff", "", "line 1 column 1"),
        (b'{"version":"4",\n"alerts":[}', "", "line 2 column 11"),
        (b'{"version":"4","alerts":[NaN]}', "alerts[0]", "object"),
        (b"[]", "", "object"),
        (b"null", "", "object"),
        (_deep(100_000), "", "recursion limit"),
        (b"[" * 1_000_000, "", "recursion limit"),
        (b'{"version":"3","alerts":[]}', "version", "'4'"),
        (b'{"alerts":[]}', "version", "required"),
        (b'{"version":"4"}', "alerts", "required"),
        (b'{"version":"4","alerts":{}}', "alerts", "array"),
        (b'{"version":"4","alerts":[],"truncatedAlerts":-1}', "truncatedAlerts", "greater"),
        (b'{"version":"4","alerts":[],"truncatedAlerts":1e99}', "truncatedAlerts", "integer"),
        (notification(alert(), 1), "alerts[1]", "object"),  # type: ignore[arg-type]
        (notification(alert(), alert(status="odd")), "alerts[1].status", "firing"),
        (notification(alert(labels=None)), "alerts[0].labels", "names with their texts"),
        (notification(alert(labels={"a": 1})), "alerts[0].labels", "'a' must be a text"),
        (notification(alert(annotations=[1])), "alerts[0].annotations", "names"),
        (
            notification(alert(labels={f"l{n}": "" for n in range(1001)})),
            "alerts[0].labels",
            "more than 1000",
        ),
        (notification(alert(startsAt="yesterday")), "alerts[0].startsAt", "time"),
        (notification(alert(startsAt="2024-05-01T10:00:00")), "alerts[0].startsAt", "zone"),
        (notification(alert(startsAt=1)), "alerts[0].startsAt", "string"),
        (notification(alert(endsAt="9" * 5000)), "alerts[0].endsAt", "time"),
        (notification(alert(fingerprint="'; DROP")), "alerts[0].fingerprint", "pattern"),
        (notification(alert(fingerprint="f" * 65)), "alerts[0].fingerprint", "pattern"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str | bytes) else None,
)
async def test_what_is_no_notification_is_refused_with_its_place(
    site: Site, body: bytes | dict[str, Any], place: str, words: str
) -> None:
    answer = await site.post(body)

    assert answer.status_code == 400
    told = answer.json()
    assert told.get("place", "") == place
    assert words in told["error"]
    assert len(answer.content) < 500
    assert site.counted == {"refused": 1}
    assert site.looks == 1
    assert await site.history() == []


async def test_a_million_mistakes_are_told_as_one(site: Site) -> None:
    answer = await site.post(b'{"version":"4","alerts":[0' + b",0" * 1_000_000 + b"]}")

    assert answer.json() == {
        "error": "Input should be an object",
        "place": "alerts[0]",
    }


async def test_one_mistake_refuses_the_whole(site: Site) -> None:
    await site.post(notification(alert(1), alert(2, startsAt="never"), alert(3)))

    assert await site.history() == []


async def test_a_body_is_at_most_32_mib(site: Site) -> None:
    body = json.dumps(notification(alert(), padding="x" * (32 * 2**20))).encode()

    assert (await site.post(body)).status_code == 413
    assert (await site.post(body[: 32 * 2**20])).status_code == 400  # it is read, and is cut

    assert site.counted == {"refused": 2}
    assert site.looks == 2


async def test_a_body_of_32_mib_is_stored(site: Site) -> None:
    whole = json.dumps(notification(alert(), padding="")).encode()
    body = whole.replace(b'"padding": ""', b'"padding": "%s"' % (b"x" * (32 * 2**20 - len(whole))))
    assert len(body) == 32 * 2**20

    assert (await site.post(body)).status_code == 200


async def test_a_body_without_a_length_is_cut_off_at_the_limit(site: Site) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 10_000:
            sent += 1000
            yield b" " * 1000

    async with site.serve(body_max=5000) as client:
        answer = await client.post(PATH, content=endless())

    assert answer.status_code == 413


async def test_a_body_that_does_not_end_is_given_up(site: Site) -> None:
    async def drip() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(60)

    async with site.serve(body_deadline_s=0.05) as client:
        answer = await client.post(PATH, content=drip())

    assert answer.status_code == 408


async def test_a_packed_body_is_refused(site: Site) -> None:
    answer = await site.post(b"", headers={"content-encoding": "gzip"})

    assert answer.status_code == 415


@pytest.mark.parametrize(
    "error", [DatabaseError("the disk is full"), RuntimeError("a bug of ours")]
)
async def test_what_cannot_be_stored_is_asked_for_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def broken(*_: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(site.database, "write", broken)
        answer = await site.post(notification(alert()))

    assert answer.status_code == 503
    assert str(error) not in answer.text
    assert site.counted == {"failed": 1}
    assert (await site.post(notification(alert()))).status_code == 200
    assert len(await site.history()) == 1


async def test_a_closed_database_is_our_fault(site: Site) -> None:
    site.database.close()

    assert (await site.post(notification(alert()))).status_code == 503


async def test_long_texts_are_cut_and_say_so(site: Site) -> None:
    hostile = alert(
        labels={
            "alertname": "Ops1",
            "severity": "warning",
            "backend": "default",
            "long": "x" * 10_000,
            "n" * 1000: "name",
            "nul": "a\0b",
            **{f"a{n:04}": "many" for n in range(900)},
        },
        annotations={"summary": "<script>alert(1)</script>" + "y" * 1_000_000},
    )

    assert (await site.post(notification(hostile))).status_code == 200

    (found,) = await site.history()
    assert len(found.labels) == 128
    assert found.name == "Ops1"
    assert found.severity == "warning"
    summary = found.annotations["summary"]
    assert len(summary) == 4096
    assert summary.startswith("<script>")  # kept as it is: whoever shows it escapes it
    assert summary.endswith("… (cut)")
    few = alert(2, labels={"alertname": "Ops2", "nul": "a\0b", "n" * 1000: "name"})
    await site.post(notification(few))
    (found,) = await site.database.read(episodes.search, q="ops2")
    assert found.labels["nul"] == "a\N{REPLACEMENT CHARACTER}b"
    assert max(map(len, found.labels)) == 256


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
_alerts = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["firing", "resolved"]) | _json,
        "labels": st.dictionaries(st.text(), st.text()) | _json,
        "annotations": st.dictionaries(st.text(), st.text()) | _json,
        "startsAt": st.datetimes().map(lambda at: f"{at.isoformat()}Z") | _json,
        "endsAt": st.datetimes().map(lambda at: f"{at.isoformat()}Z") | _json,
        "fingerprint": st.from_regex(r"[0-9a-f]{16}", fullmatch=True) | _json,
    },
)


@given(body=st.binary() | _json.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    place = ""
    try:
        Notification(body)
    except NotificationError as error:
        place = error.place

    assert re.fullmatch(r"[a-zA-Z\[\]0-9.]{0,60}", place)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(alerts=st.lists(_alerts, max_size=3))
def test_any_alert_is_stored_or_refused(site: Site, alerts: list[Any]) -> None:
    answer = asyncio.run(site.post(notification(*alerts)))

    assert answer.status_code in {200, 400}
