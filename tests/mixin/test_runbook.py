"""The runbook has an answer to every alert, and its expressions work."""

from __future__ import annotations

import re

import pytest

from exporter.catalogue.rules import ALERTS
from tests.conftest import ROOT
from tests.mixin.written import known_names, selectors

TEXT = (ROOT / "docs" / "runbook.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", TEXT, flags=re.MULTILINE | re.DOTALL))
EXPRESSIONS = [
    (name, expr.strip())
    for name, section in SECTIONS.items()
    for expr in re.findall(r"```promql\n(.*?)```", section, flags=re.DOTALL)
]


def test_each_alert_has_a_section_and_each_section_an_alert() -> None:
    assert list(SECTIONS) == list(dict.fromkeys(alert.name for alert in ALERTS))


@pytest.mark.parametrize("name", list(SECTIONS))
def test_each_section_says_meaning_impact_diagnosis_and_mitigation(name: str) -> None:
    parts = re.findall(r"^### (.+)\n+([^#\s].+)", SECTIONS[name], flags=re.MULTILINE)

    assert [heading for heading, _ in parts] == ["Meaning", "Impact", "Diagnosis", "Mitigation"]


@pytest.mark.parametrize("name", list(SECTIONS))
def test_each_diagnosis_has_an_expression_to_look_with(name: str) -> None:
    assert [expr for place, expr in EXPRESSIONS if place == name]


@pytest.mark.parametrize(("name", "expr"), EXPRESSIONS)
def test_each_expression_parses_and_names_only_what_exists(name: str, expr: str) -> None:
    names = {selector.name for selector in selectors(expr)}

    assert names
    assert names <= known_names(), name
