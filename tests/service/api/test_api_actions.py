"""Actions by the API: they act once, and the answer says honestly what came of it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exporter.actions import ACTIONS
from tests.service.alerting import eventually
from tests.service.api.calling import Place, Script, calling, problem
from tests.service.upstreams import API

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

INGEST = "/actions/ingest"
REFRESH = "/actions/refresh"
CLEAR = "/actions/clear-cache"
SPARSE = "/actions/generate-sparse-embeddings"
REPOSITORY = "github.com/owner/name"
INGESTED = "/api/v1/ingestion/ingest/github.com%2Fowner%2Fname"
GENERATED = "/admin/sparse-embeddings/generate"
BODY = {"repo_url": f"https://{REPOSITORY}"}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


def _posted(place: Place) -> Callable[[], Awaitable[bool]]:
    async def posted() -> bool:
        return bool(place.outside.posts)

    return posted


def _done(script: Script, number: int = 1) -> Callable[[], Awaitable[bool]]:
    async def done() -> bool:
        return bool((await script.get(f"/audit/{number}")).json()["state"] == "done")

    return done


async def test_what_it_would_do_is_said_and_nothing_changes(place: Place) -> None:
    before = await place.service.fingerprint()
    async with place.script("read") as script:
        answer = await script.get(INGEST, repo_url=f"https://{REPOSITORY}")

    assert answer.status_code == 200
    told = answer.json()
    assert (told["action"], told["backend"], told["target"]) == ("ingest", "default", REPOSITORY)
    assert told["will"].startswith(f"{REPOSITORY} will join the queue")
    assert told["refusal"] == ""
    assert {"name": "Jobs waiting", "value": "0"} in told["facts"]
    assert {"name": "Edge worker", "value": None} in told["facts"]
    assert place.outside.posts == []
    assert await place.service.fingerprint() == before


async def test_it_is_done_and_stands_in_the_audit(place: Place) -> None:
    async with place.script() as script:
        answer = await script.post(INGEST, BODY)
        record = answer.json()
        entry = (await script.get(f"/audit/{record['id']}")).json()

    assert answer.status_code == 200
    assert (record["state"], record["who"], record["via"]) == ("done", "all", "api")
    assert record["parameters"] == {"backend": "default", "repo_url": REPOSITORY}
    assert record["message"] == f"{REPOSITORY} is in the queue at position 1."
    assert entry == record
    assert place.outside.posts == [INGESTED]


async def test_every_action_can_be_done(place: Place) -> None:
    failed = place.outside.fail(REPOSITORY)
    bodies: dict[str, Any] = {
        "ingest": {"repo_url": "github.com/owner/other"},
        "retry-job": {"job_id": failed},
        "cancel-job": {"repository": "github.com/owner/other"},
    }
    async with place.script() as script:
        for action in ACTIONS:
            slug = action.route.slug
            previewed = await script.get(action.route.path, **bodies.get(slug, {}))
            # What the exporter says of the jobs is known for two seconds.
            place.service.runtime.performer.sites.reader._kept.clear()
            answer = await script.post(action.route.path, bodies.get(slug, {}))
            assert previewed.status_code == 200, previewed.text
            assert answer.status_code == (202 if action.background else 200), answer.text
            assert answer.json()["action"] == slug


async def test_the_same_key_acts_once_and_gets_the_same_answer(place: Place) -> None:
    async with place.script() as script:
        first = await script.post(INGEST, BODY, key="once")
        again = await script.post(INGEST, {"repo_url": f"{REPOSITORY}/"}, key="once")

    assert again.status_code == first.status_code == 200
    assert again.json() == first.json()
    assert place.outside.posts == [INGESTED]


async def test_a_double_click_gets_one_answer(place: Place) -> None:
    place.outside.gates[INGESTED] = asyncio.Event()
    async with place.script() as script:
        both = [asyncio.create_task(script.post(INGEST, BODY, key="once")) for _ in range(2)]
        await eventually(_posted(place))
        place.outside.gates[INGESTED].set()
        first, second = await asyncio.gather(*both)

    assert first.json() == second.json()
    assert first.json()["state"] == "done"
    assert place.outside.posts == [INGESTED]


async def test_the_same_key_with_other_values_is_refused(place: Place) -> None:
    async with place.script() as script:
        await script.post(INGEST, BODY, key="once")
        answer = await script.post(INGEST, {"repo_url": "github.com/owner/other"}, key="once")

    problem(answer, 422, "key-reused")
    assert place.outside.posts == [INGESTED]


async def test_the_key_of_one_script_is_not_that_of_another(place: Place) -> None:
    async with place.script("all") as one, place.script("act") as other:
        first = await one.post(REFRESH, {}, key="once")
        second = await other.post(REFRESH, {}, key="once")

    assert first.json()["id"] != second.json()["id"]
    assert second.json()["who"] == "act"


async def test_a_refusal_is_a_conflict_with_its_reason_and_a_number(place: Place) -> None:
    job = (await place.outside.jobs())[0]
    async with place.script() as script:
        answer = await script.post("/actions/retry-job", {"job_id": job["id"]}, key="once")
        again = await script.post("/actions/retry-job", {"job_id": job["id"]}, key="once")
        told = problem(answer, 409)
        entry = (await script.get(f"/audit/{told.audit}")).json()

    assert (entry["state"], entry["message"]) == ("refused", told.detail)
    assert again.json() == answer.json()
    assert place.outside.posts == []


async def test_a_failure_is_told_as_the_other_sides(place: Place) -> None:
    place.outside.broken["/api/monitoring/cache/clear"] = httpx.Response(
        200, json={"status": "error", "message": "Redis is away"}
    )
    async with place.script() as script:
        answer = await script.post(CLEAR, {})

    told = problem(answer, 502)
    assert "Redis is away" in told.detail
    assert told.audit == 1


async def test_what_nobody_knows_is_said_so_and_not_sent_again(place: Place) -> None:
    place.outside.broken[INGESTED] = httpx.ReadError("cut")
    async with place.script() as script:
        answer = await script.post(INGEST, BODY, key="once")
        again = await script.post(INGEST, BODY, key="once")

    assert problem(answer, 504).detail.startswith("Unknown outcome")
    assert again.json() == answer.json()
    assert place.outside.posts == [INGESTED]


async def test_too_soon_says_when_and_does_not_use_up_the_key(tmp_path: Path) -> None:
    offered = {"cooldown": "60s"}
    async with calling(tmp_path, actions=offered) as place, place.script() as script:
        await script.post(REFRESH, {})
        place.service.wall.now += 12.5
        answer = await script.post(REFRESH, {}, key="later")
        place.service.wall.now += 60
        later = await script.post(REFRESH, {}, key="later")

    told = problem(answer, 429, "too-soon")
    assert answer.headers["retry-after"] == "48"
    assert told.audit == 1
    assert later.json()["state"] == "done"


async def test_a_script_acts_so_often_and_no_more(place: Place) -> None:
    async with place.script("act") as script, place.script("all") as other:
        for _ in range(30):
            assert (await script.post(REFRESH, {})).status_code == 200
        refused = await script.post(REFRESH, {})
        assert (await other.post(REFRESH, {})).status_code == 200

    problem(refused, 429, "too-many")
    assert 1 <= int(refused.headers["retry-after"]) <= 60


async def test_what_runs_in_the_background_is_accepted_and_joined(place: Place) -> None:
    place.outside.gates[GENERATED] = asyncio.Event()
    async with place.script() as script:
        first = await script.post(SPARSE, {}, key="first")
        again = await script.post(SPARSE, {}, key="first")
        joined = await script.post(SPARSE, {}, key="second")
        running = (await script.get(f"{SPARSE}/progress")).json()
        place.outside.gates[GENERATED].set()
        await eventually(_done(script))
        over = (await script.get(f"{SPARSE}/progress")).json()
        at_last = await script.post(SPARSE, {}, key="second")

    assert first.status_code == again.status_code == joined.status_code == 202
    assert first.headers["location"] == joined.headers["location"] == "/api/v1/audit/1"
    assert joined.json() == first.json()
    assert running["running"]["id"] == 1
    assert (running["progress"], running["eta_s"], running["basis"]) == (None, None, "")
    assert over["running"] is None
    assert over["last_generated_at"] == "2027-01-15T08:00:00Z"
    assert (at_last.status_code, at_last.json()["state"]) == (200, "done")


async def test_progress_is_an_estimate_and_at_most_95_percent(place: Place) -> None:
    async with place.script() as script:
        place.outside.gates[GENERATED] = asyncio.Event()
        await script.post(SPARSE, {})
        place.service.wall.now += 100
        place.outside.gates.pop(GENERATED).set()
        await eventually(_done(script))
        place.outside.gates[GENERATED] = asyncio.Event()
        await script.post(SPARSE, {})
        place.service.wall.now += 25
        quarter = (await script.get(f"{SPARSE}/progress")).json()
        place.service.wall.now += 500
        late = (await script.get(f"{SPARSE}/progress", backend="default")).json()
        place.outside.gates[GENERATED].set()

    assert (quarter["progress"], quarter["eta_s"], quarter["overdue"]) == (0.25, 75.0, False)
    assert quarter["basis"] == "estimated from the last run"
    assert (late["progress"], late["eta_s"], late["overdue"]) == (0.95, None, True)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://evil.example/a/b", "from github.com"),
        ("http://github.com/a/b", "Write https://"),
        ("https://ann:secret@github.com/a/b", "Leave out user and password"),
        ("github.com/../b", "digits, dots"),
        ("github.com/a/b\r\nHost: evil", "line ends"),
    ],
)
async def test_what_may_not_be_ingested_is_named_with_its_place(
    place: Place, url: str, words: str
) -> None:
    async with place.script() as script:
        answers = [
            await script.post(INGEST, {"repo_url": url}),
            await script.get(INGEST, repo_url=url),
        ]

    for answer in answers:
        told = problem(answer, 422, "invalid")
        (mistake,) = told.errors
        assert mistake.place == "repo_url"
        assert words in mistake.detail
        assert "secret" not in answer.text
    assert place.outside.posts == []


async def test_each_backend_has_its_own(tmp_path: Path) -> None:
    targets = [{"name": name, "url": API, "token": "reader"} for name in ("north", "south")]
    async with calling(tmp_path, targets=targets) as place, place.script() as script:
        south = await script.post(INGEST, {**BODY, "backend": "south"})
        first = await script.post(INGEST, BODY)
        unknown = await script.post(INGEST, {**BODY, "backend": "west"})
        looked = await script.get("/actions/refresh", backend="west")

    assert south.json()["target"] == f"south: {REPOSITORY}"
    assert first.json()["target"] == f"north: {REPOSITORY}"
    for answer in (unknown, looked):
        assert problem(answer, 404).detail == "There is no such backend; there are north, south."


async def test_an_entry_leads_to_where_the_proxy_has_us(tmp_path: Path) -> None:
    actions = {"url": "http://127.0.0.1:9848/ops-actions", "cooldown": "0s"}
    async with calling(tmp_path, actions=actions) as place, place.script() as script:
        answer = await script.client.post(
            "/ops-actions/api/v1/actions/generate-sparse-embeddings",
            json={},
            headers={"idempotency-key": "k"},
        )
        entry = await script.client.get(answer.headers["location"])
        servers = (await script.get("/openapi.json")).json()["servers"]

    assert answer.headers["location"] == "/ops-actions/api/v1/audit/1"
    assert entry.json()["id"] == 1
    assert servers == [{"url": "/ops-actions/api"}]
