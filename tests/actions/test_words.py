from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.actions.model import Outcome, State
from exporter.actions.upstream import Reply, UnknownOutcome, Unreachable
from exporter.actions.words import TEXT_MAX, outcome, plain, said

DONE = Outcome(state=State.DONE, message="Done.")
OFFLINE = {"x-pharos-edge-status": "offline"}


async def of(given: Reply | Exception) -> Outcome:
    async def call() -> Reply:
        if isinstance(given, Exception):
            raise given
        return given

    return await outcome(call(), lambda _: DONE)


@pytest.mark.parametrize(
    ("status", "headers", "state", "says"),
    [
        (400, {}, State.REFUSED, "The API does not accept this (HTTP 400)."),
        (401, {}, State.REFUSED, "does not accept the admin token (HTTP 401): check admin_token"),
        (403, {}, State.REFUSED, "does not let the admin token do this (HTTP 403): check admin_"),
        (404, {}, State.REFUSED, "This is not offered by this backend: it has no such path."),
        (405, {}, State.REFUSED, "This is not offered by this backend: it has no such path."),
        (501, {}, State.REFUSED, "This is not offered by this backend: it has no such path."),
        (409, {}, State.REFUSED, "The API cannot do this in the present state (HTTP 409)."),
        (429, {}, State.REFUSED, "The queue is full: try again when it has become shorter."),
        (429, {"retry-after": "30"}, State.REFUSED, "The queue is full: try again in 30 s."),
        (429, {"retry-after": "soon"}, State.REFUSED, "try again when it has become shorter."),
        (503, {}, State.REFUSED, "The API is not available, or its queue is not (HTTP 503)."),
        (503, OFFLINE, State.REFUSED, "The edge worker is offline: bring it back, then try again."),
        (503, {"x-pharos-edge-status": "Online"}, State.REFUSED, "or its queue is not (HTTP 503)."),
        (307, {}, State.REFUSED, "The API refused it (HTTP 307)."),
        (418, {}, State.REFUSED, "The API refused it (HTTP 418)."),
        (500, {}, State.FAILED, "The API failed over it (HTTP 500)."),
        (502, {}, State.UNKNOWN, "Unknown outcome: a proxy before it answered 502."),
        (504, {}, State.UNKNOWN, "Unknown outcome: a proxy before it answered 504."),
    ],
)
async def test_each_status_has_its_words(
    status: int, headers: dict[str, str], state: State, says: str
) -> None:
    found = await of(Reply(status=status, headers=headers, body={"detail": "in its words"}))

    assert found.state is state
    assert says in found.message
    assert found.details == {"HTTP status": status, "said": "in its words"}
    if state is not State.UNKNOWN:
        assert found.message.endswith(" It says: in its words")


async def test_where_nothing_was_sent_nothing_has_changed() -> None:
    found = await of(Unreachable("no connection: connection refused"))

    assert found.state is State.REFUSED
    assert found.message == (
        "The API cannot be reached: no connection: connection refused. Nothing was sent, nothing"
        " has changed."
    )


async def test_where_no_answer_came_nothing_is_guessed() -> None:
    found = await of(UnknownOutcome("no answer within 10 s"))

    assert found.state is State.UNKNOWN
    assert found.message == (
        "Unknown outcome: no answer within 10 s. The API may have done it or not, and may still"
        " be at it. It was not sent again: look at its effect first."
    )


@pytest.mark.parametrize("word", ["failed", "ERROR", " Failure ", "unhealthy"])
async def test_http_200_that_says_failed_is_a_failure(word: str) -> None:
    found = await of(Reply(status=200, body={"status": word}))

    assert found.state is State.FAILED
    assert found.message == f'The API says that it failed: status "{word.strip()}"'


@pytest.mark.parametrize("body", [None, [], "ok", 1, {"status": 1}, {"status": None}])
async def test_an_answer_of_another_shape_is_an_unknown_outcome(body: object) -> None:
    found = await of(Reply(status=200, body=body))

    assert found.state is State.UNKNOWN
    assert "HTTP 200 came with an answer of another shape" in found.message


@pytest.mark.parametrize("body", [{}, {"status": "dispatched"}, {"status": "ok"}])
async def test_any_other_answer_is_read_by_the_action(body: object) -> None:
    assert await of(Reply(status=202, body=body)) == DONE


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"detail": "a", "message": "b"}, "a"),
        ({"message": "b"}, "b"),
        ({"detail": {"error": "a", "message": "b"}}, "a"),
        ({"detail": [{"msg": "a"}, {"msg": "b"}, {"msg": "c"}, {"msg": "d"}]}, "a; b; c"),
        ({"detail": " ", "error": "e"}, "e"),
        ("a text", "a text"),
        ({"detail": 3}, ""),
        (None, ""),
        ([], ""),
    ],
)
def test_what_a_refusal_says_of_itself_is_found(body: object, expected: str) -> None:
    assert said(body) == expected


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(("detail", "error", "message", "msg")) | st.text(), inner)
    ),
)


@given(st.integers(100, 999), _JSON)
async def test_whatever_comes_is_told_in_one_line_that_can_be_kept(status: int, body: Any) -> None:
    found = await of(Reply(status=status, body=body))

    assert found.message.isprintable()
    assert len(found.message) < 2 * TEXT_MAX
    for value in found.details.values():
        assert isinstance(value, int) or value.isprintable()


@given(st.text(), st.integers(1, 400))
def test_a_text_of_others_is_never_longer_than_the_limit(text: str, limit: int) -> None:
    found = plain(text, limit)

    assert found.isprintable()
    assert len(found) <= limit
