"""Each fault of the transport, seen by a real client over a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.simulator.served import Served, running

if TYPE_CHECKING:
    from collections.abc import Iterator

CACHE = "/api/monitoring/cache/stats"
HEALTH = "/api/monitoring/health"
LIGHT = "/api/monitoring/health/ml"


@pytest.fixture(scope="module", params=["designed", "deployed"])
def server(request: pytest.FixtureRequest) -> Iterator[Served]:
    with running("--dialect", request.param, "--slow-scale", "0.05") as served:
        yield served


@pytest.fixture(scope="module")
def deployed() -> Iterator[Served]:
    with running("--dialect", "deployed", "--slow-scale", "0") as served:
        yield served


@pytest.fixture
def simulator(server: Served) -> Iterator[Served]:
    yield server
    server.mend()


@pytest.fixture
def alone(deployed: Served) -> Iterator[Served]:
    """A deployed backend whose slow endpoints are slow only when a fault says so."""
    yield deployed
    deployed.mend()


def ask(simulator: Served, path: str = CACHE, timeout_s: float = 10.0) -> httpx.Response:
    return httpx.get(f"{simulator.url}{path}", timeout=timeout_s, trust_env=False)


def test_down_answers_503_everywhere(simulator: Served) -> None:
    simulator.fault(kind="down")

    assert ask(simulator).status_code == 503
    assert ask(simulator, HEALTH).status_code == 503
    simulator.mend()
    assert ask(simulator).status_code == 200


def test_refuse_closes_the_connection_without_an_answer(simulator: Served) -> None:
    simulator.fault(kind="refuse", endpoint="cache")

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        ask(simulator)
    assert ask(simulator, LIGHT).status_code == 200


def test_slow_answers_later_and_right(simulator: Served) -> None:
    simulator.fault(kind="slow", endpoint="cache", seconds=0.5)

    with pytest.raises(httpx.ReadTimeout):
        ask(simulator, timeout_s=0.2)
    response = ask(simulator)

    assert response.status_code == 200
    assert response.elapsed.total_seconds() >= 0.5


async def test_hang_answers_once_the_fault_is_cleared(simulator: Served) -> None:
    simulator.fault(kind="hang", endpoint="cache")

    async with httpx.AsyncClient(base_url=simulator.url, trust_env=False) as client:
        hanging = asyncio.create_task(client.get(CACHE, timeout=30))
        done, _ = await asyncio.wait([hanging], timeout=0.3)
        assert not done
        assert (await client.get(LIGHT)).status_code == 200
        await client.delete("/-/faults")
        assert (await hanging).status_code == 200


def test_error_answers_200_with_a_status_that_says_error(simulator: Served) -> None:
    simulator.fault(kind="error", endpoint="cache")

    response = ask(simulator)

    assert response.status_code == 200
    assert response.json()["status"] == "error"
    assert response.json()["error"]


def test_http_500_has_the_body_of_the_real_backend(simulator: Served) -> None:
    simulator.fault(kind="500", endpoint="cache")

    response = ask(simulator)

    assert (response.status_code, response.json()) == (500, {"detail": "Internal server error"})


def test_garbage_is_a_page_with_200(simulator: Served) -> None:
    simulator.fault(kind="garbage", endpoint="cache")

    response = ask(simulator)

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert "<html>" in response.text


def test_truncated_promises_more_than_it_sends(simulator: Served) -> None:
    simulator.fault(kind="truncated", endpoint="cache")

    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        ask(simulator)


def test_huge_streams_as_much_as_asked_for(simulator: Served) -> None:
    simulator.fault(kind="huge", endpoint="cache", bytes=3_000_000)

    response = ask(simulator)

    assert "content-length" not in response.headers
    assert len(response.content) == 3_000_000
    assert response.json()["padding"]


def test_wrong_types_is_still_json(simulator: Served) -> None:
    simulator.fault(kind="wrong_types", endpoint="health")

    assert isinstance(ask(simulator, HEALTH).json()["status"], int)


def test_a_client_that_leaves_does_not_free_a_hung_deployed_backend(alone: Served) -> None:
    alone.fault(kind="hang", endpoint="health")

    with pytest.raises(httpx.ReadTimeout):
        ask(alone, HEALTH, timeout_s=0.3)
    with pytest.raises(httpx.ReadTimeout):
        ask(alone, LIGHT, timeout_s=0.3)
    alone.mend()
    assert ask(alone, LIGHT).status_code == 200
