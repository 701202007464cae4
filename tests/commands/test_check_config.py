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


SERVICE = """
state_dir: {folder}
admin_token_file: {folder}/admin
auth:
  operators: [ann, bob]
  proxy: {{networks: [10.0.0.0/8]}}
  tokens:
    - {{name: ci, token_file: {folder}/ci, scopes: [read, act]}}
"""
TOKENS = {"admin": "hush-hush-hush-hush", "ci": "hush-hush-of-scripts"}


def of_service(folder: Path, **tokens: str) -> Path:
    """Write the configuration of an action service, with its tokens."""
    for name, token in tokens.items():
        (folder / name).write_text(token)
    file = folder / "ops.yml"
    file.write_text(SERVICE.format(folder=folder))
    return file


def test_a_mistake_in_what_only_the_action_service_reads_is_told_too(
    cli: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "ops.yml"
    file.write_text("auth:\n  operators: [a b]\n  tokenz: []\n")

    done = cli("check-config", "--config.file", file)

    assert done.returncode == 1
    assert [line.split(": ")[2] for line in done.stderr.splitlines()] == [
        "auth.operators[0]",
        "auth.tokenz",
    ]


def test_the_exporters_user_need_not_be_able_to_read_the_secrets_of_the_action_service(
    cli: Cli, tmp_path: Path
) -> None:
    done = cli("check-config", "--config.file", of_service(tmp_path))

    assert done.returncode == 0
    assert "secrets of the action service were not tried; --actions does" in done.stdout


def test_the_action_service_is_shown_without_its_secrets(cli: Cli, tmp_path: Path) -> None:
    done = cli("check-config", "--actions", "--config.file", of_service(tmp_path, **TOKENS))

    assert done.returncode == 0
    rows = [line.partition("  ")[::2] for line in done.stdout.splitlines()]
    shown = {name: value.strip() for name, value in rows}
    assert shown["database"] == "sqlite, in state_dir"
    assert shown["acts with"] == "admin_token_file"
    assert shown["hears Alertmanager with"] == "none"
    assert shown["operators"] == "ann, bob"
    assert shown["tokens"] == "ci (read act)"
    assert shown["names of users from"] == "10.0.0.0/8"
    assert done.stdout.endswith("the configuration is valid\n")
    assert "hush" not in done.stdout + done.stderr


def test_every_secret_that_the_action_service_cannot_use_is_told_at_once(
    cli: Cli, tmp_path: Path
) -> None:
    file = of_service(tmp_path, ci="hush")
    file.write_text("\n".join(file.read_text().splitlines()[2:]))

    done = cli("check-config", "--actions", "--config.file", file)

    assert done.returncode == 1
    assert done.stdout == ""
    weak, absent, nowhere = done.stderr.splitlines()
    assert f'ops.yml:6: auth.tokens[0].token_file: "{tmp_path}/ci": is too easy to guess' in weak
    assert "ops.yml:1: admin_token_file: " in absent
    assert "state_dir: nothing: " in nowhere
    assert "hush" not in done.stderr


def test_a_password_in_the_address_of_the_database_is_not_shown(cli: Cli, tmp_path: Path) -> None:
    url = "postgresql://ops:hush-hush@db.example/ops"

    done = cli("check-config", "--actions", OPS_DATABASE_URL=url, OPS_STATE_DIR=str(tmp_path))

    assert done.returncode == 0
    assert "postgresql, database_url" in done.stdout
    assert "hush" not in done.stdout + done.stderr
