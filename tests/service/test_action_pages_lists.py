"""The first page, jobs, events and the audit: what they list, and what they never show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exporter.simulator.endpoints import Dialect
from exporter.store import audit, history
from exporter.store.book import Notice
from tests.service.test_action_pages import CLEARED, press, text_of
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.service.frame import Service

JOBS = "/api/v1/ingestion/jobs/history"
EVENTS = "/api/monitoring/events/history"
SICK = """ops_up 1.0
ops_system_status{status="degraded"} 1.0
ops_system_status{status="healthy"} 0.0
ops_module_status{module="search",status="down"} 1.0
ops_module_status{module="auth",status="healthy"} 1.0
ops_worker_status{worker="e",kind="edge",status="offline"} 1.0
ops_api_error_ratio 0.012
"""


async def test_jobs_show_what_can_be_done_about_each_and_why_it_failed(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        failed = outside.fail("github.com/owner/name")
        waiting = outside.world.jobs.add("https://github.com/owner/next", outside.world.now)
        page = await client.get("/jobs")

    assert f'href="/actions/retry-job?job_id={failed}&amp;backend=default"' in page.text
    assert f'href="/actions/cancel-job?job_id={waiting.id}&amp;backend=default"' in page.text
    assert "<pre>cancelled</pre>" in page.text
    assert "✖ failed" in text_of(page)
    assert "◷ pending" in text_of(page)


async def test_jobs_are_filtered_by_state_and_words(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.fail("github.com/owner/name")
        outside.fail("github.com/owner/other")
        failed = await client.get("/jobs?status=failed")
        named = await client.get("/jobs?status=failed&q=OTHER")
        none = await client.get("/jobs?q=%3Cb%3E")

    assert failed.text.count("<tr>") == 3
    assert named.text.count("<tr>") == 2
    assert "github.com/owner/other" in named.text
    assert "all 1 ✖ failed 1" in text_of(named)
    assert "No job is like that." in text_of(none)
    assert 'value="&lt;b&gt;"' in none.text


async def test_jobs_of_a_deployed_backend_have_errors_and_no_cancelling(tmp_path: Path) -> None:
    async with (
        acting(tmp_path, dialect=Dialect.DEPLOYED) as (service, outside),
        service.signed_in() as client,
    ):
        outside.fail("github.com/owner/name")
        outside.world.jobs.add("https://github.com/owner/next", outside.world.now)
        page = await client.get("/jobs")

    assert "Cancelling a job is not offered by this backend." in text_of(page)
    assert "/actions/cancel-job" not in page.text
    assert "/actions/retry-job?job_id=" in page.text
    assert "<pre>cancelled</pre>" in page.text


async def test_an_error_of_a_job_cannot_become_a_part_of_the_page(tmp_path: Path) -> None:
    row = {
        "id": "j1",
        "repo_url": "https://github.com/o/<b>",
        "status": "failed",
        "started_at": "2026-01-01T00:00:00Z",
        "error_message": "one <script>alert(1)</script>\ntwo \u202e three\x00" + "x" * 9000,
    }
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.broken[JOBS] = httpx.Response(200, json=[row])
        page = await client.get("/jobs")

    assert "<pre>one &lt;script&gt;alert(1)&lt;/script&gt;\ntwo   three" in page.text
    assert "github.com/o/&lt;b&gt;" in page.text
    assert "x" * 4001 not in page.text


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404), "this is not offered by this backend"),
        (httpx.Response(401), "it does not accept the reading token (HTTP 401)"),
        (httpx.Response(500, json={"detail": "boom"}), "it answered HTTP 500: boom"),
        (httpx.Response(200, json={"status": "error", "error": "no Redis"}), "it says: no Redis"),
        (httpx.Response(200, json="strange"), "a shape that is in neither dialect"),
        (httpx.ConnectError("refused"), "it cannot be reached"),
    ],
    ids=["missing", "denied", "failed", "error", "strange", "away"],
)
async def test_a_history_that_is_not_told_is_said_in_plain_words(
    answer: httpx.Response | Exception, words: str, tmp_path: Path
) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.fail("github.com/owner/name")
        outside.broken |= {JOBS: answer, EVENTS: answer}
        jobs, events = await client.get("/jobs"), await client.get("/events")

    assert words in text_of(jobs)
    assert words in text_of(events)
    # What the exporter has read before is shown instead.
    assert "github.com/owner/name" in jobs.text


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_events_are_filtered_and_their_data_is_never_shown(
    dialect: Dialect, tmp_path: Path
) -> None:
    async with (
        acting(tmp_path, dialect=dialect) as (service, outside),
        service.signed_in() as client,
    ):
        outside.world.bus.emit("search.executed", outside.world.now, {"query": "a secret wish"})
        outside.world.bus.emit("annotation.created", outside.world.now, {})
        every = await client.get("/events")
        searches = await client.get("/events?type=search.executed")
        words = await client.get("/events?q=ANNOT")
        none = await client.get("/events?type=%3Cscript%3E")

    assert "search.executed" in every.text
    assert "a secret wish" not in every.text
    assert '<span class="name">annotation.created' not in searches.text
    assert '<span class="name">search.executed' in searches.text
    assert '<span class="name">search.executed' not in words.text
    assert "No event is like that." in text_of(none)
    assert "<script>" not in none.text


async def test_events_are_shown_the_newest_first_whatever_the_dialect(tmp_path: Path) -> None:
    def at(minute: int, name: str) -> dict[str, Any]:
        return {"name": name, "timestamp": f"2026-01-01T00:{minute:02}:00", "priority": "high"}

    answer = {"status": "ok", "events": [at(1, "first"), at(3, "third"), at(2, "second"), {}, 7]}
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.broken[EVENTS] = httpx.Response(200, json=answer)
        page = await client.get("/events")

    text = text_of(page)
    assert text.index("third high") < text.index("second high") < text.index("first high")
    assert "2026-01-01 00:03:00 UTC" in text


def _rows(connection: Connection, number: int, action: str) -> None:
    for at in range(number):
        audit.record(
            connection,
            at=float(at),
            who="ann",
            via="api",
            action=action,
            target=f"default: {at}",
            parameters={"backend": "default", "labels": {"alertname": "<i>A</i>"}},
            instance="other",
            state="refused",
            message="no",
            details={"before": {"Jobs": "3"}, "more": {"deep": 1}},
        )


async def test_the_audit_is_shown_in_portions_and_by_action(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        await service.runtime.database.write(_rows, 70, "ingest")
        await service.runtime.database.write(_rows, 3, "acknowledge")
        first = await client.get("/audit")
        second = await client.get("/audit?before=24")
        acknowledged = await client.get("/audit?action=acknowledge")
        strange = await client.get("/audit?action=%27%20OR%201=1&before=x")

    assert first.text.count("<tr>") == 51
    assert 'href="/audit?before=24"' in first.text
    assert second.text.count("<tr>") == 24
    assert 'rel="next"' not in second.text
    assert acknowledged.text.count("<tr>") == 4
    assert "No such entry." in text_of(strange)


async def test_an_entry_shows_everything_that_was_written_down(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        await service.runtime.database.write(_rows, 1, "acknowledge")
        page = await client.get("/audit/1")

    text = text_of(page)
    assert "Audit 1 Acknowledge ▲ not done no" in text
    assert "ann, by the API" in text
    assert "Alertname &lt;i&gt;A&lt;/i&gt;" in page.text.replace("</dt><dd>", " ")
    assert "What was answered Deep 1" in text
    assert "The state before Jobs 3" in text


@pytest.mark.parametrize("number", ["2", "0", "-1", "1e3", "x", "9" * 10, "9" * 5000, "%C2%B2"])
async def test_an_entry_that_is_not_there_is_not_found(number: str, tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        await press(client, "/actions/clear-cache")
        answers = [await client.get(f"/audit/{number}{more}") for more in ("", "/progress")]

    assert [answer.status_code for answer in answers] == [404, 404]


async def _alert(service: Service, **labels: str) -> None:
    notice = Notice(
        fingerprint=labels["alertname"],
        starts_at=1.0,
        ends_at=None,
        firing=True,
        labels=labels,
        annotations={"summary": "It <b>burns</b>."},
    )
    await service.runtime.database.write(history.take, [notice], 2.0)


async def test_the_first_page_says_what_is_wrong_and_what_can_be_done(tmp_path: Path) -> None:
    async with acting(tmp_path, page=SICK) as (service, outside), service.signed_in() as client:
        outside.fail("github.com/owner/name")
        await _alert(service, alertname="OpsWatchdog", severity="info")
        quiet = await client.get("/")
        await _alert(service, alertname="OpsSystemDown", severity="critical")
        await _alert(service, alertname="OpsSlow", severity="warning")
        page = await client.get("/")

    assert "✔ no alert is known to fire" in text_of(quiet)
    text = text_of(page)
    assert "✖ 1 critical ▲ 1 warning OpsSystemDown ✖ critical It <b>burns</b>." in text
    assert "default ▲ degraded" in text
    # The worst first.
    assert text.index("Modules down: search.") < text.index("The system says that it is degraded.")
    assert "Workers offline: e." in text
    assert "1 of the latest ingestion job has failed." in text
    assert "Errors 1.2 %" in text
    assert "Clear the cache" in text
    assert "<b>burns" not in page.text


async def test_the_first_page_says_that_nothing_is_known(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.silent = True
        page = await client.get("/")

    assert "✖ Nothing is known of it: the exporter does not tell" in text_of(page)
    assert "○ unknown" in text_of(page)


async def test_the_first_page_shows_what_was_done_last(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        before = await client.get("/")
        await press(client, "/actions/clear-cache")
        after = await client.get("/")

    assert "Nobody has done anything yet." in text_of(before)
    assert "Clear the cache ✔ done by ann, just now" in text_of(after)
    assert outside.posts == [CLEARED]
