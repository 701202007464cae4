"""From a number that crosses its threshold to one notification that says what a person needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from exporter.catalogue.rules import ALERTS
from tests.e2e.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Crossing(NamedTuple):
    """One of the design's five thresholds, a value beyond it, and what is to be told."""

    alert: str
    path: str
    value: float | str
    severity: str
    told: str
    threshold: str


# In the units of the API: percent and milliseconds.
CROSSINGS = (
    Crossing("OpsApiErrorRateHigh", "error_rate", 7.5, "warning", "7.5%", "5%"),
    Crossing("OpsApiResponseTimeHigh", "p95", 800, "warning", "800ms", "500ms"),
    Crossing("OpsQueueBacklogHigh", "queue_length", 140, "warning", "140", "100"),
    Crossing("OpsCacheHitRateLow", "cache_hit_rate", 31, "warning", "31%", "50%"),
    Crossing("OpsWorkersDegraded", "worker_health", "degraded", "warning", "", ""),
)


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, prometheus: Path, alertmanager: Path
) -> Iterator[Stack]:
    programs = {"prometheus": prometheus, "alertmanager": alertmanager}
    with Stack(tmp_path_factory.mktemp("stack"), programs) as running:
        running.eventually(lambda: running.query("backend:ops_cache_hit_ratio:current"))
        running.eventually(lambda: running.query("backend:ops_queue_length:max"))
        yield running


@pytest.fixture(autouse=True)
def calm(stack: Stack) -> Iterator[None]:
    """Leave nothing to the next test: no fault, no alert, no notification."""
    yield
    httpx.delete(f"{stack.site.url('simulator')}/-/faults", trust_env=False).raise_for_status()
    firing = 'ALERTS{alertname!="OpsWatchdog", alertstate="firing"}'
    stack.eventually(lambda: not stack.query(firing), within_s=200)
    stack.eventually(lambda: "firing" not in stack.webhook.last.values())
    stack.webhook.notices.clear()


def test_a_healthy_product_notifies_of_nothing_but_the_watchdog(stack: Stack) -> None:
    stack.eventually(lambda: stack.webhook.of("OpsWatchdog"))
    stack.rounds(5)

    assert stack.webhook.names() == set()


def test_each_threshold_of_the_design_brings_one_notification_and_one_of_its_end(
    stack: Stack,
) -> None:
    faults = [stack.fault(kind="set", path=c.path, value=c.value) for c in CROSSINGS]
    stack.eventually(lambda: stack.webhook.names() >= {c.alert for c in CROSSINGS})
    stack.rounds(5)

    assert stack.webhook.names() == {c.alert for c in CROSSINGS}
    for crossing in CROSSINGS:
        (notice,) = stack.webhook.of(crossing.alert)
        assert notice.what == ("firing", crossing.severity)
        assert notice.labels["backend"] == "default"
        told = notice.annotations
        assert (told.get("value", ""), told.get("threshold", "")) == (
            crossing.told,
            crossing.threshold,
        )
        assert crossing.told in told["description"]
        assert crossing.threshold in told["description"]

    for fault in faults:
        stack.mend(fault)
    stack.eventually(lambda: all(len(stack.webhook.of(c.alert)) > 1 for c in CROSSINGS))
    stack.rounds(5)
    for crossing in CROSSINGS:
        whats = [notice.what for notice in stack.webhook.of(crossing.alert)]
        assert whats == [("firing", crossing.severity), ("resolved", crossing.severity)]


def test_the_links_of_a_notification_lead_to_this_installation(stack: Stack) -> None:
    stack.fault(kind="set", path="error_rate", value=7.5)
    stack.eventually(lambda: stack.webhook.of("OpsApiErrorRateHigh"))

    (notice,) = stack.webhook.of("OpsApiErrorRateHigh")
    links = {name: url for name, url in notice.annotations.items() if name.endswith("_url")}
    exporter, actions = stack.site.url("exporter"), stack.site.url("sink")
    assert links == {
        "runbook_url": f"{exporter}/runbook#opsapierrorratehigh",
        "dashboard_url": ("http://127.0.0.1:3000/d/ops-overview?var-backend=default&viewPanel=31"),
        "refresh_url": f"{actions}/actions/refresh?backend=default",
        "acknowledge_url": (
            f"{actions}/alerts/acknowledge?alertname=OpsApiErrorRateHigh&backend=default"
        ),
        "dismiss_url": f"{actions}/alerts/dismiss?alertname=OpsApiErrorRateHigh&backend=default",
    }
    page = httpx.get(links["runbook_url"], trust_env=False).text
    assert 'id="opsapierrorratehigh"' in page


