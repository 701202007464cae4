"""The audit, jobs and events by the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.service.api.calling import Place, Script, calling, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

JOBS: Final = "/api/v1/ingestion/jobs/history"
EVENTS: Final = "/api/monitoring/events/history"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


@pytest.fixture
async def script(place: Place) -> AsyncIterator[Script]:
    async with place.script() as script:
        yield script


async def test_the_audit_is_had_in_portions(script: Script) -> None:
    for number in range(5):
        await script.post("/actions/ingest", {"repo_url": f"github.com/owner/n{number}"})
    await script.post("/actions/refresh", {})

    found: list[int] = []
    more: dict[str, Any] = {}
    while True:
        told = (await script.get("/audit", limit=2, action="ingest", **more)).json()
        found += [record["id"] for record in told["records"]]
        if told["next"] is None:
            break
        more = {"before": told["next"]}

    assert found == [5, 4, 3, 2, 1]
    everything = (await script.get("/audit")).json()
    assert [record["id"] for record in everything["records"]] == [6, 5, 4, 3, 2, 1]
    assert (await script.get("/audit", action="no-such")).json() == {"records": [], "next": None}


async def test_what_people_did_on_pages_is_there_too(place: Place, script: Script) -> None:
    async with place.service.signed_in("ann") as browser:
        page = await browser.get("/actions/refresh")
        token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        await browser.post("/actions/refresh", data={"backend": "default", "form_token": token})

    (record,) = (await script.get("/audit")).json()["records"]
    assert (record["who"], record["via"], record["action"]) == ("ann", "page", "refresh")


async def test_jobs_are_told_as_the_backend_does(place: Place, script: Script) -> None:
    failed = place.outside.fail("github.com/owner/name")

    told = (await script.get("/jobs")).json()
    only = (await script.get("/jobs", status="failed", backend="default")).json()

    assert (told["backend"], told["problem"]) == ("default", "")
    assert len(told["jobs"]) > len(only["jobs"])
    job = next(job for job in only["jobs"] if job["id"] == failed)
    assert (job["repository"], job["status"]) == ("github.com/owner/name", "failed")
    assert {job["status"] for job in only["jobs"]} == {"failed"}


async def test_what_the_exporter_knows_of_jobs_stands_in(place: Place, script: Script) -> None:
    place.outside.broken[JOBS] = httpx.Response(500)
    place.outside.broken[EVENTS] = httpx.Response(404)
    page = "".join(
        f"{line}\n"
        for line in (
            'ops_ingestion_jobs{status="failed"} 1',
            'ops_ingestion_job_info{job_id="7",repository="github.com/a/b",status="failed"} 1',
        )
    )
    place.outside._told_of_jobs = _page(page)  # type: ignore[method-assign]

    told = (await script.get("/jobs")).json()
    events = await script.get("/events")

    assert told["problem"] == "it answered HTTP 500"
    assert [(job["id"], job["started_at"], job["error"]) for job in told["jobs"]] == [
        ("7", None, "")
    ]
    assert "not offered by this backend" in problem(events, 503).detail


async def test_nothing_known_is_not_an_empty_list(place: Place, script: Script) -> None:
    place.outside.broken[JOBS] = httpx.ConnectError("refused")
    place.outside.broken[EVENTS] = httpx.ConnectError("refused")
    place.outside.silent = True

    for path in ("/jobs", "/events"):
        told = problem(await script.get(path), 503)
        assert told.detail.startswith("The backend does not tell: it cannot be reached")


async def test_events_are_told_without_their_data(script: Script) -> None:
    told = (await script.get("/events")).json()
    name = told["events"][0]["name"]
    only = (await script.get("/events", name=name)).json()

    assert 0 < len(told["events"]) <= 100
    moments = [event["at"] for event in told["events"]]
    assert moments == sorted(moments, reverse=True)
    assert set(told["events"][0]) == {"name", "at", "priority"}
    assert {event["name"] for event in only["events"]} == {name}


def _page(text: str) -> Any:
    async def told() -> str:
        return text

    return told
