"""
Measure, print a table, and end with 1 when a goal is missed.

    python -m tests.bench --markdown figures.md
    python -m tests.bench --seconds 3 rendering serving
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console

from scripts.layout import located

from . import alerting, queries, rendering, report, serving, sources, starting, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .report import Section

PARTS: Final = ("rendering", "serving", "starting", "working", "alerting", "queries")
_WIDTH: Final = 140


def main() -> int:
    """Run the parts that the command line names."""
    parser = argparse.ArgumentParser(prog="tests.bench", description="Measure the exporter.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument(
        "--seconds", type=int, default=8, help="of load per server and size (default: %(default)s)"
    )
    parser.add_argument(
        "--scrapes", type=int, default=4, help="15 s apart, at work (default: %(default)s)"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="of crossing the thresholds (default: %(default)s)"
    )
    parser.add_argument(
        "--refreshes", type=int, default=20, help="of each dashboard (default: %(default)s)"
    )
    parser.add_argument(
        "--shown", type=float, default=sources.DAYS, metavar="DAYS", help="on the dashboards"
    )
    parser.add_argument(
        "--history", type=Path, metavar="DIR", help="keep the week there, or take the one there is"
    )
    parsed = parser.parse_args()
    unknown = set(parsed.parts) - set(PARTS)
    if unknown:
        parser.error(f"{' '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    # In a pipe or a log there is no width to keep to, and a table is read best unbroken.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    progress = Console(stderr=True)
    sections = []
    with tempfile.TemporaryDirectory() as folder, progress.status("Measuring ...") as status:
        for section in _measure(parsed, Path(folder), status.update):
            sections.append(section)
            status.update(f"Measured: {section.title} ...")
    console.print(report.table(sections), *report.details(sections))
    if parsed.markdown:
        parsed.markdown.write_text(report.markdown(sections), "utf-8")
    return 0 if all(figure.met for section in sections for figure in section.figures) else 1


def _measure(
    parsed: argparse.Namespace, folder: Path, progress: Callable[[str], None]
) -> Iterator[Section]:
    parts = parsed.parts or PARTS
    if "rendering" in parts:
        yield from rendering.measure()
    if "serving" in parts:
        wrk, nginx = located("wrk"), located("nginx")
        if wrk is None or nginx is None:
            sys.exit("The benchmark of serving needs wrk and nginx.")
        yield from serving.measure(wrk, nginx, folder, seconds=parsed.seconds)
    if "starting" in parts:
        yield starting.measure(folder)
    if "working" in parts:
        yield working.measure(folder, scrapes=parsed.scrapes)
    if "alerting" in parts:
        yield alerting.measure(folder, rounds=parsed.rounds)
    if "queries" in parts:
        prometheus, promtool = located("prometheus"), located("promtool")
        if prometheus is None or promtool is None:
            sys.exit("The benchmark of queries needs Prometheus.")
        week = sources.Week(
            folder=parsed.history or folder / "history", prometheus=prometheus, promtool=promtool
        )
        yield queries.measure(
            week, refreshes=parsed.refreshes, shown=parsed.shown, progress=progress
        )


if __name__ == "__main__":
    sys.exit(main())
