"""The history of alerts as people read it, and as a file."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.actions import WEBHOOK
from tests.service.frame import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from tests.service.frame import Service

TOKEN = "0123456789-what-only-a-test-may-tell"  # noqa: S105 - of a test
NAME = re.compile(r'<strong class="name">([^<]+)</strong>')


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    async with serving(tmp_path, webhook_token=TOKEN) as running:
        yield running


def alert(number: int, severity: str = "warning", **more: Any) -> dict[str, Any]:
    labels = {"alertname": f"OpsTest{number}", "severity": severity, "backend": "default"}
    return {
        "status": "firing",
        "labels": labels | more.pop("labels", {}),
        "annotations": {"summary": f"Summary {number}."} | more.pop("annotations", {}),
        "startsAt": f"2027-01-15T07:{number // 60:02}:{number % 60:02}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
        **more,
    }


async def tell(service: Service, *alerts: dict[str, Any]) -> None:
    body = {"version": "4", "status": "firing", "receiver": "ops", "alerts": list(alerts)}
    async with service.browser() as client:
        headers = {"authorization": f"Bearer {TOKEN}"}
        (await client.post(WEBHOOK.path, json=body, headers=headers)).raise_for_status()


def names(page: httpx.Response) -> list[str]:
    assert page.status_code == 200, page.text
    return NAME.findall(page.text)


def text_of(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


async def test_alerts_are_shown_the_newest_first_with_their_end(service: Service) -> None:
    over = alert(2, "critical", status="resolved", endsAt="2027-01-15T07:30:02Z")
    await tell(service, alert(1), over, alert(3, "info"))
    async with service.signed_in() as client:
        page = await client.get("/alerts/history")

    assert names(page) == ["OpsTest3", "OpsTest2", "OpsTest1"]
    text = text_of(page)
    assert "3 alerts" in text
    assert "OpsTest2 30 min, until" in text
    assert "fires for" in text
    assert "2027-01-15 07:00:02 UTC" in text


async def test_it_is_filtered_by_severity_and_searched_by_words(service: Service) -> None:
    await tell(service, alert(1), alert(2, "critical"), alert(3, labels={"module": "search"}))
    async with service.signed_in() as client:
        grave = await client.get("/alerts/history?severity=critical")
        module = await client.get("/alerts/history", params={"q": "MODULE=search summary"})
        both = await client.get("/alerts/history?severity=critical&q=search")

    assert names(grave) == ["OpsTest2"]
    assert names(module) == ["OpsTest3"]
    assert names(both) == []
    assert "No alert was like that." in text_of(both)
    assert "<option selected>critical</option>" in grave.text


async def test_portions_keep_the_filter_and_leave_nothing_out(service: Service) -> None:
    await tell(service, *(alert(n, "info") for n in range(120)), *(alert(n) for n in (200, 201)))
    seen: list[str] = []
    async with service.signed_in() as client:
        url = "/alerts/history?severity=info"
        while url:
            page = await client.get(url)
            seen += names(page)
            await tell(service, alert(300 + len(seen), "info"))  # what comes meanwhile
            found = re.search(r'href="([^"]+)" rel="next"', page.text)
            url = unescape(found[1]) if found else ""

    assert seen == [f"OpsTest{n}" for n in reversed(range(120))]


async def test_the_file_has_all_that_matches(service: Service) -> None:
    ended = alert(1, status="resolved", endsAt="2027-01-15T07:30:00Z", labels={"module": "search"})
    await tell(service, ended, *(alert(n) for n in range(2, 600)), alert(900, "critical"))
    async with service.signed_in() as client:
        answer = await client.get("/alerts/history?format=csv&severity=warning")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == (
        'attachment; filename="alert-history-2027-01-15.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert len(rows) == 599
    assert rows[-1] == {
        "started": "2027-01-15T07:00:01Z",
        "ended": "2027-01-15T07:30:00Z",
        "ended_by": "resolved",
        "severity": "warning",
        "alert": "OpsTest1",
        "backend": "default",
        "labels": "module=search",
        "summary": "Summary 1.",
        "description": "",
        "fingerprint": "0000000000000001",
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
async def test_no_cell_of_the_file_is_a_formula(service: Service, start: str) -> None:
    evil = f'{start}HYPERLINK("https://evil.example","x")'
    texts = {"summary": evil, "description": evil}
    await tell(
        service, alert(1, labels={"alertname": evil, "severity": evil[:32]}, annotations=texts)
    )
    async with service.signed_in() as client:
        answer = await client.get("/alerts/history?format=csv")

    (row,) = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    cells = [row[name] for name in ("severity", "alert", "summary", "description")]
    assert all("HYPERLINK" in cell for cell in cells)
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


async def test_only_http_links_of_an_alert_are_links(service: Service) -> None:
    links = {
        "runbook_url": "https://e.example/runbook#OpsTest1",
        "dashboard_url": "data:text/html,x",
    }
    await tell(service, alert(1, annotations=links))
    async with service.signed_in() as client:
        page = await client.get("/alerts/history")

    assert 'href="https://e.example/runbook#OpsTest1"' in page.text
    assert "data:" not in page.text


async def test_another_format_is_refused(service: Service) -> None:
    async with service.signed_in() as client:
        answer = await client.get("/alerts/history?format=xlsx")

    assert answer.status_code == 400
    assert "csv" in text_of(answer)


async def test_an_empty_history_says_so(service: Service) -> None:
    async with service.signed_in("vic") as client:
        page = await client.get("/alerts/history")

    assert "No alert has fired since this service listens." in text_of(page)
