"""``ops-exporter backtest``: judges a recorded series as if it came in now, value by value."""

from __future__ import annotations

import csv
import math
import sys
from typing import TYPE_CHECKING, Final

from exporter.commands.recording import COLUMNS, late, lines, quoted, read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from exporter.commands.recording import Row

HEADER: Final = (*COLUMNS, "zscore", "score", "flag", "kind")
KINDS: Final = ("auto", "counter", "gauge")
DIRECTIONS: Final = {"both": 0, "up": 1, "down": -1}
# As the setting `anomaly.window`.
WINDOWS: Final = range(10, 2881)
# Of so many mistakes we tell; a file that has more is of another kind.
MISTAKES: Final = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    parser.epilog = (
        "It prints each row with zscore: the distance from the mean of the window before it, in "
        "standard deviations (empty without ten samples); score: how unusual it is, 0-1; flag: 1 "
        "for an event, which is a score of 0.5 or more; kind: of the event, spike, drop or pattern "
        "(a new level, a stuck value, another rhythm, ...)."
    )
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
        help="a value that is nearer than this to what was expected is no spike or drop, and a "
        "level that is nearer no shift, drift or broken rhythm; with --log a share: 0.25 is a "
        "quarter more",
    )
    parser.add_argument(
        "--window",
        type=int,
        metavar="SAMPLES",
        default=120,
        help="of the z-score, 10-2880; default: %(default)s",
    )
    parser.add_argument("--events", action="store_true", help="print the rows with a flag only")


def run(parsed: argparse.Namespace) -> int:
    """Print each row with what the detector says of it; 1 when the file or a flag is wrong."""
    if mistake := _mistake(parsed):
        return _fail(mistake)
    name = "standard input" if parsed.file == "-" else parsed.file
    try:
        rows, mistakes = read(lines(parsed.file))
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
    if before := late(rows):
        first = before[0]
        _tell(
            f"{name}:{first.line}: timestamp: {quoted(first.written[0])}: earlier than a row before"
            f" it (such rows: {len(before)}); what comes late is not judged: sort the rows"
        )
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_judged(rows, parsed))
    return 0


def _mistake(parsed: argparse.Namespace) -> str:
    """Return which flag cannot be, and what would be right; nothing when all can."""
    if parsed.window not in WINDOWS:
        right = f"write a whole number from {WINDOWS[0]} to {WINDOWS[-1]}"
        return f"--window: {parsed.window}: {right}"
    if not 0 <= parsed.floor < math.inf:
        return f"--floor: {parsed.floor:g}: write a number from 0"
    return ""


def _judged(rows: Iterable[Row], parsed: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    from exporter.anomaly import Detector  # noqa: PLC0415 - slow to import

    detector = Detector(
        window=parsed.window,
        kind=KINDS.index(parsed.kind),
        direction=DIRECTIONS[parsed.direction],
        log=parsed.log,
        # As the setting: a quarter more is as far off at 1 ms as at 1 s.
        floor=math.log1p(parsed.floor) if parsed.log else parsed.floor,
    )
    for row in rows:
        result = detector.update(row.timestamp, row.value)
        if result.flag or not parsed.events:
            zscore = "" if math.isnan(result.zscore) else f"{result.zscore:.4f}"
            yield (*row.written, zscore, f"{result.score:.6f}", f"{result.flag:d}", result.kind)


def _tell(text: str) -> None:
    sys.stderr.write(f"ops-exporter: {text}\n")


def _fail(*mistakes: str) -> int:
    for mistake in mistakes:
        _tell(mistake)
    return 1
