from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.actions.ingest import Ingest
from exporter.actions.model import InputError, Site, State
from exporter.actions.words import plain
from exporter.settings import ActionsSettings
from exporter.simulator.endpoints import Dialect

if TYPE_CHECKING:
    from exporter.actions.model import Outcome
    from exporter.simulator.world import World
    from tests.actions.places import At

BOTH = pytest.mark.parametrize("dialect", list(Dialect), indirect=True)
REPOSITORY = {"repo_url": "github.com/octocat/Hello-World"}
PAGE = """\
ops_ingestion_jobs{status="pending"} 3.0
ops_ingestion_jobs{status="processing"} 1.0
ops_queue_length 1204.0
ops_worker_status{worker="edge-1",kind="edge",status="online"} 0.0
ops_worker_status{worker="edge-1",kind="edge",status="offline"} 1.0
"""


async def run(site: Site) -> Outcome:
    return await Ingest().run(site, REPOSITORY)


def test_the_form_is_read_into_one_form_of_the_address() -> None:
    settings = ActionsSettings()

    assert Ingest().clean({"repo_url": "https://GitHub.com/o/r/"}, settings) == {
        "repo_url": "github.com/o/r"
    }
    with pytest.raises(InputError):
        Ingest().clean({}, settings)


def test_a_host_of_ones_own_may_be_allowed() -> None:
    settings = ActionsSettings.model_validate({"ingest": {"hosts": ["git.example.org"]}})

    assert Ingest().clean({"repo_url": "git.example.org/o/r"}, settings) == {
        "repo_url": "git.example.org/o/r"
    }
    with pytest.raises(InputError, match=r"from git\.example\.org only"):
        Ingest().clean({"repo_url": "github.com/o/r"}, settings)


async def test_the_confirmation_tells_the_present_queue(at: At) -> None:
    confirmation = await Ingest().confirm(at(PAGE), REPOSITORY)

    assert confirmation.target == "github.com/octocat/Hello-World"
    assert not confirmation.refusal
    assert dict(confirmation.facts) == {
        "Jobs waiting": "3",
        "Jobs being processed": "1",
        "Tasks in the queue": "1,204",
        "Edge worker": "offline",
    }


async def test_what_is_not_known_is_told_as_unknown(at: At) -> None:
    confirmation = await Ingest().confirm(at(), REPOSITORY)

    assert not confirmation.refusal
    assert dict(confirmation.facts) == {
        "Jobs waiting": None,
        "Jobs being processed": None,
        "Edge worker": None,
    }


@BOTH
async def test_a_repository_joins_the_queue_of_the_backend(at: At, world: World) -> None:
    outcome = await run(at())

    assert outcome.state is State.DONE
    assert outcome.message.startswith("github.com/octocat/Hello-World is in the queue at position")
    assert world.jobs.newest_first()[0].repository == "github.com/octocat/Hello-World"
    assert "job id" in outcome.details


@BOTH
async def test_a_full_queue_refuses(at: At, world: World) -> None:
    for _ in range(101):
        world.jobs.add("github.com/o/r", world.now)
    before = len(world.jobs.by_id)

    outcome = await run(at())

    assert outcome.state is State.REFUSED
    assert outcome.message.startswith("The queue is full: try again when it has become shorter.")
    assert len(world.jobs.by_id) == before


@BOTH
async def test_an_edge_worker_that_is_offline_is_named(at: At, world: World) -> None:
    world.faults.add({"kind": "worker_lost"}, world.now)

    outcome = await run(at())

    assert outcome.state is State.REFUSED
    assert outcome.message.startswith("The edge worker is offline")
    assert "System Degraded: Edge Worker Offline" in outcome.message
    assert outcome.details["HTTP status"] == 503


@BOTH
async def test_a_queue_that_cannot_be_reached_refuses(at: At, world: World) -> None:
    world.faults.add({"kind": "set", "path": "components.redis.status", "value": "down"}, world.now)

    outcome = await run(at())

    assert outcome.state is State.REFUSED
    assert "its queue is not (HTTP 503)" in outcome.message


async def test_a_backend_that_finds_the_address_wrong_is_quoted(at: At) -> None:
    outcome = await Ingest().run(at(), {"repo_url": "github.com/only-an-owner"})

    assert outcome.state is State.REFUSED
    assert outcome.message == (
        "The API does not accept this (HTTP 400). It says: Invalid repository URL format"
    )


@pytest.mark.parametrize("token", ["", "reader"])
async def test_a_wrong_admin_token_is_said_so(at: At, token: str) -> None:
    outcome = await run(at(acting=token))

    assert outcome.state is State.REFUSED
    assert "does not accept the admin token (HTTP 401): check admin_token_file" in outcome.message


async def test_an_error_of_the_backend_is_a_failure(at: At, world: World) -> None:
    world.faults.add({"kind": "http_500", "endpoint": "ingest"}, world.now)

    outcome = await run(at())

    assert outcome.state is State.FAILED
    assert "HTTP 500" in outcome.message


async def test_http_200_is_no_success_when_the_body_says_error(at: At, world: World) -> None:
    world.faults.add({"kind": "error", "endpoint": "ingest"}, world.now)

    outcome = await run(at())

    assert outcome.state is State.FAILED
    assert outcome.message.startswith("The API says that it failed: could not connect")


@pytest.mark.parametrize("kind", ["garbage", "wrong_types", "huge", "refuse"])
async def test_an_answer_that_nobody_can_read_is_an_unknown_outcome(
    at: At, world: World, kind: str
) -> None:
    world.faults.add({"kind": kind, "endpoint": "ingest"}, world.now)

    outcome = await run(at())

    assert outcome.state is State.UNKNOWN
    assert outcome.message.startswith("Unknown outcome:")
    assert "was not sent again" in outcome.message


def test_texts_of_others_are_one_short_line() -> None:
    told = plain("a\r\nb\x1b[31m\u202e" + "c" * 1000)

    assert told.startswith("a b [31m c")
    assert len(told) == 300
    assert told.isprintable()
