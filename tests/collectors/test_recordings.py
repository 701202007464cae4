"""
The answers recorded from the deployed backend, each in the state its folder is named after.

``expected/STATE.txt`` says for each file what it must come to: the verdict, the series (of a state
set the one that holds), and the missing and unknown fields. Each line was held against the
recording and the description of the API; a change there is a change of what users see.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.catalogue.endpoints import EDGE_WORKER, ENDPOINTS, INGESTION
from exporter.catalogue.model import Dialect
from exporter.catalogue.verdicts import Verdict
from exporter.collectors import collect
from exporter.collectors.reading import Context
from tests.collectors.reading import FIXTURES, replay, shown

EXPECTED = Path(__file__).parent / "expected"
BY_PATH = {endpoint.path: endpoint for endpoint in ENDPOINTS}
STATES = sorted(path.name for path in (FIXTURES / "deployed").iterdir() if path.is_dir())


def recordings(state: str) -> dict[str, Any]:
    """Return the recorded answers of *state* that the exporter would have asked for."""
    found = {}
    for path in sorted((FIXTURES / "deployed" / state).glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        request = recorded["request"]
        if request["method"] == "GET" and request["path"].partition("?")[0] in BY_PATH:
            found[path.stem] = recorded
    return found


async def told(name: str, recorded: dict[str, Any]) -> list[str]:
    """Return what a recording comes to, in the lines of the expectation."""
    endpoint = BY_PATH[recorded["request"]["path"].partition("?")[0]]
    answer = await replay(recorded, endpoint)
    lines = [f"{name} {answer.endpoint.name} {answer.verdict}"]
    if answer.verdict is not Verdict.OK:
        return lines
    reading = collect(answer, Context(received_at=answer.received_at))
    one_shape = endpoint in {EDGE_WORKER, INGESTION}
    assert reading.dialect is (None if one_shape else Dialect.DEPLOYED)
    lines += [f"  {name} {value!r}" for name, value in shown(reading).items()]
    lines += [f"  missing {name}" for name in reading.missing]
    lines += [f"  unknown {name}" for name in reading.unknown]
    return lines


def expectation(state: str) -> list[str]:
    return (EXPECTED / f"{state}.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("state", STATES)
async def test_each_recorded_answer_comes_to_what_is_written_for_it(state: str) -> None:
    lines = [line for name, said in recordings(state).items() for line in await told(name, said)]

    assert lines == expectation(state)


def test_all_eight_states_are_there() -> None:
    assert sorted(path.stem for path in EXPECTED.glob("*.txt")) == STATES
    assert len(STATES) == 8
