"""A recorded series: rows of timestamp,value, as monitoring systems and people export them."""

from __future__ import annotations

import csv
import io
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

COLUMNS: Final = ("timestamp", "value")
# Seconds since 1970 have ten digits, milliseconds thirteen.
_GREATEST_SECONDS: Final = 1e11
# More of a cell tells nobody anything.
_SHOWN: Final = 60


class Row(NamedTuple):
    """A moment and its value, and how the file writes them."""

    timestamp: float  # seconds since 1970
    value: float  # NaN when there is none
    written: tuple[str, str]
    line: int


def lines(file: str) -> list[str]:
    """
    Return the lines of *file*, "-" for standard input.

    Raises:
        OSError: If it cannot be read.
        UnicodeDecodeError: If it is not text.
    """
    whole = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    return io.StringIO(whole.decode("utf-8-sig"), newline="").readlines()


def read(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    """
    Read rows of timestamp,value.

    Args:
        lines: Of a CSV file. A header is no must; one that names `timestamp` and `value` says
            where they stand. Without it they come first, and what follows is not looked at.

    Returns:
        The rows, and the mistakes: "line number: column: value: what would be right".
    """
    rows: list[Row] = []
    mistakes: list[str] = []
    places = (0, 1)
    reader = csv.reader(lines, skipinitialspace=True, strict=True)
    try:
        for number, cells in enumerate(reader):
            names = [cell.strip().lower() for cell in cells]
            if number == 0 and set(COLUMNS) <= set(names):
                places = (names.index(COLUMNS[0]), names.index(COLUMNS[1]))
            elif any(names):
                try:
                    rows.append(_row(cells, places, reader.line_num))
                except ValueError as error:
                    text = _header(names) if number == 0 else ""
                    mistakes.append(f"{reader.line_num}: {text or error}")
    except csv.Error as error:
        mistakes.append(f"{reader.line_num}: is not CSV ({error})")
    return rows, mistakes


def late(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are earlier than one before them."""
    found: list[Row] = []
    newest = -math.inf
    for row in rows:
        if row.timestamp < newest:
            found.append(row)
        newest = max(newest, row.timestamp)
    return found


def quoted(text: str) -> str:
    """Return *text* as a message may show it: no text of a file moves the cursor of a terminal."""
    short = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return '"{}"'.format("".join(c if c.isprintable() else repr(c)[1:-1] for c in short))


def _header(names: Sequence[str]) -> str:
    """Return what is wrong with a first row that is a header with other names; else nothing."""
    if len(names) < len(COLUMNS) or any(_is_number(name) for name in names):
        return ""
    return f"header: {quoted(','.join(names))}: name the columns timestamp and value"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _row(cells: Sequence[str], places: tuple[int, int], line: int) -> Row:
    if len(cells) <= max(places):
        message = f"{quoted(','.join(cells))}: write timestamp,value"
        raise ValueError(message)
    timestamp, value = (cells[place].strip() for place in places)
    return Row(_timestamp(timestamp), _value(value), (timestamp, value), line)


def _timestamp(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            message = (
                f"timestamp: {quoted(text)}: write unix seconds or ISO 8601, for example 1750000000"
                " or 2025-06-15T15:06:40Z"
            )
            raise ValueError(message) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not abs(seconds) < _GREATEST_SECONDS:
        message = (
            f"timestamp: {quoted(text)}: write seconds, not milliseconds, for example 1750000000"
        )
        raise ValueError(message)
    return seconds


def _value(text: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        message = f"value: {quoted(text)}: write a number, or nothing when it is missing"
        raise ValueError(message) from None
