"""The pages of actions: they ask first, act once, and say honestly what came of it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions import ACTIONS
from exporter.catalogue.actions import INGEST
from exporter.simulator.endpoints import Dialect
from tests.service.frame import form_of
from tests.service.upstreams import acting

if TYPE_CHECKING:
    from pathlib import Path

PATHS = [action.route.path for action in ACTIONS]
WAITING = "/actions/ingest?repo_url=github.com/owner/name"
INGESTED = "/api/v1/ingestion/ingest/github.com%2Fowner%2Fname"
CLEARED = "/api/monitoring/cache/clear"
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
LINK = re.compile(r'href="(https?://[^"]+)"')


def text_of(page: httpx.Response) -> str:
    """Return what somebody reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def form(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of the form on a page."""
    return {name: unescape(value) for name, value in HIDDEN.findall(page.text)}


async def press(client: httpx.AsyncClient, url: str) -> httpx.Response:
    """Open a confirmation, press its button, and return the page of what came of it."""
    page = await client.get(url)
    sent = await client.post(url.partition("?")[0], data=form(page))
    assert sent.status_code == 303, text_of(page) + text_of(sent)
    return await client.get(sent.headers["location"])


@pytest.mark.parametrize(
    "url", [*PATHS, WAITING, "/jobs", "/events", "/audit", "/", "/actions/retry-job?job_id=1"]
)
async def test_looking_changes_nothing(url: str, tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        before = await service.fingerprint()
        page = await client.get(url)
        head = await client.head(url)
        after = await service.fingerprint()

    assert page.status_code == head.status_code == 200
    assert after == before
    assert outside.posts == []


async def test_a_link_leads_to_a_confirmation_and_its_button_to_what_came_of_it(
    tmp_path: Path,
) -> None:
    page = 'ops_queue_length 3.0\nops_worker_status{worker="e",kind="edge",status="online"} 1.0\n'
    async with acting(tmp_path, page=page) as (service, outside), service.signed_in() as client:
        question = await client.get(WAITING)
        result = await press(client, WAITING)

    asked, told = text_of(question), text_of(result)
    assert "github.com/owner/name will join the queue" in asked
    assert "Can it be undone?" in asked
    assert "Tasks in the queue 3 Edge worker online" in asked
    assert outside.posts == [INGESTED]
    assert result.url.path == "/audit/1"
    assert "Audit 1" in told
    assert "✔ done" in told
    assert "github.com/owner/name is in the queue at position" in told
    assert "By ann, on a page" in told
    assert "The state before" in told


async def test_a_double_click_acts_once_and_both_lead_to_the_same_result(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        filled = form(await client.get(WAITING))
        first = await client.post("/actions/ingest", data=filled)
        second = await client.post("/actions/ingest", data=filled)

    assert first.headers["location"] == second.headers["location"] == "/audit/1"
    assert outside.posts == [INGESTED]


async def test_a_mistake_is_said_beside_the_field_which_keeps_its_value(tmp_path: Path) -> None:
    url = "/actions/ingest?repo_url=http://github.com/o/n%22%3E%3Cscript%3E"
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        blank = await client.get("/actions/ingest")
        page = await client.get(url)

    assert 'aria-invalid="true"' not in blank.text
    assert page.status_code == 400
    assert 'value="http://github.com/o/n&#34;&gt;&lt;script&gt;"' in page.text
    assert 'aria-describedby="repo_url-problem repo_url-hint" aria-invalid="true"' in page.text
    assert "✖ Leave out spaces, line ends, quotes" in text_of(page)
    assert 'method="post"' not in page.text


async def test_the_form_for_one_repository_is_no_good_for_another(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        filled = form(await client.get(WAITING))
        other = await client.post(
            "/actions/ingest", data={**filled, "repo_url": "github.com/owner/other"}
        )
        elsewhere = await client.post("/actions/clear-cache", data=filled)

    assert (other.status_code, elsewhere.status_code) == (403, 403)
    assert outside.posts == []


@pytest.mark.parametrize("url", [WAITING, *(path for path in PATHS if "cache" in path)])
async def test_who_may_only_look_has_no_button_and_is_told_why(url: str, tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in("vic") as client:
        page = await client.get(url)
        token = await form_of(client, "/logout")
        sent = await client.post(url.partition("?")[0], data=token)

    assert "<button" not in page.text
    assert "You may look and not act" in text_of(page)
    assert "auth.operators" in text_of(page)
    assert sent.status_code == 403
    assert outside.posts == []


async def test_a_form_that_is_too_old_shows_the_present_state_and_does_nothing(
    tmp_path: Path,
) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        filled = form(await client.get(WAITING))
        service.wall.now += 3600
        late = await client.post("/actions/ingest", data=filled)
        again = await client.post("/actions/ingest", data=form(late))

    assert late.status_code == 409
    assert "open for too long, so nothing was done" in text_of(late)
    assert again.status_code == 303
    assert outside.posts == [INGESTED]


async def test_too_soon_says_how_long_to_wait_and_which_run_it_is_close_to(tmp_path: Path) -> None:
    async with (
        acting(tmp_path, actions={"cooldown": "60s"}) as (service, outside),
        service.signed_in() as client,
    ):
        await press(client, WAITING)
        page = await client.post("/actions/ingest", data=form(await client.get(WAITING)))

    assert page.status_code == 429
    assert page.headers["retry-after"] == "60"
    assert "Nothing was done. It ran a moment ago (audit 1): wait 60 s." in text_of(page)
    assert 'href="/audit/1"' in page.text
    assert outside.posts == [INGESTED]


@pytest.mark.parametrize(
    ("answer", "mark", "words"),
    [
        (
            httpx.Response(429, headers={"retry-after": "30"}, json={"detail": "10/10"}),
            "▲ not done",
            "The queue is full: try again in 30 s. It says: 10/10",
        ),
        (
            httpx.Response(
                503,
                headers={"x-pharos-edge-status": "offline"},
                json={"detail": {"error": "Edge Worker Offline"}},
            ),
            "▲ not done",
            "The edge worker is offline: bring it back, then try again. Nothing was done.",
        ),
        (httpx.ConnectError("refused"), "▲ not done", "Nothing was sent, nothing has changed."),
        (httpx.Response(500, json={"detail": "boom"}), "✖ failed", "It says: boom"),
        (
            httpx.ReadError("cut"),
            "? unknown outcome",
            "Look for the repository in the list of jobs before you ingest it again.",
        ),
    ],
    ids=["full", "offline", "unreachable", "failed", "unknown"],
)
async def test_what_came_of_it_is_told_in_plain_words(
    answer: httpx.Response | Exception, mark: str, words: str, tmp_path: Path
) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.broken[INGESTED] = answer
        result = await press(client, WAITING)

    told = text_of(result)
    assert mark in told
    assert words in told
    assert outside.posts == [INGESTED]  # and never again by itself
    assert "Look at it again" in told


async def test_what_the_api_says_cannot_become_a_part_of_the_page(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.broken[INGESTED] = httpx.Response(409, json={"detail": "<script>alert(1)</script>"})
        result = await press(client, WAITING)

    assert "<script>alert" not in result.text
    assert "&lt;script&gt;alert(1)" in result.text


async def test_a_failed_job_is_retried_and_no_other(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        failed = outside.fail("github.com/owner/name")
        ended = next(job for job in await outside.jobs() if job["status"] == "completed")
        choice = await client.get("/actions/retry-job")
        refused = await client.get(f"/actions/retry-job?job_id={ended['id']}")
        result = await press(client, f"/actions/retry-job?job_id={failed}")

    assert f"/actions/retry-job?job_id={failed}&amp;backend=default" in choice.text
    assert "Only a failed job is retried, and this one is completed." in text_of(refused)
    assert "<button" not in refused.text
    assert "✔ done" in text_of(result)
    assert outside.posts == [INGESTED]


async def test_the_cache_is_cleared_after_its_state_was_shown(tmp_path: Path) -> None:
    page = "ops_cache_hit_ratio 0.875\nops_cache_size_bytes 12500000\n"
    async with acting(tmp_path, page=page) as (service, outside), service.signed_in() as client:
        question = await client.get("/actions/clear-cache")
        result = await press(client, "/actions/clear-cache")

    assert "Hit ratio 87.5 % Size 12.5 MB" in text_of(question)
    assert "It cannot be undone" in text_of(question)
    assert 'class="button danger"' in question.text
    assert "The cache is cleared: " in text_of(result)
    assert outside.posts == [CLEARED]


@pytest.mark.parametrize("path", ["/actions/clear-cache", "/actions/cancel-job?repository={}"])
async def test_what_a_backend_does_not_offer_is_said_before_the_click(
    path: str, tmp_path: Path
) -> None:
    async with (
        acting(tmp_path, dialect=Dialect.DEPLOYED) as (service, outside),
        service.signed_in() as client,
    ):
        repository = (await outside.jobs())["jobs"][0]["repo_url"].removeprefix("https://")
        page = await client.get(path.format(repository))
        start = await client.get("/")

    assert "This is not offered by this backend" in text_of(page)
    assert "<button" not in page.text
    assert text_of(start).count("○ not offered by this backend") == 2


async def test_refresh_says_what_was_asked_and_what_was_too_soon(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        result = await press(client, "/actions/refresh")

    assert "Asked: health. Asked less than a minute ago, and heavy: workers." in text_of(result)


async def test_a_silent_exporter_is_said_and_stops_only_what_needs_it(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, outside), service.signed_in() as client:
        outside.silent = True
        ingest = await client.get(WAITING)
        retry = await client.get("/actions/retry-job?job_id=1")

    assert "The present state is not known: the exporter does not tell" in text_of(ingest)
    assert "Jobs waiting not known" in text_of(ingest)
    assert 'method="post"' in ingest.text
    assert "without it nothing is done" in text_of(retry)
    assert 'method="post"' not in retry.text


async def test_of_several_backends_one_is_chosen_and_an_unknown_one_is_refused(
    tmp_path: Path,
) -> None:
    targets = [{"name": name, "url": f"http://{name}.test"} for name in ("north", "south")]
    async with (
        acting(tmp_path, targets=targets) as (service, _),
        service.signed_in() as client,
    ):
        choice = await client.get("/actions/ingest")
        south = await client.get(f"{WAITING}&backend=south")
        unknown = await client.get("/actions/clear-cache?backend=west")

    assert "<option selected>north</option>" in choice.text
    assert form(south)["backend"] == "south"
    assert unknown.status_code == 400
    assert "There is no such backend; there are north, south." in text_of(unknown)
    assert 'method="post"' not in unknown.text


async def test_only_the_configured_grafana_is_linked_to(tmp_path: Path) -> None:
    async with acting(tmp_path) as (service, _), service.signed_in() as client:
        pages = [await client.get(url) for url in (*PATHS, WAITING, "/", "/jobs", "/events")]
        pages.append(await press(client, WAITING))

    links = {link for page in pages for link in LINK.findall(page.text)}
    assert links
    assert all(link.startswith("https://grafana.test/ops/d/ops-") for link in links), links


async def test_a_folder_of_a_proxy_is_before_each_path(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9848/ops-actions"
    async with (
        acting(tmp_path, actions={"url": url, "cooldown": "0s"}) as (service, _),
        service.signed_in(base_url=url) as client,
    ):
        page = await client.get(WAITING)
        sent = await client.post(INGEST.path, data=form(page))

    assert sent.headers["location"] == "/ops-actions/audit/1"
    assert not re.search(r'(href|src|action)="/(?!ops-actions)', page.text)
