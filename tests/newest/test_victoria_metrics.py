"""The same rules in vmalert on VictoriaMetrics."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.catalogue.rules import ALERTS
from tests.conftest import ROOT, program
from tests.mixin.written import RULES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Start

TESTS = sorted((ROOT / "prometheus" / "rules" / "tests").glob("*.yml"))
PAGE = """\
ops_api_requests_per_second{job="ops-exporter",instance="a",backend="default"} 20
ops_api_error_ratio{job="ops-exporter",instance="a",backend="default"} 0.3
ops_queue_length{job="ops-exporter",instance="a",backend="default"} 20
ops_alert_threshold{job="ops-actions",alert="OpsQueueBacklogHigh"} 15
"""


@pytest.fixture(scope="session")
def vmalert() -> Path:
    return program("vmalert")


@pytest.fixture(scope="session")
def victoria_metrics() -> Path:
    return program("victoria-metrics")


def test_vmalert_loads_every_rule(vmalert: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a real program on our own files
        [vmalert, "-dryRun", *(f"-rule={path}" for path in RULES)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_it_evaluates_every_rule_and_judges_by_the_threshold_in_force(
    vmalert: Path,
    victoria_metrics: Path,
    start: Start,
    free_port: Callable[[], int],
    tmp_path: Path,
) -> None:
    store, judge = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    start(
        victoria_metrics,
        f"-storageDataPath={tmp_path / 'data'}",
        f"-httpListenAddr={store.removeprefix('http://')}",
        "-search.latencyOffset=0s",
        ready=f"{store}/health",
    )
    rules = [f"-rule={path}" for path in RULES]
    start(
        vmalert,
        *rules,
        f"-datasource.url={store}",
        f"-remoteWrite.url={store}",
        f"-httpListenAddr={judge.removeprefix('http://')}",
        "-notifier.blackhole",
        "-evaluationInterval=1s",
        ready=f"{judge}/health",
    )

    def told() -> dict[str, list[dict[str, str]]]:
        url = f"{store}/api/v1/import/prometheus"
        httpx.post(url, content=PAGE, trust_env=False).raise_for_status()
        groups = httpx.get(f"{judge}/api/v1/rules", trust_env=False).json()["data"]["groups"]
        found = [rule for group in groups for rule in group["rules"]]
        assert [(r["name"], r["lastError"]) for r in found if r.get("lastError")] == []
        assert {r["name"] for r in found if r["type"] == "alerting"} == {a.name for a in ALERTS}
        return {
            f"{rule['name']} {rule['labels']['severity']}": [
                alert["annotations"] for alert in rule.get("alerts") or ()
            ]
            for rule in found
            if rule["type"] == "alerting"
        }

    until = time.monotonic() + 60
    wanted = ("OpsApiErrorRateHigh critical", "OpsQueueBacklogHigh warning", "OpsWatchdog info")
    while not all((alerts := told())[name] for name in wanted):
        assert time.monotonic() < until, alerts
        time.sleep(0.5)

    (error_rate,) = alerts["OpsApiErrorRateHigh critical"]
    assert (error_rate["value"], error_rate["threshold"]) == ("30%", "10%")
    (backlog,) = alerts["OpsQueueBacklogHigh warning"]
    assert (backlog["value"], backlog["threshold"]) == ("20", "15")
    assert alerts["OpsQueueBacklogHigh critical"] == []
