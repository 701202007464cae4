"""One configuration for each mistake, and beside it what is said of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.settings import ConfigurationError, load, load_service

CONFIG = Path(__file__).resolve().parent.parent / "fixtures" / "config"
BAD = sorted((CONFIG / "bad").glob("*.yml"))
# Of what only the action service reads.
BAD_SERVICE = sorted((CONFIG / "bad_service").glob("*.yml"))
EACH = BAD + BAD_SERVICE


@pytest.mark.parametrize("path", EACH, ids=[path.stem for path in EACH])
def test_each_mistake_is_named_with_place_value_and_what_would_be_right(path: Path) -> None:
    """``NAME.txt`` holds the message for ``NAME.yml``; FILE stands for the path."""
    expected = path.with_suffix(".txt").read_text("utf-8")

    with pytest.raises(ConfigurationError) as raised:
        (load if path in BAD else load_service)(path)

    assert f"{raised.value}\n".replace(str(path), "FILE") == expected
    assert raised.value.problems == tuple(str(raised.value).split("\n"))
    assert raised.value.__cause__ is None
    assert "s3cret" not in repr(raised.value)
    assert "cret" not in str(raised.value).replace("secret", "")


def test_every_message_has_a_mistake() -> None:
    assert {path.with_suffix(".yml") for path in CONFIG.glob("bad*/*.txt")} == set(EACH)
    assert len(BAD) >= 60
    assert len(BAD_SERVICE) >= 15


@pytest.mark.parametrize("path", BAD_SERVICE, ids=[path.stem for path in BAD_SERVICE])
def test_the_exporter_does_not_stumble_over_what_the_service_reads(path: Path) -> None:
    if path.stem != "several_mistakes_of_the_service":
        load(path)


@pytest.mark.parametrize("path", EACH, ids=[path.stem for path in EACH])
def test_a_message_begins_with_the_line_where_the_mistake_is(path: Path) -> None:
    for line in path.with_suffix(".txt").read_text("utf-8").splitlines():
        found = re.match(r"FILE:(\d+): (?:[\w.]+\.)?(\w+)(?:\[\d+\])*: ", line)
        if found and found[2] not in {"settings", "targets"}:
            text = path.read_text("utf-8").splitlines()[int(found[1]) - 1]
            assert found[2] in text or "poll[1]" in line


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path / "absent.yml")

    assert str(raised.value) == f"{tmp_path}/absent.yml: cannot be read: No such file or directory"


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(tmp_path)

    assert str(raised.value) == f"{tmp_path}: cannot be read: Is a directory"


def test_aliases_of_aliases_are_looked_at_once(tmp_path: Path) -> None:
    """Nine times nine times … the same list would take longer than anybody waits."""
    path = tmp_path / "laughs.yml"
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    path.write_text("\n".join(lines))

    with pytest.raises(ConfigurationError, match="a29: no such setting"):
        load(path)


def test_a_nesting_without_end(tmp_path: Path) -> None:
    path = tmp_path / "deep.yml"
    path.write_text("[" * 3000)

    with pytest.raises(ConfigurationError) as raised:
        load(path)

    assert str(raised.value) == f"{path}: not valid YAML: too deep"


def test_a_number_that_is_none_is_found_among_lists_and_references(tmp_path: Path) -> None:
    path = tmp_path / "numbers.yml"
    path.write_text("a: &a\n  - [x, *a]\n  - b: !!int s3cret\n")

    with pytest.raises(ConfigurationError) as raised:
        load(path)

    assert str(raised.value) == (
        f"{path}:3: looks like a date or a number and is none: put it in quotes"
    )


def test_a_mistake_without_a_file_has_the_variable_for_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPS_API_TOKEN", "s3cret")
    monkeypatch.setenv("OPS_API_TOKEN_FILE", "/run/secrets/token")

    with pytest.raises(ConfigurationError) as raised:
        load()

    assert str(raised.value) == "api: set either token or token_file, not both"
