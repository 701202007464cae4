from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.actions.clear_cache import ClearCache
from exporter.actions.model import State
from exporter.simulator.endpoints import Dialect
from tests.actions.places import Fake, answer

if TYPE_CHECKING:
    from exporter.simulator.world import World
    from tests.actions.places import At

BY_API = {"path": "/api/monitoring/cache/clear"}
DEPLOYED = pytest.mark.parametrize("dialect", [Dialect.DEPLOYED], indirect=True)
PAGE = """\
ops_cache_hit_ratio 0.9374
ops_cache_size_bytes 12345678.0
"""


async def test_the_confirmation_tells_what_is_lost(at: At) -> None:
    confirmation = await ClearCache().confirm(at(PAGE, clear_cache=BY_API), {})

    assert confirmation.refusal == ""
    assert confirmation.target == "cache"
    assert confirmation.facts == [("Hit ratio", "93.7 %"), ("Size", "12.3 MB")]
    assert "cannot be undone" in confirmation.undo


async def test_what_is_not_known_of_the_cache_is_told_as_unknown(at: At) -> None:
    confirmation = await ClearCache().confirm(at(clear_cache=BY_API), {})

    assert confirmation.facts == [("Hit ratio", None)]


async def test_the_cache_of_the_backend_is_cleared(at: At, world: World) -> None:
    outcome = await ClearCache().run(at(clear_cache=BY_API), {})

    assert outcome.state is State.DONE
    assert outcome.message == "The cache is cleared: 12 keys."
    assert set(outcome.details) == {"keys", "freed, MB"}
    assert world.cache.warmth == 0


async def test_a_backend_that_does_not_count_has_cleared_it_all_the_same(at: At) -> None:
    outcome = await ClearCache().run(Fake(answer(200, {})).at(at(clear_cache=BY_API)), {})

    assert (outcome.state, outcome.message) == (State.DONE, "The cache is cleared.")


async def test_without_a_way_it_is_said_which_ways_there_are(at: At, world: World) -> None:
    confirmation = await ClearCache().confirm(at(PAGE), {})
    outcome = await ClearCache().run(at(PAGE), {})

    assert confirmation.refusal == outcome.message
    assert confirmation.refusal.startswith("This is not offered by this backend.")
    assert "actions.clear_cache.path" in confirmation.refusal
    assert "redis_pattern" in confirmation.refusal
    assert outcome.state is State.REFUSED
    assert world.cache.warmth == 1


@DEPLOYED
async def test_a_path_that_the_backend_does_not_have_is_said_so(at: At) -> None:
    outcome = await ClearCache().run(at(clear_cache=BY_API), {})

    assert outcome.state is State.REFUSED
    assert outcome.message.startswith("This is not offered by this backend: it has no such path.")


async def test_a_connection_that_was_lost_is_an_unknown_outcome_and_not_tried_again(
    at: At,
) -> None:
    fake = Fake(httpx.ReadError("gone"))

    outcome = await ClearCache().run(fake.at(at(clear_cache=BY_API)), {})

    assert outcome.state is State.UNKNOWN
    assert outcome.message == (
        "Unknown outcome: the connection was lost before the answer. The API may have done it or"
        " not, and may still be at it. It was not sent again: look at its effect first."
    )
    assert len(fake.asked) == 1


async def test_where_nobody_listens_nothing_has_changed(at: At) -> None:
    fake = Fake(httpx.ConnectError("no"))

    outcome = await ClearCache().run(fake.at(at(clear_cache=BY_API)), {})

    assert outcome.state is State.REFUSED
    assert outcome.message == (
        "The API cannot be reached: no connection (ConnectError). Nothing was sent, nothing has"
        " changed."
    )
    assert len(fake.asked) == 1
