from __future__ import annotations

import os
import re
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.commands.conftest import (
    PROGRAM,
    break_it,
    clean_environment,
    wait_for,
    wait_for_end,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scripts.children import Child
    from tests.commands.conftest import Simulate
    from tests.conftest import Start


@dataclass
class Exporter:
    url: str
    child: Child
    file: Path

    def get(self, path: str = "/metrics") -> httpx.Response:
        return httpx.get(f"{self.url}{path}", trust_env=False)

    def value(self, series: str, target: str = "") -> float | None:
        """Return the value of a series, None when it is not exposed."""
        page = self.get(f"/probe?target={target}" if target else "/metrics").text
        found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else None

    def wait_for(self, series: str, value: float, target: str = "") -> None:
        wait_for(lambda: self.value(series, target) == value, f"{series} is {value}")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.child.pid, number)


@pytest.fixture
def serve(start: Start, free_port: Callable[[], int], tmp_path: Path) -> Callable[[str], Exporter]:
    def run(configuration: str) -> Exporter:
        file = tmp_path / "ops.yml"
        file.write_text(configuration)
        address = f"127.0.0.1:{free_port()}"
        child = start(
            *(*PROGRAM, "serve", "--config.file", file, "--web.listen-address", address),
            ready=f"http://{address}/-/ready",
            env=dict.fromkeys(os.environ.keys() - clean_environment().keys(), ""),
        )
        return Exporter(f"http://{address}", child, file)

    return run


PACE = "poll: {interval: 1s, timeout: 5s}\n"


def success(endpoint: str) -> str:
    return f'ops_endpoint_success{{endpoint="{endpoint}"}}'


def polls(endpoint: str) -> str:
    return f'ops_polls_total{{endpoint="{endpoint}"}}'


def test_both_dialects_side_by_side_are_read_without_being_told_which(
    serve: Callable[[str], Exporter], simulate: Simulate
) -> None:
    one = serve(
        f"""
targets:
  - {{name: new, url: "{simulate()}"}}
  - {{name: old, url: "{simulate("--dialect", "deployed")}"}}
"""
        + PACE
    )
    for target in ("new", "old"):
        one.wait_for(success("workers"), 1, target)
        one.wait_for("ops_up", 1, target)
        one.wait_for('ops_system_status{status="healthy"}', 1, target)
        assert one.value("ops_cache_hit_ratio", target) is not None

    assert one.value("ops_queue_length", "new") is not None
    assert one.value("ops_queue_length", "old") is None
    assert one.value('ops_component_status{component="redis",status="healthy"}', "old") == 1
    assert one.value(success("models"), "old") == 0
    assert one.value("ops_queue_length") is not None, "/metrics is the first target's"
    assert one.get("/probe?target=none").status_code == 404


def test_an_endpoint_that_hangs_delays_no_scrape_and_no_other_endpoint(
    serve: Callable[[str], Exporter], simulate: Simulate
) -> None:
    url = simulate()
    one = serve(f"api: {{url: '{url}'}}\n" + PACE)
    one.wait_for(success("cache"), 1)
    one.wait_for(success("health"), 1)

    break_it(url, kind="hang", endpoint="cache")
    break_it(url, kind="hang", endpoint="health")
    before, hung = one.value(polls("events")), one.value(polls("cache"))
    assert before is not None
    wait_for(lambda: (one.value(polls("events")) or 0) >= before + 3, "events went on")
    # One may have been answered just before; the next has 5 s, in which the others went on.
    assert one.value(polls("cache")) in {hung, (hung or 0) + 1}

    one.wait_for('ops_endpoint_status{endpoint="cache",status="timeout"}', 1)
    one.wait_for("ops_up", 0)
    assert one.value("ops_cache_hit_ratio") is None
    assert one.value(success("events")) == 1


def test_it_starts_while_the_backend_is_down_and_finds_it_when_it_is_up(
    serve: Callable[[str], Exporter], start: Start, free_port: Callable[[], int]
) -> None:
    address = f"127.0.0.1:{free_port()}"
    one = serve(f"api: {{url: 'http://{address}'}}\n" + PACE)
    one.wait_for("ops_up", 0)
    one.wait_for('ops_endpoint_status{endpoint="cache",status="refused"}', 1)

    command = (*PROGRAM, "simulate", "--web.listen-address", address)
    start(*command, ready=f"http://{address}/-/healthy")

    one.wait_for(success("cache"), 1)


def test_sighup_reloads_and_a_mistake_keeps_the_last_good_configuration(
    serve: Callable[[str], Exporter], simulate: Simulate
) -> None:
    url = simulate()
    one = serve(f"targets: [{{name: one, url: '{url}'}}, {{name: two, url: '{url}'}}]\n" + PACE)
    one.wait_for(success("cache"), 1)
    good = "ops_config_last_reload_successful"

    one.file.write_text("poll: {interval: nonsense}\n")
    one.signal(signal.SIGHUP)
    one.wait_for(good, 0)
    assert one.value(success("cache")) == 1
    assert one.get("/probe?target=two").status_code == 200

    before = one.value(polls("cache"))
    one.file.write_text(f"targets: [{{name: one, url: '{url}'}}]\n" + PACE)
    one.signal(signal.SIGHUP)
    one.wait_for(good, 1)
    assert one.get("/probe?target=two").status_code == 404
    assert (one.value(polls("cache")) or 0) >= (before or 0) > 0, "the other went on undisturbed"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_exit_0_while_requests_hang(
    serve: Callable[[str], Exporter], simulate: Simulate, number: signal.Signals
) -> None:
    url = simulate()
    break_it(url, kind="hang", endpoint="*")
    one = serve(f"api: {{url: '{url}'}}\n")
    one.wait_for('ops_endpoint_interval_seconds{endpoint="cache"}', 30)

    one.signal(number)

    assert wait_for_end(one.child) == 0
    assert "Traceback" not in one.child.tail(100)
    assert "level=error" not in one.child.tail(100)


def test_a_poll_asked_for_answers_which_were_asked_and_which_were_too_soon(
    serve: Callable[[str], Exporter], simulate: Simulate
) -> None:
    one = serve(f"api: {{url: '{simulate()}'}}\npoll: {{interval: 5m}}\n")
    one.wait_for(success("workers"), 1)
    wait_for(lambda: "cache" in poll(one)["asked"], "a second had passed since the last poll")

    answer = poll(one)

    assert "cache" in answer["too_soon"]
    assert set(answer) == {"asked", "joined", "too_soon"}


def poll(one: Exporter) -> dict[str, list[str]]:
    answer: dict[str, list[str]] = httpx.post(f"{one.url}/-/poll", trust_env=False).json()
    return answer


def test_a_mistake_in_the_configuration_ends_the_start(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "ops.yml"
    file.write_text("poll: {interval: nonsense}\n")

    child = start(*PROGRAM, "serve", "--config.file", file, "--web.listen-address", "127.0.0.1:0")

    assert wait_for_end(child) == 1
    assert f"{file}:1: poll.interval" in child.tail()
    assert "Traceback" not in child.tail(100)
