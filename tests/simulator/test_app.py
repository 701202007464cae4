from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import httpx
import pytest

from exporter.simulator.app import Tokens, create_app
from exporter.simulator.control import described
from exporter.simulator.endpoints import ENDPOINTS, Dialect, offered
from exporter.simulator.kinds import KINDS
from tests.simulator.served import ROOT, START, Clock

if TYPE_CHECKING:
    from exporter.simulator.world import World

both = pytest.mark.parametrize("dialect", list(Dialect), indirect=True)
deployed_only = pytest.mark.parametrize("dialect", [Dialect.DEPLOYED], indirect=True)

REPOSITORY = "https://github.com/o/r"
INGEST = f"/api/v1/ingestion/ingest/{quote(REPOSITORY, safe='')}"
SPARSE = "/admin/sparse-embeddings/generate"
CLEAR = "/api/monitoring/cache/clear"
NONE = {"Authorization": ""}
READER = {"Authorization": "Bearer reader"}
WRONG = {"Authorization": "Bearer wrong"}


@both
async def test_every_endpoint_of_the_dialect_is_there(
    client: httpx.AsyncClient, dialect: Dialect
) -> None:
    for endpoint in offered(dialect):
        if endpoint.action:
            continue
        response = await client.get(endpoint.path.format(name="search"))
        expected = 500 if (endpoint.name, dialect) == ("models", Dialect.DEPLOYED) else 200
        assert expected == response.status_code, endpoint.name


@both
async def test_public_endpoints_need_no_token_and_the_others_do(
    client: httpx.AsyncClient, dialect: Dialect
) -> None:
    for endpoint in offered(dialect):
        path = endpoint.path.replace(":path", "").format(name="search", repo_url="x", job_id="x")
        response = await client.request(endpoint.method, path, headers=NONE)
        assert endpoint.public == (response.status_code != 401), endpoint.name
        if not endpoint.public:
            assert response.json() == {"detail": "Not authenticated"}
            assert response.headers["www-authenticate"] == "Bearer"


async def test_the_reading_token_reads_but_does_not_act(
    client: httpx.AsyncClient, world: World
) -> None:
    jobs = len(world.jobs.by_id)

    assert (await client.get("/api/monitoring/cache/stats", headers=READER)).status_code == 200
    response = await client.post(INGEST, headers=READER)

    assert response.status_code == 401
    assert response.json() == {"detail": "Invalid authentication token"}
    assert jobs == len(world.jobs.by_id)


@pytest.mark.parametrize("path", ["/api/monitoring/cache/stats", "/api/monitoring/events"])
async def test_a_wrong_token_is_refused(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers=WRONG)).status_code == 401


@pytest.mark.parametrize(
    ("tokens", "reads", "acts"),
    [
        (Tokens(), 200, 200),
        (Tokens(read="r"), 401, 401),
        (Tokens(admin="a"), 200, 401),
        (Tokens(read="r", admin="a"), 401, 401),
    ],
)
async def test_what_may_be_done_without_a_token_depends_on_those_configured(
    world: World, clock: Clock, tokens: Tokens, reads: int, acts: int
) -> None:
    transport = httpx.ASGITransport(create_app(world, clock=clock, tokens=tokens))
    async with httpx.AsyncClient(transport=transport, base_url="http://simulator") as client:
        assert reads == (await client.get("/api/monitoring/cache/stats")).status_code
        assert acts == (await client.post(INGEST)).status_code


