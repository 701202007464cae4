from __future__ import annotations

import os
import pty
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.endpoints import ENDPOINTS
from tests.commands.conftest import PROGRAM, break_it, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Cli, Simulate

HEADERS = ["endpoint", "verdict", "time", "dialect", "series", "missing", "unknown", "ignored"]
NAMES = [endpoint.name for endpoint in ENDPOINTS]
ESCAPE = "\x1b["


def table(text: str) -> dict[str, list[str]]:
    """Return the rows of the table by endpoint."""
    lines = text.splitlines()
    begin = next(n for n, line in enumerate(lines) if line.split() == HEADERS)
    # In the words of a verdict there is one space, between columns where there is room two.
    rows = [
        re.sub(r"(not|HTTP|invalid|timed|wrong) (?=\w)", r"\1_", line).split()
        for line in lines[begin + 2 : begin + 2 + len(NAMES)]
    ]
    return {row[0]: row[1:] for row in rows}


def test_a_designed_backend_is_usable_and_recognised(cli: Cli, simulate: Simulate) -> None:
    done = cli("check-api", OPS_API_URL=simulate())

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    rows = table(done.stdout)
    assert list(rows) == NAMES
    assert rows["cache"][:2] == ["✔", "ok"]
    assert rows["cache"][4] == "designed"
    assert rows["ingestion"][4] == "both", "it has the same shape in both dialects"
    assert rows["backend_metrics"][:2] == ["○", "not_offered"]
    assert "\n✔ 15 usable, 1 not offered\n" in done.stdout


def test_a_deployed_backend_has_an_endpoint_that_fails(cli: Cli, simulate: Simulate) -> None:
    done = cli("check-api", OPS_API_URL=simulate("--dialect", "deployed"))

    assert done.returncode == 1
    rows = table(done.stdout)
    assert rows["health"][:2] == ["✔", "ok"]
    assert rows["health"][4] == "deployed"
    assert rows["recommendations"][:2] == ["○", "not_applicable"]
    assert rows["models"][:2] == ["✖", "HTTP_error"]
    assert re.search(r"^models +answer +HTTP 500", done.stdout, re.MULTILINE)
    assert "\n✖ 13 usable, 2 not applicable, 1 failed: models\n" in done.stdout
    assert done.stderr == ""


def test_fields_that_are_missing_or_wrong_are_told_below_and_ignored_ones_on_demand(
    cli: Cli, simulate: Simulate
) -> None:
    url = simulate()
    break_it(url, kind="wrong_types", endpoint="performance")

    text = cli("check-api", OPS_API_URL=url, COLUMNS="120").stdout

    assert re.search(r"^performance +missing +api_response_time.p50, ", text, re.MULTILINE)
    assert table(text)["performance"][-1] == "6"
    assert table(text)["cache"][-1] == "1", "ignored fields are counted"
    assert "miss_rate" not in text
    assert text.endswith("  --verbose names the ignored fields, and why\n")

    text = cli("check-api", "--verbose", OPS_API_URL=url, COLUMNS="120").stdout

    assert re.search(r"^cache +ignored +miss_rate: ", text, re.MULTILINE)
    assert "--verbose" not in text


@pytest.mark.parametrize("columns", [80, 100, 120])
@pytest.mark.parametrize("dialect", ["designed", "deployed"])
def test_no_header_or_cell_of_the_table_is_folded(
    cli: Cli, simulate: Simulate, columns: int, dialect: str
) -> None:
    done = cli("check-api", OPS_API_URL=simulate("--dialect", dialect), COLUMNS=str(columns))

    assert list(table(done.stdout)) == NAMES
    assert "…" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= columns


def test_nobody_there_is_told_without_a_traceback(cli: Cli) -> None:
    done = cli("check-api", OPS_API_URL="http://127.0.0.1:9")

    assert done.returncode == 1
    assert {row[1] for row in table(done.stdout).values()} == {"refused"}
    assert done.stderr == ""


def test_one_target_of_several_can_be_chosen(cli: Cli, simulate: Simulate, tmp_path: Path) -> None:
    file = tmp_path / "ops.yml"
    file.write_text(
        f"""
targets:
  - {{name: broken, url: "http://127.0.0.1:9"}}
  - {{name: working, url: "{simulate()}"}}
"""
    )

    both = cli("check-api", "--config.file", file)
    assert both.returncode == 1
    assert both.stdout.count("endpoint  ") == 2

    one = cli("check-api", "--config.file", file, "--target", "working")
    assert one.returncode == 0
    assert one.stdout.lstrip().startswith("working  http://127.0.0.1:")
    assert "broken" not in one.stdout

    none = cli("check-api", "--config.file", file, "--target", "wroking")
    assert none.returncode == 1
    assert none.stderr == (
        'ops-exporter: --target: "wroking": no such target; there are broken, working\n'
    )


def test_certificates_that_cannot_be_read_are_told_as_a_mistake(cli: Cli, tmp_path: Path) -> None:
    missing = str(tmp_path / "ca.pem")

    done = cli("check-api", OPS_API_URL="https://127.0.0.1:9", OPS_API_CA_FILE=missing)

    assert done.returncode == 1
    assert done.stderr.startswith(
        f'ops-exporter: OPS_API_CA_FILE: api.ca_file: "{missing}": cannot be read'
    )


def test_there_is_colour_on_a_terminal_only(cli: Cli) -> None:
    assert ESCAPE not in cli("check-api", OPS_API_URL="http://127.0.0.1:9").stdout
    assert ESCAPE in on_a_terminal("check-api", OPS_API_URL="http://127.0.0.1:9", TERM="xterm")


def on_a_terminal(*words: str, **env: str) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own program
        [*PROGRAM, *words], stdout=theirs, stderr=theirs, env={**clean_environment(), **env}
    ):
        os.close(theirs)
        text = b""
        while True:
            try:
                part = os.read(ours, 65_536)
            except OSError:  # how Linux tells the end of a terminal
                break
            if not part:
                break
            text += part
    os.close(ours)
    return text.decode()
