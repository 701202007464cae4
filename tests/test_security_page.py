"""The table of attacks names tests that there are."""

from __future__ import annotations

import re

from tests.conftest import ROOT

PAGE = ROOT / "docs" / "security.md"
TEST = re.compile(r"\[(test_\w+)\]\(\.\./([\w/]+\.py)\)")


def test_each_attack_of_the_table_is_a_test() -> None:
    rows = [
        line
        for line in PAGE.read_text("utf-8").partition("## Attacks")[2].splitlines()
        if line.startswith("| ") and not line.startswith(("| Attack", "| ---"))
    ]
    named = [TEST.findall(row) for row in rows]

    assert len(rows) > 30
    assert [row for row, tests in zip(rows, named, strict=True) if not tests] == []
    for name, path in (pair for tests in named for pair in tests):
        assert re.search(
            rf"^(async )?def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE
        ), name


def test_each_attack_that_is_tried_on_every_route_is_in_the_table() -> None:
    page = PAGE.read_text("utf-8")
    tried = [
        name
        for path in (ROOT / "tests" / "service").glob("test_attacks*.py")
        for name in re.findall(r"^async def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    ]

    assert len(tried) > 20
    assert [name for name in tried if name not in page] == []
