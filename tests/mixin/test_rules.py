"""The rules, as promtool and the conventions of alerting see them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from exporter.catalogue.rules import ALERTS, JOB
from tests.conftest import ROOT
from tests.mixin.written import RULES, rules

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.catalogue.alerting import Alert

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


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name} {alert.severity}")
def test_each_alert_has_unit_tests_that_it_fires_and_that_it_does_not(alert: Alert) -> None:
    cases = [
        case
        for path in TESTS
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert.name
    ]

    fired = [one["exp_labels"]["severity"] for c in cases for one in c.get("exp_alerts") or ()]
    assert alert.severity in fired
    assert [case for case in cases if not case.get("exp_alerts")]


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
