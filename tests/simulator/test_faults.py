from __future__ import annotations

import pytest

from exporter.simulator.faults import FaultError, Faults, seconds
from tests.simulator.served import START


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.mark.parametrize(
    ("description", "message"),
    [
        ({}, "kind: is missing; there are down, refuse"),
        ({"kind": "slwo"}, 'kind: "slwo": no such kind of fault; did you mean slow?'),
        (
            {"kind": "slow", "second": 3},
            "second: slow has no such parameter; did you mean seconds?",
        ),
        ({"kind": "slow", "x": 3}, "x: slow has no such parameter; there are endpoint, seconds"),
        ({"kind": "zzz"}, 'kind: "zzz": no such kind of fault; there are down, refuse'),
        ({"kind": "slow", "seconds": "3"}, 'seconds: "3": must be a number'),
        ({"kind": "slow", "seconds": True}, "seconds: true: must be a number"),
        ({"kind": "slow", "blocking": 1}, "blocking: 1: must be true or false"),
        ({"kind": "slow", "endpoint": 7}, "endpoint: 7: must be a text"),
        (
            {"kind": "slow", "endpoint": "cash"},
            'endpoint: "cash": no such endpoint; did you mean cache?',
        ),
        ({"kind": "down", "for": "soon"}, 'for: "soon": write a number and s, m or h'),
        (
            {"kind": "worker_lost", "worker": "edge-9"},
            'worker: "edge-9": no such worker; did you mean edge-1?',
        ),
        (
            {"kind": "model_unloaded", "model": "x"},
            'model: "x": no such model; there are embedding',
        ),
        (
            {"kind": "spike", "metric": "eror_rate"},
            'path: "eror_rate": no such quantity; did you mean error_rate?',
        ),
        (
            {"kind": "spike"},
            "path: is missing; spike needs it, for example error_rate; /-/world has",
        ),
        ({"kind": "spike", "path": "zzz"}, 'path: "zzz": no such quantity; /-/world has all'),
        ({"kind": "drop", "path": "hit_rate"}, 'path: "hit_rate": no such quantity; did you mean '),
        ({"kind": "spike", "path": "system_status"}, "is a state, which only kind set can force"),
        ({"kind": "set", "path": "p95"}, "value: null: must be a number"),
        ({"kind": "set", "path": "p95", "value": "high"}, 'value: "high": must be a number'),
        (
            {"kind": "set", "path": "system_status", "value": "bad"},
            'value: "bad": no state of system_status; there are healthy, degraded, down',
        ),
    ],
)
def test_a_wrong_description_is_refused_and_says_what_would_be_right(
    faults: Faults, description: dict[str, object], message: str
) -> None:
    with pytest.raises(FaultError) as error:
        faults.add(description, START)

    assert message in str(error.value)
    assert len(faults) == 0


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"path": "error_rate"}, "error_rate"),
        ({"metric": "p95"}, "p95"),
        ({"module": "search"}, "modules.search.response_time"),
        ({"module": "search", "metric": "error_count"}, "modules.search.error_count"),
        ({"model": "classifier"}, "models.classifier.inference_time"),
    ],
)
def test_a_quantity_can_be_named_in_several_ways(
    faults: Faults, given: dict[str, object], path: str
) -> None:
    assert path == faults.add({"kind": "spike", **given}, START).path


def test_500_is_another_name_of_http_500(faults: Faults) -> None:
    assert faults.add({"kind": "500"}, START).kind.name == "http_500"


def test_a_fault_lasts_as_long_as_asked_for(faults: Faults) -> None:
    fault = faults.add({"kind": "down", "for": "1.5m"}, START)

    assert not fault.active(START - 1)
    assert fault.active(START)
    assert fault.active(START + 89.9)
    assert not fault.active(START + 90)


def test_a_fault_that_is_over_is_forgotten_and_one_to_come_is_not(faults: Faults) -> None:
    faults.add({"kind": "down", "for": 10}, START)
    to_come = faults.add({"kind": "down", "for": 10}, START + 100)

    faults.forget(START + 10)

    assert [to_come] == list(faults)


def test_a_fault_hits_its_endpoint_or_all(faults: Faults) -> None:
    one = faults.add({"kind": "down", "endpoint": "cache"}, START)
    every = faults.add({"kind": "down"}, START)
    quantity = faults.add({"kind": "stuck_value", "metric": "p95"}, START)

    assert (one.hits("cache"), one.hits("pool")) == (True, False)
    assert every.hits("pool")
    assert not quantity.hits("pool")


@pytest.mark.parametrize(
    ("text", "expected"),
    [(3, 3), (0.5, 0.5), ("30s", 30), ("2m", 120), ("1h", 3600), ("9ms", 0.009)],
)
def test_durations_are_numbers_or_have_a_unit(text: object, expected: float) -> None:
    assert expected == pytest.approx(seconds(text, "for"))
