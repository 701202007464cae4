"""The runbook has an answer to every alert, and its expressions work."""

from __future__ import annotations

import re
import textwrap

import pytest

from exporter.catalogue.alerting import Threshold
from exporter.catalogue.rules import ALERTS
from exporter.mixin import alert_tables
from exporter.web.pages import markdown
from tests.conftest import ROOT
from tests.mixin.written import known_names, selectors

TEXT = (ROOT / "docs" / "runbook.md").read_text("utf-8")
CHAPTERS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))
SECTIONS = {name: text for name, text in CHAPTERS.items() if re.fullmatch(r"Ops\w+", name)}
EXPRESSIONS = [
    (name, textwrap.dedent(expr).strip())
    for name, section in {"": TEXT.split("\n## ")[0], **CHAPTERS}.items()
    for expr in re.findall(r"^ *```promql\n(.*?)```", section, flags=re.MULTILINE | re.DOTALL)
]
COMMANDS = [
    line.strip()
    for block in re.findall(r"```console\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]
LIMITS = {alert.name: alert.limit.threshold for alert in ALERTS if alert.limit is not None}
_WORDS = {" ms": "milliseconds?", " s": "seconds?", " min": "minutes?", " %": "per cent"}


def by_hand(section: str) -> str:
    """Return prose and expressions of a section, without the numbers of lists."""
    text = re.sub(r"```console.*?```", "", section, flags=re.DOTALL)
    return re.sub(r"^\d+\. ", "", text, flags=re.MULTILINE)


def ways_to_write(limit: Threshold) -> str:
    """Return a pattern of a default as prose or an expression might repeat it."""
    number, unit = re.fullmatch(r"([\d.]+)(.*)", limit.text).groups()  # type: ignore[union-attr]
    texts = [rf"{re.escape(number)} ?{unit.strip()}", rf"[<>]=? *{re.escape(str(limit))}"]
    if unit:
        texts.append(rf"{re.escape(number)} {_WORDS[unit]}")
    return "|".join(rf"(?<![\w.(]){text}(?![\w.]*\w)" for text in texts)


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    assert list(SECTIONS) == list(dict.fromkeys(alert.name for alert in ALERTS))


@pytest.mark.parametrize("name", list(SECTIONS))
def test_each_section_says_meaning_impact_diagnosis_and_mitigation(name: str) -> None:
    parts = re.findall(r"^### (.+)\n+([^#\s].+)", SECTIONS[name], flags=re.MULTILINE)

    assert [heading for heading, _ in parts] == ["Meaning", "Impact", "Diagnosis", "Mitigation"]


@pytest.mark.parametrize("name", list(SECTIONS))
def test_each_diagnosis_has_an_expression_to_look_with(name: str) -> None:
    assert [expr for place, expr in EXPRESSIONS if place == name]


@pytest.mark.parametrize("name", list(LIMITS))
def test_a_default_threshold_is_not_repeated_by_hand(name: str) -> None:
    """It stands once, in the catalogue; people can change it, and prose would go on lying."""
    assert re.findall(ways_to_write(LIMITS[name]), by_hand(SECTIONS[name])) == []


@pytest.mark.parametrize(
    ("limit", "text"),
    [
        (Threshold(value=0.5, unit="seconds"), "longer than 500 ms"),
        (Threshold(value=0.5, unit="seconds"), "ops_api_response_time_seconds > 0.5"),
        (Threshold(value=300, unit="seconds"), "older than 5 minutes."),
        (Threshold(value=0.05, unit="ratio"), "more than 5 %"),
        (Threshold(value=0.05, unit="ratio"), "more than 5 per cent"),
        (Threshold(value=100), "more than 100 tasks"),
    ],
)
def test_a_default_that_is_repeated_would_be_found(limit: Threshold, text: str) -> None:
    assert re.search(ways_to_write(limit), text)


@pytest.mark.parametrize("name", list(SECTIONS))
def test_how_long_an_alert_holds_is_not_repeated_by_hand(name: str) -> None:
    assert not re.search(r"\b[Ff]or (more than )?\d+ (s|min)", by_hand(SECTIONS[name]))


def test_every_link_within_the_page_leads_to_a_heading() -> None:
    headings, _ = markdown(TEXT)

    assert set(re.findall(r"\]\(#([\w-]+)\)", TEXT)) <= {anchor for anchor, _ in headings}


@pytest.mark.parametrize(("name", "expr"), EXPRESSIONS)
def test_each_expression_parses_and_names_only_what_exists(name: str, expr: str) -> None:
    names = {selector.name for selector in selectors(expr)}

    assert names
    assert names <= known_names(), name


def test_the_table_tells_each_default_once() -> None:
    table = alert_tables.thresholds()

    assert table in TEXT
    for name, limit in LIMITS.items():
        (row,) = (line for line in table.splitlines() if f"[{name}]" in line)
        assert f" {limit.text} |" in row.replace("\N{NO-BREAK SPACE}", " ")


def test_two_rules_of_one_alert_are_one_row() -> None:
    rows = dict(re.findall(r"^\| \[(\w+)\]\S+ \| ([^|]+) \|", alert_tables.alerts(), re.MULTILINE))

    assert rows["OpsQueueBacklogHigh"] == "warning, critical beyond twice the threshold"
    assert rows["OpsAnomaly"] == "info or warning"
    assert list(rows) == list(SECTIONS)


def test_what_hides_nearly_all_names_what_it_does_not_hide() -> None:
    rows = re.findall(
        r"^\| (\[.+?) \| (.+?) \| (.+?) \|$", alert_tables.inhibitions(), re.MULTILINE
    )
    hidden = {
        tuple(re.findall(r"\[(\w+)\]", sources)): (targets, same) for sources, targets, same in rows
    }

    targets, same = hidden["OpsExporterDown", "OpsExporterTargetVanished"]
    spared = ["OpsExporterAbsent", "OpsActionsDown", "OpsWatchdog"]
    assert re.findall(r"\[(\w+)\]", targets) == spared
    assert targets.startswith("every other alert but ")
    assert same == "the same backend"


def test_what_hides_without_a_label_in_common_hides_all_of_it() -> None:
    row = "| [{0}](#{1}) | [{2}](#{3}) | all |"
    source, target = "OpsExporterTargetVanished", "OpsExporterAbsent"

    assert row.format(source, source.lower(), target, target.lower()) in alert_tables.inhibitions()
