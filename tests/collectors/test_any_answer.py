"""
Whatever an answer holds, its reading is fit to be exposed, and nothing private is in it.

The answers are JSON of any shape, and the real answers with something changed in them.
"""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.catalogue.endpoints import BACKEND_METRICS, ENDPOINTS
from exporter.collectors.reading import SchemaError
from tests.collectors.deployed import DEPLOYED
from tests.collectors.designed import DESIGNED
from tests.collectors.reading import FIXTURES, NOW, check, read, series

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.catalogue.model import Endpoint

MARK = "M4RKED"
BY_NAME = {endpoint.name: endpoint for endpoint in ENDPOINTS}
ANSWERS = [*DESIGNED.items(), *DEPLOYED.items()]
PAGE = json.loads((FIXTURES / "deployed/metrics_endpoint_enabled/metrics.json").read_text("utf-8"))

words = st.one_of(
    st.text(max_size=20),
    st.text(st.characters(exclude_categories=()), max_size=200),
    st.sampled_from(
        ["", "ok", "error", "online", "failed", "\ud800", "x" * 500, "a@b", "2026-11-23"]
    ),
)
numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([10**400, -(10**400), 1e308, 5e-324, 2**53, 1e18, 1e19, True]),
)
scalars = st.one_of(st.none(), st.booleans(), numbers, words)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=4)),
    max_leaves=20,
)
FIELDS = sorted({name for _, payload in ANSWERS for name in json.dumps(payload).split('"')[1::2]})
shaped = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.sampled_from(FIELDS), words), inner, max_size=6),
    ),
    max_leaves=40,
)


def read_all(endpoint: Endpoint, *payloads: Any) -> None:
    """Read *payloads* one after the other, as polls do, and look at what came of each."""
    memory: dict[str, Any] = {}
    for place, payload in enumerate(payloads):
        # Whatever else it raises ends the test.
        with suppress(SchemaError):
            reading = read(endpoint, payload, memory, at=NOW + 10 * place)
            check(reading)
            assert all(isinstance(name, str) for name in reading.missing + reading.unknown)


@pytest.mark.parametrize("name", list(BY_NAME))
@given(first=anything, second=shaped)
@settings(max_examples=60)
def test_any_json_is_read_or_refused(name: str, first: Any, second: Any) -> None:
    read_all(BY_NAME[name], first, second, first)


@st.composite
def changed(draw: st.DrawFn, payload: Any) -> Any:
    """Return *payload* with a few of its parts exchanged, removed or added."""
    payload = copy.deepcopy(payload)
    for _ in range(draw(st.integers(1, 4))):
        place = payload
        while isinstance(place, dict | list) and place:
            key = draw(
                st.sampled_from(list(place) if isinstance(place, dict) else range(len(place)))
            )
            if isinstance(place[key], dict | list) and place[key] and draw(st.booleans()):
                place = place[key]
                continue
            match draw(st.sampled_from(["value", "anything", "remove", "add"])):
                case "value":
                    place[key] = draw(scalars)
                case "anything":
                    place[key] = draw(anything)
                case "remove":
                    del place[key]
                case _ if isinstance(place, dict):
                    place[draw(words)] = draw(shaped)
                case _:
                    place.append(draw(shaped))
            break
    return payload


@pytest.mark.parametrize(
    ("endpoint", "payload"), ANSWERS, ids=[f"{n}-{x.name}" for n, (x, _) in enumerate(ANSWERS)]
)
@given(data=st.data())
@settings(max_examples=60)
def test_a_real_answer_with_something_changed_is_read_or_refused(
    endpoint: Endpoint, payload: Any, data: st.DataObject
) -> None:
    read_all(endpoint, payload, data.draw(changed(payload)), data.draw(changed(payload)), payload)


@given(st.data())
@settings(max_examples=200)
def test_a_real_page_with_something_changed_is_read_or_refused(data: st.DataObject) -> None:
    lines = PAGE["body"].split("\n")
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(lines) - 1))
        line = lines[place]
        cut = data.draw(st.integers(0, len(line)))
        lines[place] = line[:cut] + data.draw(words) + line[data.draw(st.integers(0, len(line))) :]

    read_all(BACKEND_METRICS, PAGE["body"], "\n".join(lines), PAGE["body"])


# Messages, user data, and what names hosts.
PRIVATE = {
    *("message", "error", "error_message", "health_message", "reason", "warnings", "data", "path"),
    *("active_tasks", "scheduled_tasks", "correlation_id", "last_seen_iso", "interactions_by_type"),
}
INSERTED: dict[str, Callable[[str], str]] = {
    "repo_url": lambda text: text.replace("//", f"//{MARK}:{MARK}@") + f"?q={MARK}#{MARK}",
    "key": lambda text: f"{text}:{MARK}@example.com",
    "id": lambda text: f"{text}@{MARK}" if text.startswith("w") else text,
    "worker_id": lambda text: f"{text}@{MARK}",
    "qdrant": lambda _: f"unhealthy: {MARK}",
}


def marked(value: Any, *, key: str = "") -> Any:
    """Put the mark into everything private that *value* holds."""
    if key in PRIVATE:
        return {MARK: [MARK, {"deep": MARK}]} if isinstance(value, dict) else f"{MARK} {value}"
    if isinstance(value, dict):
        return {
            name.replace("@host", f"@{MARK}"): marked(part, key=name)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [marked(item, key=key) for item in value]
    return INSERTED[key](value) if key in INSERTED and isinstance(value, str) else value


@pytest.mark.parametrize(
    ("endpoint", "payload"), ANSWERS, ids=[f"{n}-{x.name}" for n, (x, _) in enumerate(ANSWERS)]
)
def test_no_message_no_user_data_and_no_host_name_is_in_a_reading(
    endpoint: Endpoint, payload: Any
) -> None:
    reading = read(endpoint, marked(payload))

    assert reading.samples
    assert not [name for name in map(series, reading.samples) if MARK in name]
    assert MARK not in repr((reading.missing, reading.unknown, reading.ignored))


def test_the_marks_are_there_to_be_found() -> None:
    """Or the test above would pass for nothing."""
    texts = [json.dumps(marked(payload)) for _, payload in ANSWERS]

    assert sum(MARK in text for text in texts) >= 12
