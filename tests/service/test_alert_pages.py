"""The live alerts, and the pages that hide some of them."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from html import unescape
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exporter.service.pages.alert_pages import STREAMS_MAX
from exporter.store import acknowledgements
from tests.service.attacking import WEBHOOK_TOKEN, told
from tests.service.fake_alertmanager import Clock, FakeAlertmanager, fingerprint
from tests.service.frame import Wall, refusing, serving
from tests.service.test_history_pages import alert, tell

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.service.frame import Service

URL = "http://127.0.0.1:9093"
MODULE = {"alertname": "OpsModuleDown", "backend": "default", "module": "auth"}
WARNING = {**MODULE, "severity": "warning"}
CRITICAL = {**MODULE, "severity": "critical"}
LINK = "/alerts/acknowledge?alertname=OpsModuleDown&backend=default&module=auth"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
KEY = re.compile(r'<strong class="name">([^<]+)</strong>')


@asynccontextmanager
async def facing(
    folder: Path, *alerts: dict[str, str]
) -> AsyncIterator[tuple[Service, FakeAlertmanager]]:
    """Start the service beside an Alertmanager that has *alerts*."""
    manager = FakeAlertmanager(Clock(Wall().now))
    for labels in alerts:
        manager.fire(**labels)

    def transports(url: str) -> httpx.AsyncBaseTransport:
        return manager.transport() if url == URL else refusing(url)

    async with serving(folder, webhook_token=WEBHOOK_TOKEN, transports=transports) as service:
        yield service, manager


def text_of(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def form(page: httpx.Response) -> dict[str, str]:
    return {unescape(name): unescape(value) for name, value in HIDDEN.findall(page.text)}


async def press(client: httpx.AsyncClient, url: str, **more: str) -> httpx.Response:
    page = await client.get(url)
    sent = await client.post(url.partition("?")[0], data=form(page) | more)
    assert sent.status_code == 303, text_of(page) + text_of(sent)
    return await client.get(sent.headers["location"])


async def fires(service: Service, *alerts: dict[str, str]) -> None:
    """Tell of alerts as Alertmanager does, with its fingerprints."""
    await tell(
        service,
        *(
            alert(
                1, labels=labels, fingerprint=fingerprint(labels), startsAt="2027-01-15T07:59:00Z"
            )
            for labels in alerts
        ),
    )


# the live alerts


async def test_what_fires_is_shown_the_gravest_first(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        notes = {"value": "404", "threshold": "150", "runbook_url": "https://e.example/runbook#x"}
        await tell(
            service,
            alert(1, "info"),
            alert(2, "critical", annotations=notes),
            alert(3, "warning"),
            alert(4, "critical"),
            alert(5, status="resolved", endsAt="2027-01-15T07:30:00Z"),
            alert(6, "info", labels={"alertname": "OpsWatchdog"}),
        )
        page = await client.get("/alerts")

    assert KEY.findall(page.text) == ["OpsTest4", "OpsTest2", "OpsTest3", "OpsTest1"]
    text = text_of(page)
    assert "✖ critical 2 ▲ warning 1 i info 1" in text
    assert "404 threshold 150" in text
    assert "OpsWatchdog has been heard of" in text
    assert 'href="https://e.example/runbook#x"' in page.text


async def test_nothing_means_something_only_when_the_watchdog_was_heard(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        page = await client.get("/alerts")

    assert "Nothing fires." in text_of(page)
    assert "OpsWatchdog has never been heard of." in text_of(page)


async def test_the_fitting_action_is_beside_the_alert_and_no_page_of_others(tmp_path: Path) -> None:
    notes = {
        "refresh_url": "http://127.0.0.1:9848/actions/refresh?backend=default",
        "evil_url": "https://evil.example/actions/refresh",
        "odd_url": "http://127.0.0.1:9848/actions/../logout",
    }
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        await tell(service, alert(1, annotations=notes))
        page = await client.get("/alerts")

    assert 'href="/actions/refresh?backend=default"' in page.text
    assert "evil.example" not in page.text
    assert "/actions/../" not in page.text


async def test_who_may_only_look_sees_alerts_without_buttons(tmp_path: Path) -> None:
    async with facing(tmp_path, WARNING) as (service, _), service.signed_in("vic") as client:
        await fires(service, WARNING)
        page = await client.get("/alerts")
        asked = await client.get(LINK)

    assert "OpsModuleDown" in page.text
    assert "/alerts/acknowledge?" not in page.text
    assert "You may look and not act" in text_of(page)
    assert "form_token" not in asked.text


# acknowledging


async def test_an_acknowledgement_shows_what_it_hides_before_it_does(tmp_path: Path) -> None:
    other = CRITICAL | {"module": "search"}
    async with (
        facing(tmp_path, WARNING, other) as (service, manager),
        service.signed_in() as client,
    ):
        page = await client.get(LINK)
        before = await service.fingerprint()
        assert before["audit"] == before["acknowledgements"] == []
        assert manager.standing() == []
        result = await press(client, LINK, comment="I look at it")
        live = await client.get("/alerts")

    text = text_of(page)
    assert "What it hides ▲ warning alertname=OpsModuleDown, backend=default, module=auth" in text
    assert "2027-01-16 08:00:00 UTC" in text
    assert 'severity=~"info|warning"' in text
    (silence,) = manager.standing()
    assert silence.comment.startswith("Acknowledged by ann: I look at it [")
    assert "✔ done" in text_of(result)
    assert "Live alerts" in text_of(result)
    assert live.status_code == 200


async def test_what_is_acknowledged_is_apart_and_can_be_withdrawn(tmp_path: Path) -> None:
    async with facing(tmp_path, WARNING) as (service, manager), service.signed_in() as client:
        await fires(service, WARNING)
        await press(client, LINK, comment="mine")
        page = await client.get("/alerts")
        link = re.search(r'href="(/alerts/withdraw\?number=\d+)"', page.text)
        assert link
        listed = await client.get("/alerts/acknowledge")
        result = await press(client, link[1])
        after = await client.get("/alerts")
        again = await client.get(link[1])

    text = text_of(page)
    assert "Nothing fires that nobody has acknowledged." in text
    assert "Acknowledged by ann, 2027-01-16 08:00:00 UTC at the latest: “mine”" in text
    assert "Acknowledged by ann just now" in text_of(listed)
    assert manager.standing() == []
    assert "Withdrawn" in text_of(result)
    assert "Acknowledge OpsModuleDown" in text_of(after)
    assert "It has ended already" in text_of(again)


async def test_a_double_click_acknowledges_once(tmp_path: Path) -> None:
    async with facing(tmp_path, WARNING) as (service, manager), service.signed_in() as client:
        sent = form(await client.get(LINK))
        answers = await asyncio.gather(
            *(client.post("/alerts/acknowledge", data=sent) for _ in range(4))
        )
        kept = await service.runtime.database.read(acknowledgements.recent, 10)

    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(kept) == 1
    assert manager.posts == 1


async def test_a_form_cannot_be_sent_for_another_alert(tmp_path: Path) -> None:
    other = WARNING | {"module": "search"}
    async with (
        facing(tmp_path, WARNING, other) as (service, manager),
        service.signed_in() as client,
    ):
        sent = form(await client.get(LINK))
        wider = {name: text for name, text in sent.items() if name != "label.module"}
        for data in (sent | {"label.module": "search"}, wider, sent | {"label.x": "y"}):
            answer = await client.post("/alerts/acknowledge", data=data)
            assert answer.status_code == 403
        crossed = await client.post("/alerts/dismiss", data=sent)

    assert crossed.status_code == 403
    assert manager.standing() == []


async def test_an_alert_may_be_named_by_its_fingerprint(tmp_path: Path) -> None:
    async with facing(tmp_path, WARNING) as (service, manager), service.signed_in() as client:
        await press(client, f"/alerts/dismiss?fingerprint={fingerprint(WARNING)}")

    (silence,) = manager.standing()
    assert silence.ends_at - manager.now == pytest.approx(1800, abs=2)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("alertname=OpsModuleDown", "name at least one more label"),
        ("module=auth&backend=default", "name the alert"),
        ("alertname=OpsWatchdog&backend=default", "nobody hides it"),
        ("alertname=OpsModuleDown&mo-dule=auth", "no name of a label"),
    ],
)
async def test_a_link_that_would_hide_too_much_is_refused(
    tmp_path: Path, query: str, says: str
) -> None:
    async with facing(tmp_path, WARNING) as (service, _), service.signed_in() as client:
        page = await client.get(f"/alerts/acknowledge?{query}")

    assert page.status_code == 400
    assert says in text_of(page)


async def test_what_does_not_fire_cannot_be_acknowledged(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        page = await client.get(LINK)

    assert "No such alert fires" in text_of(page)
    assert "form_token" not in page.text


async def test_without_alertmanager_nothing_is_promised(tmp_path: Path) -> None:
    async with facing(tmp_path, WARNING) as (service, manager), service.signed_in() as client:
        manager.unreachable = True
        page = await client.get(LINK)

    assert "Alertmanager does not say what fires." in text_of(page)
    assert "form_token" not in page.text


async def test_a_label_may_have_the_name_of_a_field(tmp_path: Path) -> None:
    odd = WARNING | {"comment": "a", "form_token": "b", "path": "c"}
    async with facing(tmp_path, odd) as (service, manager), service.signed_in() as client:
        query = httpx.QueryParams({**MODULE, "comment": "a", "form_token": "b", "path": "c"})
        await press(client, f"/alerts/acknowledge?{query}", comment="why")

    (silence,) = manager.standing()
    assert silence.matches(odd)
    assert "why" in silence.comment


@pytest.mark.parametrize("number", ["", "0", "x", "-1", "9" * 30])
async def test_an_acknowledgement_that_there_is_not_cannot_be_withdrawn(
    tmp_path: Path, number: str
) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        page = await client.get("/alerts/withdraw", params={"number": number})

    assert page.status_code == 404


# the stream


class Listening:
    """A browser that listens to the stream of the running application."""

    def __init__(self, service: Service, client: httpx.AsyncClient) -> None:
        self._app: Any = service.app
        cookies = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": "/alerts/live",
            "raw_path": b"/alerts/live",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "http_version": "1.1",
            "headers": [(b"host", b"127.0.0.1:9848"), (b"cookie", cookies.encode())],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 9848),
        }
        self.status = 0
        self._parts: asyncio.Queue[str] = asyncio.Queue()
        self._left = asyncio.Event()
        self.task = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        async def receive() -> dict[str, Any]:
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
            else:
                await self._parts.put(message.get("body", b"").decode())

        await self._app(self._scope, receive, send)

    async def event(self) -> tuple[str, Any]:
        """Return name and data of the next event."""
        async with asyncio.timeout(30):
            text = await self._parts.get()
        found = re.fullmatch(r"event: (\w+)\ndata: (.*)\n\n", text)
        assert found, text
        return found[1], json.loads(found[2])

    async def leave(self) -> None:
        self._left.set()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_the_stream_tells_at_once_what_begins(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        listening = Listening(service, client)
        first = await listening.event()
        await told(service)
        second = await listening.event()
        await listening.leave()
        assert service.runtime.changes == []

    assert first[0] == second[0] == "alerts"
    assert first[1]["alerts"] == []
    (one,) = second[1]["alerts"]
    assert (one["name"], one["severity"]) == ("OpsQueueBacklogHigh", "warning")
    assert f'data-key="{one["key"]}"' in second[1]["html"]


async def test_the_stream_ends_with_the_session(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        listening = Listening(service, client)
        await listening.event()
        await client.post("/logout", data=form(await client.get("/logout")))
        await told(service)
        ended = await listening.event()
        async with asyncio.timeout(30):
            await listening.task

    assert ended == ("end", {})


async def test_a_stranger_gets_no_stream(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.browser(accept="text/event-stream") as one:
        answer = await one.get("/alerts/live")

    assert answer.status_code == 401


async def test_there_is_a_limit_to_how_many_listen(tmp_path: Path) -> None:
    async with facing(tmp_path) as (service, _), service.signed_in() as client:
        crowd = [Listening(service, client) for _ in range(STREAMS_MAX)]
        for one in crowd:
            await one.event()
        answer = await client.get("/alerts/live")
        for one in crowd:
            await one.leave()
        assert service.runtime.changes == []

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
