from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Cli


def test_the_defaults_are_valid(cli: Cli) -> None:
    done = cli("check-config")

    assert done.returncode == 0
    assert done.stderr == ""
    assert "http://127.0.0.1:8000" in done.stdout
    assert done.stdout.endswith("the configuration is valid\n")


def test_it_shows_each_target_and_no_token(cli: Cli, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hush-hush")
    file = tmp_path / "ops.yml"
    file.write_text(
        f"""
targets:
  - {{name: first, url: "http://127.0.0.1:8001", token: hush-hush}}
  - {{name: second, url: "http://127.0.0.1:8002", token_file: {token}}}
  - {{name: third, url: "http://127.0.0.1:8003"}}
poll: {{interval: 45s}}
"""
    )

    done = cli("check-config", "--config.file", file)

    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines() if "http" in line]
    assert rows == [
        ["first", "http://127.0.0.1:8001", "set", "45", "s"],
        ["second", "http://127.0.0.1:8002", "from", "a", "file", "45", "s"],
        ["third", "http://127.0.0.1:8003", "none", "45", "s"],
    ]
    assert "hush" not in done.stdout + done.stderr


def test_every_mistake_is_told_at_once(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "ops.yml"
    file.write_text("api: {url: nonsense}\npoll:\n  interval: 5 sec\n  intervall: 5s\n")

    done = cli("check-config", "--config.file", file)

    assert done.returncode == 1
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"ops-exporter: {file}:") for line in lines)
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    done = cli("check-config", "--config.file", tmp_path / "nowhere.yml")

    assert done.returncode == 1
    assert "nowhere.yml: cannot be read" in done.stderr


def test_a_token_file_that_cannot_be_read_is_a_mistake(cli: Cli, tmp_path: Path) -> None:
    done = cli("check-config", OPS_API_TOKEN_FILE=str(tmp_path / "nowhere"))

    assert done.returncode == 1
    assert "token_file" in done.stderr


def test_a_variable_that_sets_nothing_is_pointed_out(cli: Cli) -> None:
    done = cli("check-config", OPS_POL_INTERVAL="5s")

    assert "OPS_POL_INTERVAL: sets nothing" in done.stdout
    assert done.returncode == 0


def test_an_output_that_cannot_show_its_signs_is_no_error(cli: Cli) -> None:
    assert cli("check-config", PYTHONIOENCODING="ascii").returncode == 0