def test_what_is_twice_the_threshold_at_once_is_critical_and_not_a_warning_too(
    stack: Stack,
) -> None:
    stack.fault(kind="set", path="error_rate", value=30)
    stack.eventually(lambda: stack.webhook.of("OpsApiErrorRateHigh"))
    stack.rounds(5)

    assert [n.what for n in stack.webhook.of("OpsApiErrorRateHigh")] == [("firing", "critical")]
    firing = 'ALERTS{alertname="OpsApiErrorRateHigh", alertstate="firing"}'
    assert len(stack.query(firing)) == 2  # the warning too, which Alertmanager holds back


def test_an_api_that_is_down_is_one_notification(stack: Stack) -> None:
    for crossing in CROSSINGS:
        stack.fault(kind="set", path=crossing.path, value=crossing.value)
    stack.eventually(lambda: stack.webhook.names() >= {c.alert for c in CROSSINGS})
    stack.webhook.notices.clear()

    stack.fault(kind="down", endpoint="*")
    stack.eventually(lambda: stack.webhook.of("OpsMonitoringApiDown"))
    stack.rounds(20)

    assert [(n.name, *n.what) for n in stack.webhook.notices if n.name != "OpsWatchdog"] == [
        ("OpsMonitoringApiDown", "firing", "critical")
    ]


def test_a_threshold_that_people_change_is_judged_by_and_told(stack: Stack) -> None:
    stack.fault(kind="set", path="queue_length", value=60)
    stack.preferences.set("ops_alert_threshold", "OpsQueueBacklogHigh", 40)
    stack.eventually(lambda: stack.webhook.of("OpsQueueBacklogHigh"))

    (notice,) = stack.webhook.of("OpsQueueBacklogHigh")
    assert (notice.annotations["value"], notice.annotations["threshold"]) == ("60", "40")
    stack.preferences.set("ops_alert_threshold", "OpsQueueBacklogHigh", 100)


def test_an_alert_that_people_switch_off_ends(stack: Stack) -> None:
    stack.fault(kind="set", path="worker_health", value="degraded")
    stack.eventually(lambda: stack.webhook.of("OpsWorkersDegraded"))

    stack.preferences.set("ops_alert_enabled", "OpsWorkersDegraded", 0)

    stack.eventually(lambda: len(stack.webhook.of("OpsWorkersDegraded")) > 1)
    assert stack.webhook.of("OpsWorkersDegraded")[-1].status == "resolved"
    stack.preferences.set("ops_alert_enabled", "OpsWorkersDegraded", 1)


def test_every_alert_of_the_catalogue_is_in_force(stack: Stack) -> None:
    url = f"{stack.site.url('prometheus')}/api/v1/rules"
    groups = httpx.get(url, trust_env=False).json()["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]

    assert {r["name"] for r in rules if r["type"] == "alerting"} == {a.name for a in ALERTS}
    assert [(r["name"], r.get("lastError")) for r in rules if r["health"] == "err"] == []


def test_what_ends_while_a_graver_fault_hides_it_is_told_when_that_is_over(stack: Stack) -> None:
    fault = stack.fault(kind="set", path="worker_health", value="degraded")
    stack.eventually(lambda: stack.webhook.of("OpsWorkersDegraded"))
    down = stack.fault(kind="set", path="worker_health", value="down")
    stack.eventually(lambda: stack.webhook.of("OpsWorkersDown"))

    stack.mend(down)
    stack.mend(fault)

    both = ("OpsWorkersDegraded", "OpsWorkersDown")
    stack.eventually(lambda: all(len(stack.webhook.of(name)) > 1 for name in both))
    for name in both:
        assert [notice.status for notice in stack.webhook.of(name)] == ["firing", "resolved"]
