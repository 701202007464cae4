from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from exporter.actions.cancel_job import CancelJob
from exporter.actions.model import State
from exporter.simulator.endpoints import Dialect
from tests.actions.places import Fake, answer, failed, jobs_page, told_of_jobs

if TYPE_CHECKING:
    from exporter.simulator.world import World
    from tests.actions.places import At

PATH = {"path": "/api/v1/ingestion/jobs/{job_id}/cancel"}
DEPLOYED = pytest.mark.parametrize("dialect", [Dialect.DEPLOYED], indirect=True)
REPOSITORY = "github.com/octocat/Hello-World"
WAITS = ("j-1", REPOSITORY, "pending", None)


@pytest.mark.parametrize("by", ["job_id", "repository"])
async def test_a_job_that_waits_is_cancelled(at: At, world: World, by: str) -> None:
    job = world.jobs.add(f"https://{REPOSITORY}", world.now)
    site = await told_of_jobs(at(cancel_job=PATH))
    parameters = {"job_id": job.id} if by == "job_id" else {"repository": REPOSITORY}

    confirmation = await CancelJob().confirm(site, parameters)
    outcome = await CancelJob().run(site, parameters)

    assert confirmation.refusal == ""
    assert confirmation.target == job.id
    assert confirmation.facts == [("Repository", REPOSITORY), ("State", "pending")]
    # The backend counts a cancelled job as failed: that is what was asked for.
    assert outcome.state is State.DONE
    assert outcome.message == f"The job {job.id} is cancelled."
    assert outcome.details == {"status": "failed"}
    assert (job.status, job.error) == ("failed", "cancelled")


async def test_a_job_that_is_processed_is_cancelled(at: At, world: World) -> None:
    world.jobs.add(f"https://{REPOSITORY}", world.now)
    while world.jobs.running is None:
        world.advance_to(world.now + 1)
    job = world.jobs.running

    outcome = await CancelJob().run(await told_of_jobs(at(cancel_job=PATH)), {"job_id": job.id})

    assert outcome.state is State.DONE
    assert world.jobs.running is None


@pytest.mark.parametrize("status", ["completed", "failed", "skipped"])
async def test_a_job_that_has_ended_is_not_cancelled(at: At, status: str) -> None:
    site = at(jobs_page(("j-1", REPOSITORY, status, 1.0)), cancel_job=PATH)

    confirmation = await CancelJob().confirm(site, {"job_id": "j-1"})

    assert confirmation.refusal == (
        f"Only a job that has not ended can be cancelled, and this one is {status}."
    )


async def test_a_job_that_has_ended_meanwhile_is_refused_by_the_backend(
    at: At, world: World
) -> None:
    job = failed(world, REPOSITORY)
    site = at(jobs_page((job.id, REPOSITORY, "pending", None)), cancel_job=PATH)

    outcome = await CancelJob().run(site, {"job_id": job.id})

    assert outcome.state is State.REFUSED
    assert outcome.message == (
        "The API cannot do this in the present state (HTTP 409). It says: Job has already"
        " ended: failed"
    )


async def test_a_job_that_the_backend_has_forgotten_is_said_so(at: At) -> None:
    outcome = await CancelJob().run(at(jobs_page(WAITS), cancel_job=PATH), {"job_id": "j-1"})

    assert outcome.state is State.REFUSED
    assert outcome.message == (
        "The backend knows no such job any more, or has no such path. It says: Job not found"
    )


async def test_an_id_stays_one_segment_of_the_path(at: At) -> None:
    fake = Fake(answer(200, {"status": "cancelled"}))
    site = fake.at(at(jobs_page(("a/../b?c", REPOSITORY, "pending", None)), cancel_job=PATH))

    outcome = await CancelJob().run(site, {"job_id": "a/../b?c"})

    assert outcome.state is State.DONE
    (asked,) = fake.asked
    assert asked == ("POST", "/api/v1/ingestion/jobs/a%2F..%2Fb%3Fc/cancel", b"{}")


async def test_of_the_jobs_of_a_repository_the_one_that_has_not_ended_is_meant(at: At) -> None:
    page = jobs_page(("j-0", REPOSITORY, "failed", 300.0), ("j-1", REPOSITORY, "processing", 1.0))

    confirmation = await CancelJob().confirm(at(page, cancel_job=PATH), {"repository": REPOSITORY})

    assert (confirmation.target, confirmation.refusal) == ("j-1", "")


async def test_where_several_could_be_meant_none_is_guessed(at: At) -> None:
    page = jobs_page(WAITS, ("j-2", REPOSITORY, "processing", 1.0))

    confirmation = await CancelJob().confirm(at(page, cancel_job=PATH), {"repository": REPOSITORY})

    assert confirmation.refusal == (f"2 jobs of {REPOSITORY} have not ended: name one by its id.")


@pytest.mark.parametrize("page", ["", jobs_page(WAITS)])
async def test_what_a_backend_does_not_offer_is_said_whatever_is_known(at: At, page: str) -> None:
    confirmation = await CancelJob().confirm(at(page), {"job_id": "j-1"})

    assert confirmation.refusal == (
        "This is not offered by this backend. If it has a path that cancels a job, set"
        " actions.cancel_job.path."
    )


@DEPLOYED
async def test_jobs_of_a_backend_that_gives_them_no_ids_cannot_be_named(
    at: At, world: World
) -> None:
    world.jobs.add(f"https://{REPOSITORY}", world.now)
    site = await told_of_jobs(at(cancel_job=PATH))

    confirmation = await CancelJob().confirm(site, {"repository": REPOSITORY})

    assert confirmation.target == hashlib.sha256(REPOSITORY.encode()).hexdigest()[:12]
    assert confirmation.refusal == (
        "This backend gives its jobs no ids, so none can be named to it."
    )


async def test_without_the_state_of_the_job_nothing_is_done(at: At) -> None:
    confirmation = await CancelJob().confirm(at(cancel_job=PATH), {"job_id": "j-1"})

    assert confirmation.target == "j-1"
    assert "(the exporter is away), and without it nothing is done." in confirmation.refusal
