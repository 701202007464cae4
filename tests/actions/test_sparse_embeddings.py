from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions.model import State
from exporter.actions.sparse_embeddings import ESTIMATED_MINUTES, TIMEOUT_S, SparseEmbeddings
from exporter.actions.upstream import Upstream
from exporter.settings import Api
from exporter.simulator.endpoints import Dialect
from tests.actions.places import Fake, answer

if TYPE_CHECKING:
    from exporter.actions.model import Outcome
    from exporter.simulator.world import World
    from tests.actions.places import At

BOTH = pytest.mark.parametrize("dialect", list(Dialect), indirect=True)
PATHS = ["/admin/sparse-embeddings/generate", "/api/search/admin/sparse-embeddings/generate"]


async def told(at: At, *answers: httpx.Response | Exception) -> tuple[Outcome, list[str]]:
    """Run it at a backend with *answers*; return the outcome and which paths were asked."""
    fake = Fake(*answers)
    outcome = await SparseEmbeddings().run(fake.at(at()), {})
    assert {(method, body) for method, _, body in fake.asked} == {("POST", b'{"batch_size": 32}')}
    return outcome, [path for _, path, _ in fake.asked]


@BOTH
async def test_embeddings_are_generated_in_either_dialect(at: At) -> None:
    confirmation = await SparseEmbeddings().confirm(at(), {})
    outcome = await SparseEmbeddings().run(at(), {})

    assert (confirmation.refusal, confirmation.target) == ("", "all")
    assert "cannot be stopped from here" in confirmation.undo
    assert outcome.state is State.DONE
    resources = outcome.details["resources"]
    assert outcome.message == f"Sparse embeddings were generated for {resources:,} resources."
    assert outcome.details[ESTIMATED_MINUTES] >= 1


async def test_http_200_is_no_success_when_the_body_says_failed(at: At) -> None:
    said = {"status": "failed", "error": "CUDA out of memory", "estimated_duration_minutes": 12}

    outcome, asked = await told(at, answer(200, said))

    assert outcome.state is State.FAILED
    assert outcome.message == "The API says that it failed: CUDA out of memory"
    assert outcome.details == {ESTIMATED_MINUTES: 12}
    assert asked == PATHS[:1]


async def test_an_error_that_the_backend_tells_with_http_200_is_a_failure(
    at: At, world: World
) -> None:
    world.faults.add({"kind": "error", "endpoint": "generate"}, world.now)

    outcome = await SparseEmbeddings().run(at(), {})

    assert outcome.state is State.FAILED
    assert outcome.message.startswith("The API says that it failed: could not connect")


@pytest.mark.parametrize("status", ["queued", "running", "", "half"])
async def test_a_status_that_does_not_say_that_it_is_done_is_an_unknown_outcome(
    at: At, status: str
) -> None:
    outcome, _ = await told(at, answer(200, {"status": status, "resources_to_process": 5}))

    assert outcome.state is State.UNKNOWN
    assert f"“{status}”, which does not say that it is done" in outcome.message


async def test_the_other_path_is_asked_only_where_nothing_was_done(at: At) -> None:
    done = answer(200, {"status": "completed"})

    for refused in (404, 405, 501):
        outcome, asked = await told(at, answer(refused), done)
        assert (outcome.state, asked) == (State.DONE, PATHS)


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (answer(200, {"status": "completed"}), State.DONE),
        (answer(409, {"detail": "it is running"}), State.REFUSED),
        (answer(429), State.REFUSED),
        (answer(500), State.FAILED),
        (answer(503), State.REFUSED),
        (answer(504), State.UNKNOWN),
        (httpx.ReadError("gone"), State.UNKNOWN),
        (httpx.ConnectError("no"), State.REFUSED),
    ],
)
async def test_nothing_is_sent_a_second_time(
    at: At, given: httpx.Response | Exception, state: State
) -> None:
    outcome, asked = await told(at, given)

    assert (outcome.state, asked) == (state, PATHS[:1])


async def test_a_backend_with_neither_path_does_not_offer_it(at: At) -> None:
    outcome, _ = await told(at, answer(404), answer(404))

    assert outcome.state is State.REFUSED
    assert outcome.message.startswith("This is not offered by this backend")


@pytest.mark.parametrize("minutes", [0, -1, 1e300, "12", None, [3], True, {"a": 1}])
async def test_an_estimate_that_cannot_be_right_is_none(at: At, minutes: object) -> None:
    said = {"status": "completed", "estimated_duration_minutes": minutes}

    outcome, _ = await told(at, answer(200, said))

    assert (outcome.state, outcome.details) == (State.DONE, {})


async def test_a_number_that_no_database_keeps_is_left_out(at: At) -> None:
    content = b'{"status": "completed", "resources_to_process": NaN}'
    given = httpx.Response(200, content=content)

    outcome, _ = await told(at, given)

    assert (outcome.message, outcome.details) == ("Sparse embeddings were generated.", {})


async def test_it_has_two_hours_and_not_the_deadline_of_the_others(at: At) -> None:
    async def generate(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.2)
        return answer(200, {"status": "completed"})

    transport = httpx.MockTransport(generate)
    hasty = Upstream(Api(url="http://fake"), lambda: "admin", 0.05, transport=transport)

    outcome = await SparseEmbeddings().run(replace(at(), upstream=hasty), {})

    assert outcome.state is State.DONE
    assert TIMEOUT_S == 2 * 60 * 60
