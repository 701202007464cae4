"""The detectors on the simulated product: a fault shows where it is, and nowhere else."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.catalogue import own_metrics as own
from exporter.polling.keeper import Keeper
from exporter.settings import Settings
from tests.polling.simulated import INTERVAL_S, Simulated, alerting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Start

HOUR_S = 3600.0
# Health alone: the other endpoints take their time and have nothing to do with the fault.
HEALTH = Settings(anomaly={"watch": {"ops_module_errors": {"enabled": False}}})
NAME = "ops_module_response_time_seconds"


def warmed(hours: float = 8.0, *, seed: int = 3, until: float | None = None) -> Simulated:
    start = None if until is None else until - hours * HOUR_S
    one = Simulated(seed, HEALTH, start=start)
    one.endpoints = [endpoint for endpoint in one.endpoints if endpoint.name == "health"]
    one.run(hours * HOUR_S)
    return one


def test_a_spike_of_one_module_is_active_within_two_answers_and_nothing_else_is() -> None:
    one = warmed()
    assert one.active() == set()

    fault = {"kind": "spike", "module": "search", "metric": "response_time", "for": "2m"}
    one.world.faults.add(fault, one.now)
    one.run(2 * INTERVAL_S)

    assert {(name, kind, *rest) for name, kind, _, *rest in one.active()} == {
        (NAME, "spike", "search")
    }
    assert one.active() == {(NAME, "spike", "high", "search")}


def test_a_spike_that_lasts_is_a_warning_and_a_short_one_is_none() -> None:
    """Three of the last ten samples."""
    one = warmed()
    one.world.faults.add({"kind": "spike", "module": "search", "for": "2m"}, one.now)
    fired = []
    for _ in range(5):
        one.poll()
        fired.append(set(alerting(one)))
    expected = {("warning", (NAME, "search"), "spike")}
    assert fired == [set(), set(), expected, expected, expected]

    one.world.faults.add({"kind": "spike", "module": "auth", "for": "1m"}, one.now)
    for _ in range(5):
        one.poll()
        assert {series for _, series, _ in alerting(one)} <= {(NAME, "search")}


def test_an_anomaly_is_over_ten_samples_after_its_last_event() -> None:
    one = warmed()
    one.world.faults.add({"kind": "spike", "module": "search", "for": "1m"}, one.now)
    one.run(2 * INTERVAL_S)
    assert one.active()

    one.run(12 * INTERVAL_S)
    assert one.active() == set()


@pytest.mark.parametrize("factor", [2.0, 4.0])
def test_a_new_level_is_found_and_then_learnt(factor: float) -> None:
    one = warmed()
    fault = {"kind": "level_shift", "module": "search", "factor": factor}
    one.world.faults.add({**fault, "metric": "response_time"}, one.now)
    found = set()
    for _ in range(10):
        one.poll()
        found |= {rest[0] for _, _, _, *rest in one.active()}
    assert found == {"search"}

    one.run(3 * HOUR_S)
    assert one.active() == set()


def test_the_bounds_hold_what_is_expected() -> None:
    one = warmed(3.0)
    shown = {
        metric: {s.labels: s.value for s in one.samples(metric)}
        for metric in (own.ANOMALY_LOWER, own.ANOMALY_EXPECTED, own.ANOMALY_UPPER)
    }
    expected = shown[own.ANOMALY_EXPECTED]

    assert len(expected) == 13
    for series, value in expected.items():
        assert 0 <= shown[own.ANOMALY_LOWER][series] <= value <= shown[own.ANOMALY_UPPER][series]


def test_the_running_exporter_goes_on_with_a_saved_state_and_shows_the_spike(
    start: Start, free_port: Callable[[], int], tmp_path: Path
) -> None:
    """The state was made faster than time, and ends now."""
    learnt = warmed(until=time.time())
    asyncio.run(Keeper(tmp_path / "state").save({"default": learnt.anomalies}))
    program = (sys.executable, "-m", "exporter.cli")
    api, address = (f"127.0.0.1:{free_port()}" for _ in range(2))
    start(
        *(*program, "simulate", "--seed", "3", "--web.listen-address", api),
        ready=f"http://{api}/-/healthy",
    )
    start(
        *(*program, "serve", "--web.listen-address", address),
        ready=f"http://{address}/-/ready",
        env={"OPS_API_URL": f"http://{api}", "OPS_STATE_DIR": str(tmp_path / "state")},
    )
    with httpx.Client(base_url=f"http://{address}", timeout=30.0, trust_env=False) as exporter:
        count = len(learnt.samples(own.ANOMALY_SAMPLES))
        page = _page(exporter, f'ops_anomaly_ready{{metric="{NAME}",module="search"}} 1.0')
        assert "ops_anomaly_state_restored 1.0" in page
        assert (
            len(re.findall(rf'^ops_anomaly_samples{{metric="{NAME}"', page, re.MULTILINE)) == count
        )

        fault = {"kind": "spike", "module": "search", "metric": "response_time"}
        httpx.post(f"http://{api}/-/faults", json=fault, trust_env=False).raise_for_status()
        active = set[tuple[str, ...]]()
        for _ in range(2):
            _poll(exporter)
            page = exporter.get("/metrics").text
            active |= set(
                re.findall(
                    rf'^ops_anomaly_active{{metric="{NAME}",kind="(\w+)",.*module="(\w+)"}} 1',
                    page,
                    re.MULTILINE,
                )
            )
    assert active == {("spike", "search")}


def _page(exporter: httpx.Client, line: str) -> str:
    """Return the page as soon as it has *line*."""
    until = time.monotonic() + 30.0
    while True:
        page = exporter.get("/metrics").text
        if line in page.splitlines():
            return page
        assert time.monotonic() < until, f"{line} never came"
        time.sleep(0.1)


def _poll(exporter: httpx.Client) -> None:
    """Have health asked now, at once or as soon as that is not too soon any more."""
    until = time.monotonic() + 30.0
    while "health" not in exporter.post("/-/poll").raise_for_status().json()["asked"]:
        assert time.monotonic() < until, "health is never asked early"
        time.sleep(0.2)
