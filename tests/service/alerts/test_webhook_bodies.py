"""Bodies that are none, are too large, or come from somebody hostile."""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.service.notifications import Notification, NotificationError
from exporter.store import episodes
from tests.service.receiving import PATH, Site, alert, notification

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