async def test_the_designed_dialect_has_no_page_of_its_own(client: httpx.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404


@deployed_only
async def test_the_deployed_dialect_counts_its_readers_on_its_page(
    client: httpx.AsyncClient,
) -> None:
    await client.get("/api/monitoring/cache/stats")

    page = await client.get("/metrics")

    assert page.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'handler="/api/monitoring/cache/stats",method="GET",status="2xx"} 1.0' in page.text


@deployed_only
@pytest.mark.parametrize("path", [CLEAR, "/api/v1/ingestion/jobs/x/cancel", SPARSE])
async def test_the_deployed_dialect_lacks_some_actions(
    client: httpx.AsyncClient, path: str
) -> None:
    response = await client.post(path, json={})

    assert (response.status_code, response.json()) == (404, {"detail": "Not Found"})


async def test_a_wrong_method_is_refused_in_json(client: httpx.AsyncClient) -> None:
    response = await client.get(INGEST)

    assert (response.status_code, response.json()) == (405, {"detail": "Method Not Allowed"})


@both
async def test_an_ingested_repository_becomes_a_job_and_ends(
    client: httpx.AsyncClient, world: World, clock: Clock, dialect: Dialect
) -> None:
    clock.now += 1
    answer = (await client.post(INGEST)).json()

    job = next(job for job in world.jobs.newest_first() if job.repository == REPOSITORY)
    assert answer["status"] == "dispatched"
    assert answer["queue_position"] == answer["queue_size"] == world.jobs.pending
    assert answer["job_id"] == (job.number if dialect is Dialect.DEPLOYED else job.id)
    clock.now += 3600
    history = (await client.get("/api/v1/ingestion/jobs/history?limit=1000")).json()
    rows = history["jobs"] if dialect is Dialect.DEPLOYED else history
    states = [row["status"] for row in rows if row["repo_url"] == REPOSITORY]
    assert states[0] in {"completed", "failed", "skipped"}


async def test_a_retry_is_another_job_of_the_same_repository(
    client: httpx.AsyncClient, world: World
) -> None:
    for _ in range(2):
        await client.post(INGEST)

    assert sum(job.repository == REPOSITORY for job in world.jobs.by_id.values()) == 2


@both
@pytest.mark.parametrize("url", ["github.com/a;rm", "a/%2E%2E/b", "git@github.com:o/r", ""])
async def test_a_bad_repository_is_refused(client: httpx.AsyncClient, url: str) -> None:
    response = await client.post(f"/api/v1/ingestion/ingest/{url}")

    assert (response.status_code, response.json()) == (
        400,
        {"detail": "Invalid repository URL format"},
    )


@deployed_only
async def test_the_queue_of_the_deployed_dialect_is_full_at_ten(
    client: httpx.AsyncClient,
) -> None:
    statuses = [(await client.post(INGEST)).status_code for _ in range(11)]

    assert statuses.count(429) >= 1
    assert statuses[-1] == 429
    assert statuses[0] == 200


@both
async def test_without_the_edge_worker_nothing_is_ingested(
    client: httpx.AsyncClient, world: World
) -> None:
    world.faults.add({"kind": "worker_lost"}, START)

    response = await client.post(INGEST)

    assert response.status_code == 503
    assert response.headers["x-pharos-edge-status"] == "offline"
    assert response.json()["detail"]["error"] == "System Degraded: Edge Worker Offline"


async def test_a_job_is_cancelled_once(client: httpx.AsyncClient, world: World) -> None:
    job_id = (await client.post(INGEST)).json()["job_id"]
    path = f"/api/v1/ingestion/jobs/{job_id}/cancel"

    assert (await client.post(path)).json()["status"] == "failed"
    assert world.jobs.by_id[job_id].error == "cancelled"
    assert (await client.post(path)).status_code == 409
    assert (await client.post("/api/v1/ingestion/jobs/none/cancel")).status_code == 404


async def test_a_running_job_can_be_cancelled_and_frees_the_worker(
    client: httpx.AsyncClient, world: World, clock: Clock
) -> None:
    while world.jobs.running is None:
        clock.now += 1
        await client.post(INGEST)
    running = world.jobs.running

    await client.post(f"/api/v1/ingestion/jobs/{running.id}/cancel")

    assert running.status == "failed"
    clock.now += 10
    world.advance_to(clock.now)
    assert world.jobs.running is not running


async def test_a_cleared_cache_is_empty(client: httpx.AsyncClient) -> None:
    answer = (await client.post(CLEAR)).json()
    stats = (await client.get("/api/monitoring/cache/stats")).json()

    assert answer["status"] == "ok"
    assert answer["freed_mb"] > 0
    assert (stats["hit_rate"], stats["size_mb"]) == (0, 0)
    assert {0} == {key["hits"] for key in stats["top_keys"]}


@both
async def test_sparse_embeddings_are_generated_for_what_has_none(
    client: httpx.AsyncClient, world: World, dialect: Dialect
) -> None:
    path = f"/api/search{SPARSE}" if dialect is Dialect.DEPLOYED else SPARSE
    waiting = world.unindexed

    first = (await client.post(path, json={"batch_size": 32})).json()
    second = (await client.post(path, json={})).json()

    assert waiting == first["resources_to_process"] > 0
    assert second["resources_to_process"] == 0
    assert {"status", "job_id", "estimated_duration_minutes", "resources_to_process"} == set(first)
    assert (await client.post(path)).status_code == 422


async def test_faults_are_switched_on_listed_and_off_over_http(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    fault = {"kind": "set", "path": "error_rate", "value": 12, "for": "1m"}
    made = await client.post("/-/faults", json=fault)
    path = f"/-/faults/{made.json()['id']}"

    assert made.status_code == 201
    assert (await client.get("/api/monitoring/performance")).json()["error_rate"] == 12
    listed = (await client.get("/-/faults")).json()["faults"]
    assert listed == [made.json()]
    assert (await client.delete(path)).status_code == 200
    gone = await client.delete(path)
    assert gone.status_code == 404
    assert gone.json()["error"].endswith(": no such fault; switched on: none")
    assert (await client.get("/api/monitoring/performance")).json()["error_rate"] < 5

    await client.post("/-/faults", json=fault)
    clock.now += 61
    assert (await client.get("/-/faults")).json() == {"faults": []}

    await client.post("/-/faults", json=fault)
    assert (await client.delete("/-/faults")).json() == {"cleared": 1}


@pytest.mark.parametrize(
    ("body", "message"),
    [(b"{", "must be JSON"), (b"[]", "JSON object"), (b'{"kind": "x"}', 'kind: "x"')],
)
async def test_a_fault_described_wrongly_is_refused(
    client: httpx.AsyncClient, body: bytes, message: str
) -> None:
    response = await client.post("/-/faults", content=body)

    assert response.status_code == 400
    assert message in response.json()["error"]


async def test_the_control_pages_work_without_token_while_everything_is_down(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/-/faults", json={"kind": "down"})

    for path in ("/", "/-/healthy", "/-/faults", "/-/world"):
        assert (await client.get(path, headers=NONE)).status_code == 200
    assert (await client.get("/api/monitoring/health")).status_code == 503


async def test_the_landing_page_names_every_endpoint_and_kind(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text

    assert all(endpoint.path in page for endpoint in offered(Dialect.DESIGNED))
    assert all(f"<code>{kind}</code>" in page for kind in KINDS)


@deployed_only
async def test_a_slow_heavy_endpoint_stops_the_whole_deployed_backend(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/-/faults", json={"kind": "slow", "endpoint": "health", "seconds": 0.05})
    order: list[str] = []

    async def get(path: str) -> None:
        await client.get(path)
        order.append(path)

    # In one process the first to ask is the first in turn, and nothing else decides the order.
    await asyncio.gather(get("/api/monitoring/health"), get("/api/monitoring/cache/stats"))

    assert order == ["/api/monitoring/health", "/api/monitoring/cache/stats"]


async def test_in_the_designed_dialect_a_slow_endpoint_delays_no_other(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/-/faults", json={"kind": "hang", "endpoint": "health"})
    hanging = asyncio.create_task(client.get("/api/monitoring/health"))

    assert (await client.get("/api/monitoring/cache/stats")).status_code == 200
    assert not hanging.done()

    await client.delete("/-/faults")
    assert (await hanging).status_code == 200


async def test_a_stuck_answer_repeats_while_its_timestamp_moves(
    client: httpx.AsyncClient, clock: Clock
) -> None:
    await client.post("/-/faults", json={"kind": "stuck_value", "endpoint": "health"})

    first = (await client.get("/api/monitoring/health")).json()
    clock.now += 60
    second = (await client.get("/api/monitoring/health")).json()
    await client.delete("/-/faults")
    third = (await client.get("/api/monitoring/health")).json()

    assert first["timestamp"] < second["timestamp"]
    assert first["modules"] == second["modules"] != third["modules"]


async def test_wrong_types_leave_no_value_as_it_was(client: httpx.AsyncClient) -> None:
    right = (await client.get("/api/monitoring/performance")).json()
    await client.post("/-/faults", json={"kind": "wrong_types"})
    wrong = (await client.get("/api/monitoring/performance")).json()

    assert set(right) == set(wrong)
    assert set(right["api_response_time"]) == set(wrong["api_response_time"])
    numbers = [*wrong["api_response_time"].values(), wrong["error_rate"], wrong["uptime_seconds"]]
    assert not any(isinstance(number, int | float) for number in numbers)


def test_each_kind_of_fault_is_documented() -> None:
    text = (ROOT / "docs/simulator.md").read_text("utf-8")

    rows = {tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in text.splitlines()}
    for kind in KINDS:
        name, parameters, meaning = described(kind)
        assert (f"`{name}`", parameters, meaning) in rows


def test_each_endpoint_has_a_documented_name() -> None:
    text = (ROOT / "docs/simulator.md").read_text("utf-8")

    assert all(f"`{endpoint.name}`" in text for endpoint in ENDPOINTS)


@pytest.mark.parametrize("number", ["7", "x", "-1", "9" * 5000])
async def test_a_fault_that_is_not_switched_on_is_told_beside_those_that_are(
    client: httpx.AsyncClient, number: str
) -> None:
    await client.post("/-/faults", json={"kind": "down"})

    response = await client.delete(f"/-/faults/{number}")

    assert response.status_code == 404
    assert response.json() == {"error": f'id: "{number}": no such fault; switched on: 1 (down)'}


async def test_the_page_fits_a_phone_and_holds_no_markdown(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text

    assert '<meta name="viewport"' in page
    assert "<code>blocking</code> makes everything else wait too" in page
    assert "`" not in page
