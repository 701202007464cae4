"""What is read as a recorded series, and what is said of everything else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.commands.recording import late, lines, read

if TYPE_CHECKING:
    from pathlib import Path

T0 = 1_750_000_000


def test_iso_8601_and_unix_seconds_are_the_same_moment() -> None:
    noon = datetime(2025, 6, 15, 12, tzinfo=UTC).timestamp()
    written = (
        "2025-06-15T12:00:00Z",
        "2025-06-15 12:00:00",
        "2025-06-15T14:00:00+02:00",
        str(noon),
        f"{noon:.0f}",
    )

    rows, mistakes = read([f"{text},1\n" for text in written])

    assert mistakes == []
    assert {row.timestamp for row in rows} == {noon}


def test_a_header_says_where_the_columns_stand() -> None:
    rows, mistakes = read(["host,Value,Timestamp\n", "a,7,1750000000\n", "\n", "b,,1750000030\n"])

    assert mistakes == []
    assert [row.timestamp for row in rows] == [T0, T0 + 30]
    assert rows[0].value == 7
    assert np.isnan(rows[1].value)


@pytest.mark.parametrize(
    "content",
    [
        "timestamp,value\n1750000000,1\n1750000030,2\n",
        "\ufefftimestamp,value\n1750000000,1\n1750000030,2\n",
        "timestamp,value\r\n1750000000,1\r\n\r\n1750000030,2\r\n",
        "timestamp,value\r1750000000,1\r1750000030,2",
        '"Timestamp", "Value"\n"1750000000","1"\n"1750000030","2"\n',
        "1750000000,1\n1750000030,2",
        " 1750000000 , 1 \n 1750000030 , 2 \n",
        "1750000000,1,host-a\n1750000030,2,host-b\n",
        "timestamp,value,host\n1750000000,1\n1750000030,2,host-b\n",
    ],
    ids=["plain", "BOM", "CRLF", "CR", "quoted", "no header", "spaces", "3 columns", "ragged"],
)
def test_the_same_rows_in_whatever_csv(content: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content.encode())

    rows, mistakes = read(lines(str(path)))

    assert mistakes == []
    assert [(row.timestamp, row.value) for row in rows] == [(T0, 1), (T0 + 30, 2)]


@pytest.mark.parametrize("text", ["", "NaN", "nan", "inf", "-Inf"])
def test_what_is_no_number_is_a_missing_value_and_no_mistake(text: str) -> None:
    [row], mistakes = read([f"{T0},{text}"])

    assert mistakes == []
    assert not np.isfinite(row.value)
    assert row.written == (str(T0), text)


@pytest.mark.parametrize(
    ("line", "mistake"),
    [
        ("time,value", 'header: "time,value": name the columns timestamp and value'),
        ("1750000000;1", '"1750000000;1": write timestamp,value'),
        ("1750000000\t1", '"1750000000\\t1": write timestamp,value'),
        ('1750000000,"1,5"', 'value: "1,5": write a number, or nothing when it is missing'),
        ("1750000000,\x1b[2J", 'value: "\\x1b[2J": write a number, or nothing when it is missing'),
        ('1750000000,"1', "is not CSV (unexpected end of data)"),
        ("a" * 100, f'"{"a" * 60}…": write timestamp,value'),
    ],
)
def test_what_would_be_right_is_told_and_nothing_moves_the_terminals_cursor(
    line: str, mistake: str
) -> None:
    assert read([line]) == ([], [f"1: {mistake}"])


def test_a_row_is_late_that_is_earlier_than_any_before_it() -> None:
    rows, _ = read(["10,1", "30,2", "20,3", "25,4", "30,5", "40,6"])

    assert [(row.line, row.value) for row in late(rows)] == [(3, 3), (4, 4)]
