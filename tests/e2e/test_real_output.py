"""What rules, runbook and dashboards name is what a real exporter tells, not what is declared."""

from __future__ import annotations

import re
import sys
import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import Recording
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.rules import ALERTS, GROUPS
from exporter.exposition import Families, Page
from scripts.children import LOOPBACK, Child, free_port
from tests.conftest import ROOT
from tests.mixin.test_runbook import EXPRESSIONS
from tests.mixin.written import expressions, rules, selectors
from tests.polling.simulated import DAY_S, Simulated

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OURS = (sys.executable, "-m", "exporter.cli")
DEADLINE_S = 90.0
# What Prometheus adds to every series, and what the alert rules add to each alert.
ADDED = {"job", "instance", "backend", "alertname", "alertstate", "severity"}
# Prometheus's own.
FOREIGN = {"up", "ALERTS", "ALERTS_FOR_STATE"}
RECORDED = {r.record for group in GROUPS for r in group.rules if isinstance(r, Recording)}
# Those of the action service are not the exporter's to tell.
SERVICE = {metric.name for metric in own.ALL if metric.service}

# How few jobs end: there need not be one among the last.
SELDOM = {("ops_ingestion_job_info", "status", "skipped")}

# What takes more than one answer: rates of counters, and jobs that wait and then run.
LATE = {
    "designed": ('status="pending"} 1', 'status="processing"} 1'),
    "deployed": ("ops_api_requests_per_second ",),
}

Seen = dict[str, dict[str, set[str]]]


class Named(NamedTuple):
    """A metric that is named somewhere, with a label and the values that it is compared with."""

    place: str
    metric: str
    label: str
    values: tuple[str, ...]


def note(seen: Seen, page: str) -> None:
    """Enter every series of a metrics page."""
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = seen[sample.name]
            for name, value in sample.labels.items():
                labels[name].add(value)


def fetched(url: str) -> str:
    return httpx.get(f"{url}/metrics", trust_env=False).text


def from_processes(folder: Path, dialect: str, seen: Seen) -> None:
    """Let a real exporter ask a real simulator until it has asked everything, then break that."""
    api, exporter = (f"http://{LOOPBACK}:{free_port()}" for _ in range(2))
    listen = ("--web.listen-address", api.removeprefix("http://"))
    simulate = [*OURS, "simulate", "--dialect", dialect, "--slow-scale", "0.02", *listen]
    serve = [*OURS, "serve", "--web.listen-address", exporter.removeprefix("http://")]
    environment = {"OPS_API_URL": api, "OPS_POLL_INTERVAL": "1s", "OPS_API_TOKEN": "any"}
    simulator = Child("simulator", simulate, log=folder / f"{dialect}-simulator.log")
    try:
        simulator.wait_until_ready(f"{api}/-/healthy")
        child = Child("exporter", serve, log=folder / f"{dialect}.log", env=environment)
        try:
            child.wait_until_ready(f"{exporter}/-/ready")
            until = time.monotonic() + DEADLINE_S
            while fetched(exporter).count("ops_endpoint_success{") < len(ENDPOINTS):
                assert time.monotonic() < until
                time.sleep(0.5)
            for name in "abcd":  # more jobs than run at once: some wait
                ingest = f"{api}/api/v1/ingestion/ingest/github.com%2Facme%2F{name}"
                httpx.post(ingest, trust_env=False).raise_for_status()
            page = ""
            while not all(word in page for word in LATE[dialect]):
                assert time.monotonic() < until, page
                time.sleep(0.2)
                page += fetched(exporter)
                note(seen, fetched(exporter))
            fault = {"kind": "down", "endpoint": "*"}
            httpx.post(f"{api}/-/faults", json=fault, trust_env=False).raise_for_status()
            while 'ops_endpoint_failures_total{endpoint="health"' not in (
                page := fetched(exporter)
            ):
                assert time.monotonic() < until
                time.sleep(0.5)
            note(seen, page)
        finally:
            child.stop()
    finally:
        simulator.stop()


def from_a_day_of_judgements(seen: Seen) -> None:
    """Let the detectors learn for a simulated day: only then they say what is an anomaly."""
    one = Simulated()
    one.run(DAY_S)
    families = Families(version=1, by_metric=one.anomalies.by_metric)
    note(seen, Page(lambda: families).get("text/plain", "identity").body.decode())


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Metric → label → values, in both dialects, well and broken."""
    found: Seen = defaultdict(lambda: defaultdict(set))
    folder = tmp_path_factory.mktemp("output")
    for dialect in ("designed", "deployed"):
        from_processes(folder, dialect, found)
    from_a_day_of_judgements(found)
    return found


def named() -> Iterator[Named]:
    """Yield what rules, their templates, dashboards and the runbook name."""
    templates = [
        (rule["alert"], query.replace("%q", "'default'"))
        for rule in rules()
        for annotation in (rule.get("annotations") or {}).values()
        for query in re.findall(r'(?:query|printf) "([^"]+)"', annotation)
        if "{" in query
    ]
    for place, expression in [*expressions(), *templates, *EXPRESSIONS]:
        for selector in selectors(expression):
            metric = selector.name or ""
            if not metric:
                continue  # people choose it, among those that are watched
            yield Named(place, metric, "", ())
            for matcher in selector.matchers.matchers:
                values = tuple(v for v in matcher.value.split("|") if re.fullmatch(r"[\w.-]+", v))
                yield Named(place, metric, matcher.name, values)


def test_every_metric_that_is_named_is_told(seen: Seen) -> None:
    known = {*seen, *RECORDED, *SERVICE, *FOREIGN}

    assert {(one.place, one.metric) for one in named() if one.metric not in known} == set()


def test_every_label_and_every_value_that_is_named_is_told(seen: Seen) -> None:
    wrong = set()
    for one in named():
        if one.metric in seen and one.label and one.label not in ADDED:
            there = seen[one.metric].get(one.label, set())
            there |= {
                v for metric, label, v in SELDOM if (metric, label) == (one.metric, one.label)
            }
            wrong |= {(one.place, one.metric, one.label, v) for v in one.values if v not in there}
            if not there:
                wrong.add((one.place, one.metric, one.label, "any"))

    assert wrong == set()


def test_every_label_of_an_alert_and_of_a_notification_is_told(seen: Seen) -> None:
    told = {label for labels in seen.values() for label in labels} | ADDED
    used = {(alert.name, label) for alert in ALERTS for label in alert.by}
    for path in (ROOT / "alertmanager" / "templates").glob("*.tmpl"):
        names = re.findall(r"\.(?:Common|Group)?Labels\.([a-z]\w*)", path.read_text("utf-8"))
        used |= {(path.name, name) for name in names}

    assert {(place, label) for place, label in used if label not in told} == set()
    assert any(place.endswith(".tmpl") for place, _ in used)
