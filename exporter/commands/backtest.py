"""``ops-exporter backtest``: judges a recorded series as if it came in now, value by value."""

from __future__ import annotations

import csv
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

HEADER: Final = ("timestamp", "value", "zscore", "score", "flag", "kind")
COLUMNS: Final = HEADER[:2]
KINDS: Final = ("auto", "counter", "gauge")
DIRECTIONS: Final = {"both": 0, "up": 1, "down": -1}
# Of so many mistakes we tell; a file that has more is of another kind.
MISTAKES: Final = 10
# Seconds since 1970 have ten digits, milliseconds thirteen.
_GREATEST_SECONDS: Final = 1e11


class Row(NamedTuple):
    """A moment and its value, and how the file writes them."""

    timestamp: float  # seconds since 1970
    value: float  # NaN when there is none
    written: tuple[str, str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.add_argument(
        "file",
        metavar="FILE.csv",
        help="rows of timestamp,value; timestamps in unix seconds or ISO 8601 (UTC unless it says "
        "otherwise), an empty value is a missing one; - is standard input",
    )
    parser.add_argument(
        "--kind",
        choices=KINDS,
        default="auto",
        help="a counter is judged by its rate; default: auto, which finds out",
    )
    parser.add_argument(
        "--direction", choices=DIRECTIONS, default="both", help="which side is wrong; default: both"
    )
    parser.add_argument(
        "--log", action="store_true", help="judge the logarithm, as befits latencies"
    )
    parser.add_argument(
        "--floor",
        type=float,
        default=0.0,
        metavar="UNITS",
        help="a distance that is never a spike or drop (of the logarithm with --log)",
    )
    parser.add_argument(
        "--window",
        type=int,
        metavar="SAMPLES",
        default=120,
        help="of the z-score; default: %(default)s",
    )
    parser.add_argument("--events", action="store_true", help="print the rows with a flag only")


def run(parsed: argparse.Namespace) -> int:
    """Print each row with what the detector says of it; 1 when the file or a flag is wrong."""
    name = "standard input" if parsed.file == "-" else parsed.file
    try:
        rows, mistakes = read(_lines(parsed.file))
    except UnicodeDecodeError as error:
        return _fail(f"{name}: is not UTF-8 text ({error.reason})")
    except OSError as error:
        return _fail(f"{name}: {error.strerror}")
    if mistakes:
        more = len(mistakes) - MISTAKES
        end = [f"{name}: and {more} more rows like these"] if more > 0 else []
        return _fail(*(f"{name}:{text}" for text in mistakes[:MISTAKES]), *end)
    if not rows:
        return _fail(f"{name}: has no rows of timestamp,value")
    try:
        judged = _judge(rows, parsed)
    except ValueError as error:
        return _fail(f"--{error}")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(judged)
    return 0


def read(lines: Iterable[str]) -> tuple[list[Row], list[str]]:
    """
    Read rows of timestamp,value.

    Args:
        lines: Of a CSV file. A header is no must; one that names `timestamp` and `value` says
            where they stand.

    Returns:
        The rows, and the mistakes: "line number: column: value: what would be right".
    """
    rows: list[Row] = []
    mistakes: list[str] = []
    places = (0, 1)
    reader = csv.reader(lines)
    try:
        for number, cells in enumerate(reader):
            names = [cell.strip().lower() for cell in cells]
            if number == 0 and set(COLUMNS) <= set(names):
                places = (names.index(COLUMNS[0]), names.index(COLUMNS[1]))
            elif any(names):
                try:
                    rows.append(_row(cells, places))
                except ValueError as error:
                    mistakes.append(f"{reader.line_num}: {error}")
    except csv.Error as error:
        mistakes.append(f"{reader.line_num}: {error}")
    return rows, mistakes


def _row(cells: Sequence[str], places: tuple[int, int]) -> Row:
    if len(cells) <= max(places):
        message = f'"{",".join(cells)}": write timestamp,value'
        raise ValueError(message)
    timestamp, value = (cells[place].strip() for place in places)
    return Row(_timestamp(timestamp), _value(value), (timestamp, value))


def _timestamp(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            message = (
                f'timestamp: "{text}": write unix seconds or ISO 8601, for example 1750000000 or '
                "2025-06-15T15:06:40Z"
            )
            raise ValueError(message) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not abs(seconds) < _GREATEST_SECONDS:
        message = f'timestamp: "{text}": write seconds, not milliseconds, for example 1750000000'
        raise ValueError(message)
    return seconds


def _value(text: str) -> float:
    try:
        return float(text) if text else math.nan
    except ValueError:
        message = f'value: "{text}": write a number, or nothing when it is missing'
        raise ValueError(message) from None


def _judge(rows: Iterable[Row], parsed: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """
    Begin to judge, value by value.

    Raises:
        ValueError: If a flag cannot be; at once, not with the first row.
    """
    from exporter.anomaly import Detector  # noqa: PLC0415 - slow to import

    detector = Detector(
        window=parsed.window,
        kind=KINDS.index(parsed.kind),
        direction=DIRECTIONS[parsed.direction],
        log=parsed.log,
        floor=parsed.floor,
    )

    def judged() -> Iterator[tuple[str, ...]]:
        for row in rows:
            result = detector.update(row.timestamp, row.value)
            if result.flag or not parsed.events:
                zscore = "" if math.isnan(result.zscore) else f"{result.zscore:.4f}"
                yield (*row.written, zscore, f"{result.score:.6f}", f"{result.flag:d}", result.kind)

    return judged()


def _lines(file: str) -> list[str]:
    if file == "-":
        return sys.stdin.readlines()
    with Path(file).open(encoding="utf-8-sig", newline="") as opened:
        return opened.readlines()


def _fail(*mistakes: str) -> int:
    for mistake in mistakes:
        sys.stderr.write(f"ops-exporter: {mistake}\n")
    return 1
