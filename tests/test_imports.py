"""Who may import what, where import-linter's layers cannot say it (pyproject.toml)."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(exporter.__file__).parent


def imported_by(package: str) -> Iterator[str]:
    """Yield the full name of each module that a file of *package* imports anywhere."""
    for path in sorted((PACKAGE / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path}: imports are absolute"
                yield str(node.module)


def test_the_catalogue_imports_the_standard_library_alone() -> None:
    others = {
        name
        for name in imported_by("catalogue")
        if name.split(".")[0] not in sys.stdlib_module_names
        and not name.startswith("exporter.catalogue")
    }

    assert set() == others


def test_the_simulator_shares_nothing_with_the_code_that_reads_it() -> None:
    """Or it would agree with the mistakes of its reader."""
    ours = {name for name in imported_by("simulator") if name.split(".")[0] == "exporter"}

    assert {name for name in ours if not name.startswith("exporter.simulator")} == set()
