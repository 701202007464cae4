from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.actions.model import InputError, State
from exporter.actions.retry_job import RetryJob
from exporter.settings import ActionsSettings
from exporter.simulator.endpoints import Dialect
from tests.actions.places import failed, jobs_page, told_of_jobs

if TYPE_CHECKING:
    from exporter.simulator.world import World
    from tests.actions.places import At

BOTH = pytest.mark.parametrize("dialect", list(Dialect), indirect=True)
REPOSITORY = "github.com/octocat/Hello-World"
OLD = ("j-1", REPOSITORY, "failed", 100.0)


async def refusal(at: At, page: str, **parameters: str) -> str:
    return (await RetryJob().confirm(at(page), parameters or {"job_id": "j-1"})).refusal


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"job_id": " j-1 "}, {"job_id": "j-1"}),
        ({"job_id": "j-1", "repository": "github.com/o/r"}, {"job_id": "j-1"}),
        ({"job_id": " ", "repository": f"https://{REPOSITORY}"}, {"repository": REPOSITORY}),
    ],
)
def test_a_job_is_named_by_its_id_or_by_its_repository(
    raw: dict[str, str], expected: dict[str, str]
) -> None:
    assert RetryJob().clean(raw, ActionsSettings()) == expected


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ({}, "job_id"),
        ({"job_id": "", "repository": " "}, "job_id"),
        ({"job_id": ".."}, "job_id"),
        ({"job_id": "a\nb"}, "job_id"),
        ({"job_id": "j" * 129}, "job_id"),
        ({"repository": "ftp://github.com/o/r"}, "repository"),
    ],
)
def test_what_names_no_job_is_refused(raw: dict[str, str], name: str) -> None:
    with pytest.raises(InputError) as refused:
        RetryJob().clean(raw, ActionsSettings())

    assert refused.value.name == name


@BOTH
@pytest.mark.parametrize("by", ["job_id", "repository"])
async def test_the_repository_of_a_failed_job_is_ingested_again(
    at: At, world: World, by: str
) -> None:
    job = failed(world, REPOSITORY)
    site = await told_of_jobs(at())
    (known,) = (
        labels["job_id"]
        for labels, _ in site.readings.samples("ops_ingestion_job_info")
        if labels["repository"] == REPOSITORY
    )
    parameters = {"job_id": known} if by == "job_id" else {"repository": REPOSITORY}

    confirmation = await RetryJob().confirm(site, parameters)
    outcome = await RetryJob().run(site, parameters)

    assert confirmation.refusal == ""
    assert confirmation.target == REPOSITORY
    assert confirmation.will == (
        f"{REPOSITORY} will join the queue again; its job {known} has failed."
    )
    assert dict(confirmation.facts)["State"] == "failed"
    assert outcome.state is State.DONE
    newest = world.jobs.newest_first()[0]
    assert (newest.repository, newest.status) == (REPOSITORY, "pending")
    assert job.status == "failed"


@pytest.mark.parametrize("status", ["pending", "processing", "completed", "skipped"])
async def test_only_a_failed_job_is_retried(at: At, status: str) -> None:
    page = jobs_page(("j-1", REPOSITORY, status, 100.0))

    assert await refusal(at, page) == f"Only a failed job is retried, and this one is {status}."


async def test_of_several_jobs_of_a_repository_the_newest_is_meant(at: At) -> None:
    page = jobs_page(OLD, ("j-2", REPOSITORY, "completed", 200.0))

    said = await refusal(at, page, repository=REPOSITORY)

    assert said == "Only a failed job is retried, and this one is completed."


@pytest.mark.parametrize(("status", "started"), [("pending", None), ("processing", 200.0)])
async def test_what_is_on_its_way_again_is_not_queued_twice(
    at: At, status: str, started: float | None
) -> None:
    page = jobs_page(OLD, ("j-2", REPOSITORY, status, started))

    said = await refusal(at, page)

    assert said == f"The repository is on its way again already: job j-2 is {status}."


async def test_without_the_state_of_the_job_nothing_is_done(at: At) -> None:
    said = await refusal(at, "")

    assert said == (
        "The state of the job is not known (the exporter is away), and without it nothing is"
        " done. To ingest a repository whatever its jobs, use “Ingest a repository”."
    )


async def test_an_exporter_that_has_no_jobs_yet_is_said_so(at: At) -> None:
    assert "has no job history of this backend" in await refusal(at, "ops_queue_length 1.0\n")


@pytest.mark.parametrize(
    ("parameters", "what"),
    [
        ({"job_id": "j-9"}, "knows no job j-9: it tells of the latest jobs only."),
        ({"repository": "github.com/o/r"}, "knows no job of github.com/o/r: it tells"),
    ],
)
async def test_a_job_that_is_not_known_is_said_so(
    at: At, parameters: dict[str, str], what: str
) -> None:
    assert what in await refusal(at, jobs_page(OLD), **parameters)


async def test_a_job_may_name_what_may_not_be_ingested(at: At) -> None:
    page = jobs_page(("j-1", "git.internal/o/r", "failed", 100.0))

    said = await refusal(at, page)

    assert said.startswith("The job names 'git.internal/o/r', which may not be ingested.")
    assert "Repositories may be ingested from github.com" in said


async def test_a_name_that_was_cut_is_not_taken_for_the_whole(at: At) -> None:
    cut = "github.com/o/" + "r" * 106 + "~0123abcd"

    assert "too long to be known whole" in await refusal(at, jobs_page(("j-1", cut, "failed", 1.0)))
