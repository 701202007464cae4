from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Cli


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/below"])
def test_a_place_that_cannot_be_written_to_is_told_in_one_line(
    cli: Cli, tmp_path: Path, output: str
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / output

    done = cli("generate", "--output", place)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"ops-exporter: --output: {place}: no")
    assert done.stderr.endswith(
        "; name a folder that may be written to; it is created when it does not exist\n"
    )
    assert done.stderr.count("\n") == 1
    assert "Errno" not in done.stderr


def test_a_folder_that_is_not_there_is_created(cli: Cli, tmp_path: Path) -> None:
    done = cli("generate", "--output", tmp_path / "to" / "be" / "made")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "to/be/made/alertmanager/alertmanager.yml").is_file()
