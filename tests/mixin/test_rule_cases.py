"""
The unit tests of the rules leave no situation out.

Of each alert it must be told what happens in each situation that can meet it. The name of a test in
``prometheus/rules/tests`` says of which alerts it speaks (or else what it asks for does), and by
the words below of which situations: ``OpsModuleSlow (fires, just below): Longer than …``. What the
name promises is looked for in the test itself.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.catalogue.rules import ALERTS
from tests.conftest import ROOT

if TYPE_CHECKING:
    from exporter.catalogue.alerting import Alert

TESTS = sorted((ROOT / "prometheus" / "rules" / "tests").glob("*.yml"))
# Situation, and the word in a test's name that stands for it.
SITUATIONS = {
    "fires": r"\bfires?\b",
    "just below": r"\bjust below\b",
    "recovers": r"\b(recovers?|resolves?)\b",
    "no data": r"\bno data\b",
    "gap": r"\bgaps?\b",
    "no traffic": r"\bno traffic\b",
    "replicas": r"\breplicas?\b",
    "backends": r"\bbackends?\b",
    "preference": r"\bpreferences?\b",
    "switched off": r"\bswitched off\b",
}
# Where a test asks for something.
ASKED = ("alert_rule_test", "promql_expr_test")
# In these something of each severity must fire: before, after or beside what does not.
FIRING = {"fires", "recovers", "gap", "replicas", "preference", "switched off"}
# Shares of what there may be none of.
OF_TRAFFIC = {"OpsApiErrorRateHigh", "OpsCacheHitRateLow", "OpsModelErrorsHigh"}
# These fire because there is nothing: what replicas, scrapes or a single one do is no matter.
ALWAYS = {"OpsWatchdog": {"fires", "no data", "switched off"}}
# A gap or one of several replicas must not make these fire; they cannot fire then.
OF_TARGETS = {"OpsExporterAbsent"}
EACH = [pytest.param(alert, id=f"{alert.name} {alert.severity}") for alert in ALERTS]


@cache
def written() -> tuple[dict[str, Any], ...]:
    """Return every unit test; all scalars are texts, or 0x20 would be a number."""
    texts = (path.read_text("utf-8") for path in TESTS)
    return tuple(test for text in texts for test in yaml.load(text, yaml.CBaseLoader)["tests"])  # noqa: S506 - it makes but texts


def wanted(alert: Alert) -> set[str]:
    """Return the situations in which it must be told what the alert does."""
    if alert.name in ALWAYS:
        return ALWAYS[alert.name]
    return {
        situation
        for situation in SITUATIONS
        if (situation != "backends" or "backend" in alert.by)
        and (situation != "preference" or alert.limit is not None)
        and (situation != "no traffic" or alert.name in OF_TRAFFIC)
    }


def spoken_of(test: dict[str, Any]) -> set[str]:
    """Return the names of the alerts that a test is about."""
    return set(re.findall(r"\bOps[A-Z]\w+", test["name"])) or set(
        re.findall(r"\bOps[A-Z]\w+", str([test.get(key) for key in ASKED]))
    )


def shows(test: dict[str, Any], situation: str, alert: Alert) -> bool:
    """Tell whether a test holds what there must be for a situation."""
    series = [(one["series"], one["values"]) for one in test["input_series"]]
    of_alert = [(s, v) for s, v in series if f'alert="{alert.name}"' in s]
    held = {
        "fires": bool(notified(test, alert)),
        "gap": any(re.search(r"(^|\s)_", values) for _, values in series),
        "replicas": len(found(series, "instance")) > 1,
        "backends": len(found(series, "backend")) > 1,
        "preference": any(s.startswith("ops_alert_threshold{") for s, _ in of_alert),
        "switched off": any(
            s.startswith("ops_alert_enabled{") and re.search(r"(^|\s)0(x|\s|$)", values)
            for s, values in of_alert
        ),
    }
    return held.get(situation, True)


def found(series: list[tuple[str, str]], label: str) -> set[str]:
    """Return the values of a label."""
    return {value for s, _ in series for value in re.findall(rf'\b{label}="([^"]*)"', s)}


def notified(test: dict[str, Any], alert: Alert) -> list[dict[str, str]]:
    """Return the annotations of each notification of the alert that a test asks for."""
    return [
        one["exp_annotations"]
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert.name
        for one in case.get("exp_alerts") or ()
        if one["exp_labels"]["severity"] == alert.severity
    ]


def fires(test: dict[str, Any], alert: Alert) -> bool:
    """Tell whether a test asks for the alert, in its severity, at any time."""
    return bool(notified(test, alert)) or any(
        f'"{alert.name}"' in sample["labels"] and f'severity="{alert.severity}"' in sample["labels"]
        for case in test.get("promql_expr_test", ())
        for sample in case.get("exp_samples") or ()
    )


def test_the_name_of_each_test_is_a_sentence_with_words_of_its_own() -> None:
    for path in TESTS:
        names = re.findall(r"^  - name: (.+)", path.read_text("utf-8"), re.MULTILINE)
        assert sorted(set(names)) == sorted(names), path.name

    for name in (test["name"] for test in written()):
        sentence = re.sub(r"^Ops[^:]*\): ", "", name)
        assert re.match("[A-Z]", sentence), name
        assert " " in sentence, name


@pytest.mark.parametrize("alert", EACH)
def test_each_situation_of_each_alert_is_tested(alert: Alert) -> None:
    about = [test for test in written() if alert.name in spoken_of(test)]
    missing = set()
    for situation in wanted(alert):
        tests = [
            test
            for test in about
            if re.search(SITUATIONS[situation], test["name"], re.IGNORECASE)
            and shows(test, situation, alert)
        ]
        must_fire = situation in FIRING and not (
            alert.name in OF_TARGETS and situation in {"gap", "replicas"}
        )
        if not tests or (must_fire and not any(fires(test, alert) for test in tests)):
            missing.add(situation)

    assert missing == set()


@pytest.mark.parametrize("alert", EACH)
def test_each_alert_is_told_whole_at_least_once(alert: Alert) -> None:
    """With all that a person reads and clicks, not only that it fires."""
    told = [annotations for test in written() for annotations in notified(test, alert)]

    wanted_keys = {"summary", "description", "runbook_url", "dashboard_url"}
    if alert.limit is not None:
        wanted_keys |= {"threshold", *(["value"] if alert.tells_value else [])}
    if alert.by:
        wanted_keys |= {"acknowledge_url", "dismiss_url"}
    assert [annotations for annotations in told if wanted_keys <= annotations.keys()]
    # "none is silent": a time at which it is asked for and is not there.
    assert [
        case
        for test in written()
        for case in test.get("alert_rule_test", ())
        if case["alertname"] == alert.name and not case.get("exp_alerts")
    ] or alert.name in ALWAYS
