from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter import __version__
from exporter.cli import COMMANDS
from tests.commands.conftest import PROGRAM, clean_environment

if TYPE_CHECKING:
    from tests.commands.conftest import Cli

NAMES = [name for name, _, _ in COMMANDS]


def test_help_names_every_command(cli: Cli) -> None:
    done = cli("--help")

    assert done.returncode == 0
    for name, _, text in COMMANDS:
        assert re.search(rf"^    {name} +{text}$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_each_command_tells_its_flags(cli: Cli, name: str) -> None:
    done = cli(name, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: ops-exporter {name}")
    assert done.stderr == ""


def test_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version").stdout == f"ops-exporter {__version__}\n"


@pytest.mark.parametrize("words", [(), ("nonsense",), ("serve", "--nonsense")])
def test_what_is_not_known_ends_with_usage_on_standard_error(
    cli: Cli, words: tuple[str, ...]
) -> None:
    done = cli(*words)

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("usage: ops-exporter")
    assert "Traceback" not in done.stderr


def test_help_imports_no_command() -> None:
    heavy = "pydantic httpx apscheduler starlette uvicorn rich prometheus_client asyncio"
    code = f"""
import sys
from exporter.cli import main
try:
    main(["--help"])
except SystemExit:
    pass
found = [name for name in {heavy.split()!r} if name in sys.modules]
sys.exit(f"imported: {{found}}" if found else 0)
"""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_reader_that_leaves_is_no_error() -> None:
    """As `ops-exporter --help | head -1` does."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, "check-config"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=clean_environment(),
    ) as program:
        assert program.stdout is not None
        program.stdout.close()
        assert program.stderr is not None
        assert program.stderr.read() == b""
