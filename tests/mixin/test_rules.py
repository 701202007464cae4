"""The rules, as promtool and the conventions of alerting see them."""

from __future__ import annotations

import re
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import promql_parser
import pytest
import yaml

from exporter.catalogue.alerting import THRESHOLD
from exporter.catalogue.model import Kind
from exporter.catalogue.rules import ALERTS, JOB
from tests.conftest import ROOT
from tests.mixin.written import METRICS, RULES, expressions, parsed, rules, selectors

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.catalogue.alerting import Alert

COUNTED = {"rate", "irate", "increase", "resets"}
COUNTERS = ("_total", "_bucket", "_sum", "_count")
LIMITED = [
    pytest.param(alert, id=f"{alert.name} {alert.severity}") for alert in ALERTS if alert.limit
]
TESTS = sorted((ROOT / "prometheus" / "rules" / "tests").glob("*.yml"))


def test_promtool_has_nothing_to_say(promtool: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a real program on our own files
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", *RULES],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_the_unit_tests_of_the_rules_pass(promtool: Path, path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - a real program on our own files
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scrape_job_has_the_name_and_the_label_that_the_rules_ask_for() -> None:
    config = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text("utf-8"))
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}

    assert "backend" in jobs[JOB]["static_configs"][0]["labels"]


def test_each_alert_says_what_is_wrong_and_where_to_look() -> None:
    for rule in rules():
        if "alert" in rule:
            wanted = {"summary", "description", "runbook_url", "dashboard_url"}
            assert wanted <= rule["annotations"].keys()
            assert "$value" not in str(rule["labels"])


def test_groups_and_names_are_short_enough_to_read() -> None:
    """The limits of mixtool; the names of groups and alerts are those of columns, too."""
    groups = [g for path in RULES for g in yaml.safe_load(path.read_text("utf-8"))["groups"]]

    for group in groups:
        assert 0 < len(group["rules"]) <= 20, group["name"]
        assert len(group["name"]) <= 40, group["name"]
    assert len({group["name"] for group in groups}) == len(groups)
    for alert in alerts():
        assert re.fullmatch("Ops([A-Z][a-z0-9]+)+", alert["alert"]), alert["alert"]
        assert len(alert["alert"]) <= 40, alert["alert"]


def test_each_alert_has_a_severity_and_no_other_label() -> None:
    """A label with a value in it would make a new alert of each evaluation."""
    wrong = [alert["alert"] for alert in alerts() if alert["labels"].keys() != {"severity"}]

    assert wrong == []
    assert {alert["labels"]["severity"] for alert in alerts()} == {"critical", "warning", "info"}


def test_each_summary_is_a_plain_sentence_without_a_number() -> None:
    for alert in alerts():
        summary = alert["annotations"]["summary"]
        assert re.fullmatch(r"[A-Z][^0-9{}$%]*[^.]\.", summary), summary


def test_each_description_is_a_template_and_a_sentence() -> None:
    for alert in alerts():
        description = alert["annotations"]["description"]
        assert "{{" in description, alert["alert"]
        assert re.match(r"[A-Z{]", description), alert["alert"]
        assert description.endswith("."), alert["alert"]


def test_what_can_change_in_a_moment_holds_for_two_scrapes_before_it_fires() -> None:
    """An anomaly looks back over several answers by itself, and the watchdog always fires."""
    at_once = {alert["alert"] for alert in alerts() if "for" not in alert}
    held = [promql_parser.parse_duration(alert["for"]) for alert in alerts() if "for" in alert]

    assert at_once == {"OpsAnomaly", "OpsWatchdog"}
    assert min(held) >= timedelta(seconds=2 * 15)


def test_only_counters_have_a_rate() -> None:
    """Of a gauge that falls, rate() and increase() tell a growth that there was not."""
    counted = set()

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call) and node.func.name in COUNTED:
            (argument,) = node.args
            counted.add(argument.vector_selector.name)

    for _, expr in expressions():
        promql_parser.walk(parsed(expr), visit)

    gauges = {name for name, metric in METRICS.items() if metric.kind is not Kind.COUNTER}
    assert counted
    assert counted & gauges == set()
    # Of what is not ours the name has to do.
    assert {n for n in counted - METRICS.keys() if not n.endswith(COUNTERS)} == set()


@pytest.mark.parametrize("alert", LIMITED)
def test_the_default_of_a_threshold_stands_in_the_preferences_alone(alert: Alert) -> None:
    """What people set would have no effect where a number stands instead, or would not be told."""
    assert alert.limit is not None
    default = alert.limit.threshold
    (rule,) = (r for r in alerts() if (r["alert"], r["labels"]["severity"]) == key(alert))
    (current,) = (r["expr"] for r in rules() if r.get("record") == THRESHOLD)

    assert f'label_replace(vector({default}), "alert", "{alert.name}", "", "")' in current
    assert default.value not in numbers(judged(rule["expr"]))
    for name in ("description", "threshold", *(["value"] if alert.tells_value else [])):
        text = rule["annotations"][name]
        assert not re.search(rf"(?<![\w.]){re.escape(str(default))}(?![\w.])", text), text
        assert default.text not in text, text


def alerts() -> list[dict[str, Any]]:
    """Return every alert rule as it is written."""
    return [rule for rule in rules() if "alert" in rule]


def key(alert: Alert) -> tuple[str, str]:
    return alert.name, str(alert.severity)


def judged(expr: str) -> list[str]:
    """Return an expression and those of what it takes from recording rules, without preferences."""
    recorded = {
        rule["record"]: rule["expr"]
        for rule in rules()
        if "record" in rule and not rule["record"].startswith("alert:")
    }
    found = [expr]
    for one in found:
        found += [recorded[s.name] for s in selectors(one) if s.name in recorded]
    return found


def numbers(exprs: list[str]) -> list[float]:
    """Return the numbers that expressions hold, without those in durations and label values."""
    found: list[float] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.NumberLiteral):
            found.append(node.val)

    for expr in exprs:
        promql_parser.walk(parsed(expr), visit)
    return found
