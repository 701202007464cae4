from __future__ import annotations

import io
import stat
from typing import TYPE_CHECKING

import pytest

from exporter.cli import main
from exporter.settings.secrets import weakness

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Cli


def test_each_file_gets_a_token_of_its_own_that_others_may_not_read(
    cli: Cli, tmp_path: Path
) -> None:
    files = [tmp_path / "one", tmp_path / "two"]

    done = cli("new-secret", *files)

    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(f"{path}: written\n" for path in files)
    tokens = [path.read_text("utf-8").strip() for path in files]
    assert len({*tokens}) == len(files)
    assert [weakness(token) for token in tokens] == ["", ""]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o640}
    assert sorted(tmp_path.iterdir()) == files


def test_a_secret_that_is_there_is_kept(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("mine", "utf-8")

    done = cli("new-secret", path)

    assert (done.returncode, done.stdout) == (0, f"{path}: kept\n")
    assert path.read_text("utf-8") == "mine"


def test_a_secret_of_ones_own_comes_from_standard_input_and_is_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "token"
    path.write_text("the old one", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO("one of my own\n"))

    assert main(["new-secret", "--stdin", str(path)]) == 0

    shown = capsys.readouterr()
    assert shown.out == f"{path}: written\n"
    assert shown.err == ""
    assert path.read_text("utf-8") == "one of my own\n"


@pytest.mark.parametrize("given", [" \n", "one\ntwo\n", "one\ttwo"])
def test_what_is_no_line_of_text_changes_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str,
) -> None:
    path = tmp_path / "token"
    path.write_text("the old one", "utf-8")
    monkeypatch.setattr("sys.stdin", io.StringIO(given))

    assert main(["new-secret", "--stdin", str(path)]) == 1

    assert "one line of text" in capsys.readouterr().err
    assert path.read_text("utf-8") == "the old one"


def test_a_folder_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "token"

    done = cli("new-secret", path)

    assert done.returncode == 1
    assert done.stderr == f"ops-exporter: {path}: No such file or directory\n"
