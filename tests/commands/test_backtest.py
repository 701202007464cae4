from __future__ import annotations

import csv
import io
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest
from pydantic import ValidationError

from exporter.anomaly import DEFAULT_THRESHOLD
from exporter.commands.backtest import MISTAKES, WINDOWS
from exporter.settings.models import AnomalySettings
from tests.commands.conftest import PROGRAM

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands.conftest import Cli

T0 = 1_750_000_000
HEADER = "timestamp,value,zscore,score,flag,kind"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Return 4 hours of noise around 100 with one value of 250, and one that is missing."""
    values = np.random.default_rng(1).normal(100, 5, 480)
    lines = [f"{T0 + 30 * n},{value:.3f}" for n, value in enumerate(values)]
    lines[400] = f"{T0 + 30 * 400},250"
    lines[410] = f"{T0 + 30 * 410},"
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["timestamp,value", *lines, ""]), "utf-8")
    return path


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_each_row_is_printed_with_what_the_detector_says(cli: Cli, recording: Path) -> None:
    done = cli("backtest", recording)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == HEADER
    rows = table(done.stdout)
    assert len(rows) == 480
    assert rows[9]["zscore"] == ""
    assert rows[10]["zscore"] != ""
    flagged = [n for n, row in enumerate(rows) if row["flag"] == "1"]
    assert flagged == [400]
    spike = rows[400]
    assert (spike["timestamp"], spike["value"], spike["kind"]) == ("1750012000", "250", "spike")
    assert float(spike["zscore"]) > 20
    assert 0.5 < float(spike["score"]) < 1
    assert rows[410] | {"timestamp": ""} == {
        "timestamp": "",
        "value": "",
        "zscore": "",
        "score": "0.000000",
        "flag": "0",
        "kind": "",
    }


def test_events_alone_can_be_asked_for(cli: Cli, recording: Path) -> None:
    done = cli("backtest", recording, "--events")

    assert [row["value"] for row in table(done.stdout)] == ["250"]


def test_what_is_known_of_the_series_can_be_said(cli: Cli, recording: Path) -> None:
    for flags in (("--direction", "down"), ("--floor", "200")):
        assert table(cli("backtest", recording, "--events", *flags).stdout) == []
    assert len(table(cli("backtest", recording, "--events", "--log").stdout)) == 1


def test_a_counter_is_judged_by_its_rate(cli: Cli, tmp_path: Path) -> None:
    """It grows by 20 to 40 in each step, so no value is ever usual; 600 in one step is a spike."""
    steps = np.random.default_rng(2).integers(20, 41, 480)
    steps[400] = 600
    path = tmp_path / "counter.csv"
    rows = [f"{T0 + 30 * n},{value}\n" for n, value in enumerate(np.cumsum(steps))]
    path.write_text("".join(rows), "utf-8")

    for kind in ("auto", "counter"):
        found = table(cli("backtest", path, "--events", "--kind", kind).stdout)
        assert [(row["timestamp"], row["kind"]) for row in found] == [(str(T0 + 12_000), "spike")]


def test_each_bad_row_is_told_with_its_line_and_what_would_be_right(
    cli: Cli, tmp_path: Path
) -> None:
    path = tmp_path / "bad.csv"
    lines = ["timestamp,value", "1750000000,1", "yesterday,2", "1750000060,two", "1750000090"]
    path.write_text("\n".join([*lines, "1750000120000,4", "nan,5", ""]), "utf-8")

    done = cli("backtest", path)

    assert (done.returncode, done.stdout) == (1, "")
    start = f"ops-exporter: {path}:"
    assert done.stderr.splitlines() == [
        (
            f'{start}3: timestamp: "yesterday": write unix seconds or ISO 8601, for example '
            "1750000000 or 2025-06-15T15:06:40Z"
        ),
        f'{start}4: value: "two": write a number, or nothing when it is missing',
        f'{start}5: "1750000090": write timestamp,value',
        (
            f'{start}6: timestamp: "1750000120000": write seconds, not milliseconds, for example '
            "1750000000"
        ),
        f'{start}7: timestamp: "nan": write seconds, not milliseconds, for example 1750000000',
    ]


def test_of_very_many_bad_rows_the_first_are_told(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "prose.csv"
    path.write_text("not a number at all\n" * 25, "utf-8")

    told = cli("backtest", path).stderr.splitlines()

    assert len(told) == MISTAKES + 1
    assert told[-1].endswith("and 15 more rows like these")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no rows of timestamp,value"),
        (b"timestamp,value\n", "has no rows of timestamp,value"),
        (b"1750000000,\xff\n", "is not UTF-8 text (invalid start byte)"),
        (None, "No such file or directory"),
        (b"\x7fELF\x02\x01\x01\x00\x80\x00", "is not UTF-8 text (invalid start byte)"),
    ],
)
def test_a_file_that_is_none_is_refused(
    cli: Cli, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "file.csv"
    if content is not None:
        path.write_bytes(content)

    done = cli("backtest", path)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ops-exporter: {path}: {message}\n"


@pytest.mark.parametrize(
    ("flag", "value", "message"),
    [
        ("--window", "9", "--window: 9: write a whole number from 10 to 2880"),
        ("--window", "2881", "--window: 2881: write a whole number from 10 to 2880"),
        ("--floor", "-1", "--floor: -1: write a number from 0"),
        ("--floor", "nan", "--floor: nan: write a number from 0"),
    ],
)
def test_a_flag_that_cannot_be_is_refused(
    cli: Cli, recording: Path, flag: str, value: str, message: str
) -> None:
    done = cli("backtest", recording, flag, value)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"ops-exporter: {message}\n"


def test_the_window_has_the_bounds_of_the_setting() -> None:
    for window in (WINDOWS[0], WINDOWS[-1]):
        assert AnomalySettings(window=window).window == window
    for window in (WINDOWS[0] - 1, WINDOWS[-1] + 1):
        with pytest.raises(ValidationError):
            AnomalySettings(window=window)


def test_the_floor_of_a_logarithm_is_a_share_as_in_the_settings(cli: Cli, recording: Path) -> None:
    """250 is nearly twice the most that is usual: 60 % more is too much, 150 % more is not."""
    for floor, events in (("0.6", ["250"]), ("1.5", [])):
        done = cli("backtest", recording, "--events", "--log", "--floor", floor)
        assert [row["value"] for row in table(done.stdout)] == events


def test_rows_that_go_back_in_time_are_told_and_not_judged(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "back.csv"
    lines = [f"{T0 + 30 * n},{n % 3}" for n in range(60)]
    lines[50:50] = [f"{T0},7", f"{T0 + 30},7"]
    path.write_text("\n".join(lines), "utf-8")

    done = cli("backtest", path)

    assert done.returncode == 0
    assert done.stderr == (
        f'ops-exporter: {path}:51: timestamp: "{T0}": earlier than a row before it'
        " (such rows: 2); what comes late is not judged: sort the rows\n"
    )
    rows = table(done.stdout)
    assert len(rows) == 62
    assert [(row["zscore"], row["flag"]) for row in rows[50:52]] == [("", "0"), ("", "0")]
    assert rows[52]["zscore"] != ""


def test_the_same_value_of_the_same_moment_is_judged_once(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    lines = [f"{T0 + 30 * n},{n % 3}" for n in range(30)]
    path.write_text("\n".join([*lines, lines[-1]]), "utf-8")

    done = cli("backtest", path)

    assert done.stderr == ""
    assert [row["zscore"] == "" for row in table(done.stdout)[-2:]] == [False, True]


@pytest.mark.parametrize(
    ("content", "code"), [(b"\xef\xbb\xbftimestamp,value\r\n1,2\r\n", 0), (b"\xff", 1)]
)
def test_standard_input_is_read_as_a_file_is(content: bytes, code: int) -> None:
    done = subprocess.run(  # noqa: S603 - our own program
        [*PROGRAM, "backtest", "-"], input=content, capture_output=True, check=False
    )

    expected = (
        (f"{HEADER}\n1,2,,0.000000,0,\n", "")
        if code == 0
        else ("", "ops-exporter: standard input: is not UTF-8 text (invalid start byte)\n")
    )
    assert (done.returncode, done.stdout.decode(), done.stderr.decode()) == (code, *expected)


def test_a_folder_is_no_file(cli: Cli, tmp_path: Path) -> None:
    done = cli("backtest", tmp_path)

    assert (done.returncode, done.stderr) == (1, f"ops-exporter: {tmp_path}: Is a directory\n")


def test_the_help_says_what_each_column_is(cli: Cli) -> None:
    text = " ".join(cli("backtest", "--help").stdout.split())

    for column in HEADER.split(",")[2:]:
        assert f"{column}: " in text
    assert str(DEFAULT_THRESHOLD) in text
