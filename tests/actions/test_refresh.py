from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest
import yaml

from exporter.actions.model import State
from exporter.actions.refresh import Refresh
from exporter.actions.upstream import Upstream
from exporter.settings import Api
from tests.actions.places import Fake, answer
from tests.simulator.served import running

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.actions.places import At
    from tests.conftest import Start


async def test_the_confirmation_says_that_nothing_changes(at: At) -> None:
    known = await Refresh().confirm(at("ops_queue_length 1.0\n"), {})
    silent = await Refresh().confirm(at(), {})

    assert known.refusal == silent.refusal == ""
    assert "Nothing is changed" in known.undo
    assert known.facts == [("Exporter", "answers")]
    assert silent.facts == [("Exporter", "the exporter is away")]


async def test_the_exporter_asks_the_backend_at_once(
    at: At, start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    with running() as simulator:
        port = free_port()
        config = tmp_path / "ops.yml"
        config.write_text(yaml.safe_dump({"api": {"url": simulator.url}}))
        url = f"http://127.0.0.1:{port}"
        start(
            *(sys.executable, "-m", "exporter.cli", "serve"),
            *("--config.file", config, "--web.listen-address", f"127.0.0.1:{port}"),
            ready=f"{url}/-/ready",
        )
        exporter = Upstream(Api(url=url), str, 10.0)
        site = replace(at(), exporter=exporter)
        outcome = await Refresh().run(site, {})
        unknown = await Refresh().run(replace(site, backend="elsewhere"), {})
        await exporter.close()

    assert outcome.state is State.DONE
    assert outcome.message.startswith("Asked: ")
    assert "workers" in f"{outcome.details}"
    assert unknown.state is State.REFUSED
    assert "The exporter does not know the backend elsewhere" in unknown.message


async def test_what_was_asked_a_moment_ago_is_said_so(at: At) -> None:
    told = {"asked": [], "joined": ["health"], "too_soon": ["workers", "models"]}
    fake = Fake(answer(200, told))

    outcome = await Refresh().run(fake.at(at()), {})

    assert outcome.state is State.DONE
    assert outcome.message == (
        "Asked: nothing new. Asked less than a minute ago, and heavy: workers, models."
    )
    assert outcome.details == {"was being asked": "health", "too soon": "workers, models"}
    assert fake.asked == [("POST", "/-/poll?target=default", b"")]


@pytest.mark.parametrize(
    ("given", "state", "says"),
    [
        (answer(401), State.REFUSED, "wants a user and a password, which this service"),
        (answer(403), State.REFUSED, "The exporter, or a proxy before it, does not let"),
        (answer(200, ["a list"]), State.UNKNOWN, "an answer of another shape"),
        (httpx.ConnectError("no"), State.REFUSED, "The exporter cannot be reached: no connection"),
        (httpx.ReadError("gone"), State.UNKNOWN, "The exporter may have done it or not"),
    ],
)
async def test_an_exporter_that_does_not_do_it_is_said_why(
    at: At, given: httpx.Response | Exception, state: State, says: str
) -> None:
    outcome = await Refresh().run(Fake(given).at(at()), {})

    assert outcome.state is state
    assert says in outcome.message


async def test_odd_words_of_the_exporter_do_no_harm(at: At) -> None:
    outcome = await Refresh().run(
        Fake(answer(200, {"asked": "all", "too_soon": None})).at(at()), {}
    )

    assert (outcome.state, outcome.message) == (State.DONE, "Asked: nothing new.")
