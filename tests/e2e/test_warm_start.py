"""
A cold start that Prometheus makes warm, and what then becomes of a spike: real programs.

Prometheus scrapes two exporters as one backend and evaluates the committed rules, every second.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from scripts.layout import ROOT
from tests.polling.simulated import INTERVAL_S, Simulated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.children import Child
    from tests.conftest import Start

PROGRAM = (sys.executable, "-m", "exporter.cli")
DEADLINE_S = 60.0
HOUR_S = 3600.0
RULES = ROOT / "prometheus" / "rules" / "*.yml"
SEED = 3
NAME = m.MODULE_RESPONSE_TIME.name
HEALTH_POLLS = f'{own.POLLS}{{endpoint="health"}}'
SEARCH = f'{{metric="{NAME}",module="search"}}'


class Site:
    """A simulated product, a Prometheus, and exporters that it may scrape."""

    def __init__(self, start: Start, ports: Callable[[], int], folder: Path) -> None:
        self._start = start
        self._folder = folder
        names = ("api", "prometheus", "first", "second")
        self.urls = {name: f"http://127.0.0.1:{ports()}" for name in names}
        self.log = folder / f"{Path(sys.executable).name}.log"  # of all of ours
        start(
            *(
                *PROGRAM,
                "simulate",
                "--seed",
                str(SEED),
                "--web.listen-address",
                self.address("api"),
            ),
            ready=f"{self.urls['api']}/-/healthy",
        )

    def address(self, name: str) -> str:
        return self.urls[name].removeprefix("http://")

    def prometheus(self, program: Path) -> None:
        """Start one on what is in its data folder."""
        targets = [self.address("first"), self.address("second")]
        static = [{"targets": targets, "labels": {"backend": "default"}}]
        tree = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES)],
            "scrape_configs": [{"job_name": "ops-exporter", "static_configs": static}],
        }
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(tree), "utf-8")
        self._start(
            program,
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={self.address('prometheus')}",
            ready=f"{self.urls['prometheus']}/-/ready",
        )

    def exporter(self, name: str, interval: str, **settings: object) -> Child:
        env = {"OPS_API_URL": self.urls["api"], "OPS_POLL_INTERVAL": interval}
        return self._start(
            *(*PROGRAM, "serve", "--web.listen-address", self.address(name)),
            ready=f"{self.urls[name]}/-/ready",
            env=env | {f"OPS_{key.upper()}": str(value) for key, value in settings.items()},
        )

    def query(self, expression: str) -> list[dict[str, Any]]:
        answer = httpx.get(
            f"{self.urls['prometheus']}/api/v1/query",
            params={"query": expression},
            timeout=DEADLINE_S,
            trust_env=False,
        )
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return found

    def page(self, name: str) -> str:
        answer = httpx.get(f"{self.urls[name]}/metrics", timeout=DEADLINE_S, trust_env=False)
        return answer.raise_for_status().text

    def poll(self, name: str) -> None:
        """Have health asked now, at once or as soon as that is not too soon any more."""

        def asked() -> bool:
            answer = httpx.post(f"{self.urls[name]}/-/poll", timeout=DEADLINE_S, trust_env=False)
            return "health" in answer.raise_for_status().json()["asked"]

        eventually(asked)

    def logged(self, event: str) -> str:
        """Return the line of the log that tells *event*, as soon as it is there."""
        found: list[str] = []

        def told() -> bool:
            lines = self.log.read_text("utf-8").splitlines()
            found[:] = [line for line in lines if f'"{event}"' in line]
            return bool(found)

        eventually(told)
        assert len(found) == 1
        return found[0]


def eventually(happened: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.1)


def shown(page: str, series: str) -> float | None:
    found = re.search(rf"^{re.escape(series)} (\S+)$", page, re.MULTILINE)
    return float(found[1]) if found else None


@pytest.fixture
def site(start: Start, free_port: Callable[[], int], tmp_path: Path) -> Site:
    return Site(start, free_port, tmp_path)


def test_a_second_exporter_goes_on_where_prometheus_saw_the_first(
    site: Site, tmp_path: Path, prometheus: Path
) -> None:
    answered = f'{own.ENDPOINT_LAST_SUCCESS}{{endpoint="cache",instance="{site.address("first")}"}}'
    samples = f'{own.ANOMALY_SAMPLES}{{metric="{m.CACHE_HIT_RATIO}"}}'
    site.prometheus(prometheus)
    first = site.exporter("first", "1s")
    eventually(lambda: site.query(f"changes({answered}[1m]) >= 4"))
    first.stop()

    site.exporter(
        "second", "1s", state_dir=tmp_path / "state", prometheus_url=site.urls["prometheus"]
    )
    line = site.logged("anomalies warmed")
    # Prometheus saw five answers; steps of a second need not hit each of them.
    eventually(lambda: (shown(site.page("second"), samples) or 0) >= 5)
    assert re.search(r" samples=[1-9]\d{2,} ", line), line
    assert shown(site.page("second"), own.ANOMALY_STATE_RESTORED.name) == 0


@pytest.fixture
def answers_nonsense(start: Start, free_port: Callable[[], int], tmp_path: Path) -> str:
    page = tmp_path / "web" / "api" / "v1" / "query_range"
    page.parent.mkdir(parents=True)
    page.write_text("<html>not what you look for</html>", "utf-8")
    url = f"http://127.0.0.1:{free_port()}"
    web = (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory")
    start(*web, tmp_path / "web", url.rpartition(":")[2], ready=url)
    return url


@pytest.fixture
def refuses(free_port: Callable[[], int]) -> str:
    return f"http://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("address", "event", "detail"),
    [
        ("answers_nonsense", "anomalies not warmed", '"not an answer of Prometheus"'),
        ("refuses", "anomalies wait for Prometheus", '"no connection: connection refused"'),
    ],
)
def test_a_prometheus_that_does_not_tell_costs_one_line_and_nothing_else(
    site: Site, request: pytest.FixtureRequest, address: str, event: str, detail: str
) -> None:
    site.exporter("second", "1s", prometheus_url=request.getfixturevalue(address))

    line = site.logged(event)
    assert f" detail={detail} " in line
    samples = f'{own.ANOMALY_SAMPLES}{{metric="{m.CACHE_HIT_RATIO}"}}'
    eventually(lambda: shown(site.page("second"), samples))


def test_while_prometheus_keeps_it_waiting_the_page_is_served_and_answers_are_judged(
    site: Site,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        site.exporter("second", "1s", prometheus_url=url)
        samples = f'{own.ANOMALY_SAMPLES}{{metric="{m.CACHE_HIT_RATIO}"}}'
        eventually(lambda: shown(site.page("second"), samples))

        assert "anomalies not warmed" not in site.log.read_text("utf-8")


def history(hours: float) -> Iterator[str]:
    """Yield what an exporter would have shown of health, in OpenMetrics, up to now."""
    one = Simulated(SEED, start=time.time() - hours * HOUR_S)
    one.endpoints = [e.HEALTH]
    values: list[str] = []
    answered: list[str] = []
    for _ in range(round(hours * HOUR_S / INTERVAL_S)):
        one.poll()
        told = dict(one.snapshot.told_by(e.HEALTH))[m.MODULE_RESPONSE_TIME]
        values += (
            f'{NAME}{{backend="default",module="{sample.labels[0]}"}} {sample.value} {one.now}'
            for sample in told
        )
        labels = '{backend="default",endpoint="health"}'
        answered.append(f"{own.ENDPOINT_LAST_SUCCESS}{labels} {one.now} {one.now}")
    for name, lines in ((NAME, values), (own.ENDPOINT_LAST_SUCCESS.name, answered)):
        yield f"# TYPE {name} gauge"
        yield from lines
    yield "# EOF"


@pytest.fixture
def warmed(site: Site, tmp_path: Path, prometheus: Path, promtool: Path) -> Site:
    """Give Prometheus a memory of eight hours, and the second exporter what is in it."""
    path = tmp_path / "history.txt"
    path.write_text("".join(f"{line}\n" for line in history(8.0)), "utf-8")
    subprocess.run(  # noqa: S603 - a real program on our own file
        [promtool, "tsdb", "create-blocks-from", "openmetrics", path, tmp_path / "data"],
        check=True,
        capture_output=True,
    )
    site.prometheus(prometheus)
    site.exporter("second", "30s", prometheus_url=site.urls["prometheus"])
    site.logged("anomalies warmed")
    site.poll("second")
    return site


def active(page: str) -> set[tuple[str, str]]:
    """Return kind and module of each response time that has an anomaly now."""
    pattern = rf'^{own.ANOMALY_ACTIVE}{{metric="{NAME}",kind="(\w+)",.*module="(\w+)"}} 1'
    return set(re.findall(pattern, page, re.MULTILINE))


def test_a_spike_of_a_module_is_active_at_once_and_alerts_when_it_lasts(warmed: Site) -> None:
    """Ready from the first answer, since eight hours were learnt; three answers make it last."""
    page = warmed.page("second")
    samples, polls = shown(page, f"{own.ANOMALY_SAMPLES}{SEARCH}"), shown(page, HEALTH_POLLS)
    assert samples is not None
    assert polls is not None
    assert samples > 900
    assert polls < 100
    assert shown(page, f"{own.ANOMALY_READY}{SEARCH}") == 1
    assert active(page) == set()

    fault = {"kind": "spike", "module": "search", "metric": "response_time"}
    posted = httpx.post(f"{warmed.urls['api']}/-/faults", json=fault, trust_env=False)
    posted.raise_for_status()
    for _ in range(2):
        warmed.poll("second")
    assert active(warmed.page("second")) == {("spike", "search")}

    outside = f'series:ops_anomaly_outside:max{{metric="{NAME}",module="search"}}'
    eventually(lambda: warmed.query(f"count_over_time(({outside} == 2)[1m:1s]) >= 3"))
    warmed.poll("second")
    alert = f'ALERTS{{alertname="OpsAnomaly",metric="{NAME}"}}'
    eventually(lambda: warmed.query(f'{alert[:-1]},alertstate="firing"}}'))

    [one] = warmed.query(f"sum by (backend, module, kind, severity) ({alert})")
    assert one["metric"] == {
        "backend": "default",
        "module": "search",
        "kind": "spike",
        "severity": "warning",
    }
    early = f"{alert} unless on (backend, metric, module) {outside} >= 3"
    assert warmed.query(f"count_over_time(({early})[10m:1s])") == []
