"""
Measure how well and how fast anomalies are found, beside the design's z-score and others.

    python -m tests.bench_anomaly --seeds 4
    python -m tests.bench_anomaly --parts weeks --weeks 4
    ANOMALY_BENCH_DIR=../bench/anomaly python -m tests.bench_anomaly --parts shared

The series are synthetic and the project's own; after them come the alarms of some simulated weeks.
Where ANOMALY_BENCH_DIR names a folder with a bench_anomaly.py, that benchmark, which brings the
series of NAB, is run on the same detector too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table

from exporter.anomaly import DEFAULT_THRESHOLD
from tests.bench import weeks

from . import shared, speed
from .candidates import CANDIDATES
from .faults import FAULTS
from .scoring import Figures, mean_net, measure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .scoring import Found

PARTS: Final = ("own", "speed", "weeks", "shared")
_WIDTH: Final = 140


def main() -> int:
    """Run the parts that the command line names; 1 when a goal of speed or weeks is missed."""
    parser = argparse.ArgumentParser(
        prog="tests.bench_anomaly", description="Measure the anomaly detector."
    )
    parser.add_argument("--parts", default=",".join(PARTS), help="default: %(default)s")
    parser.add_argument("--seeds", type=int, default=3, help="of each kind (default: %(default)s)")
    parser.add_argument(
        "--weeks", type=float, default=1.0, help="simulated without a fault (default: %(default)s)"
    )
    parsed = parser.parse_args()
    parts = parsed.parts.split(",")
    if unknown := set(parts) - set(PARTS):
        parser.error(f"{', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    if parsed.weeks <= 0:
        parser.error("--weeks: write a number above 0, or leave the part out")
    bench = shared.folder() if "shared" in parts else None
    console = Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False)
    met = True
    if "own" in parts:
        figures = {each.name: measure(each, parsed.seeds) for each in CANDIDATES}
        console.print(_alarms(figures), _faults(figures))
    if "speed" in parts:
        measured = speed.measure()
        console.print(_speeds(measured))
        met = all(figure.met for figure in measured)
    if "weeks" in parts:
        console.print("\nAlarms of OpsAnomaly while the simulated product is well")
        found = weeks.measure(parsed.weeks, progress=console.print)
        console.print(*found.lines(), sep="\n")
        met = met and found.met
    if bench is not None:
        _shared(console, bench)
    elif "shared" in parts:
        console.print(f"\nNAB is not measured: {shared.MISSING}")
    return 0 if met else 1


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False)
    for at, name in enumerate(columns):
        table.add_column(name, justify="right" if at else "left", no_wrap=True)
    return table


def _alarms(figures: dict[str, Figures]) -> Table:
    table = _table(
        "\nFalse alarms a series and week, each at its own threshold", ["normal series", *figures]
    )
    alarms = [of.alarms for of in figures.values()]
    for family in alarms[0]:
        table.add_row(family, *(f"{of[family]:.2f}" for of in alarms))
    table.add_section()
    table.add_row("mean", *(f"{sum(of.values()) / len(of):.2f}" for of in alarms))
    table.add_row("worst", *(f"{max(of.values()):.2f}" for of in alarms))
    flags = [str(of.constant_flags) for of in figures.values()]
    table.add_row("flags in constant series, first day too", *flags)
    return table


def _faults(figures: dict[str, Figures]) -> Table:
    table = _table(
        "\nFaults found at one false alarm a series and week: share, median delay in samples",
        ["fault", *figures],
    )
    for fault in FAULTS:
        table.add_row(fault.name, *(_shown(of.weekly[fault.name]) for of in figures.values()))
    table.add_section()
    staying = (f"{of.lasting:.1f}" for of in figures.values())
    table.add_row("alarms of one shift of 5 sd in 3 days, own threshold", *staying)
    for name, found in (
        ("net of chance, own threshold", [of.own for of in figures.values()]),
        ("net of chance, 1 alarm a week", [of.weekly for of in figures.values()]),
        ("net of chance, 0.1 alarms a week", [of.rarely for of in figures.values()]),
    ):
        table.add_row(name, *(f"{mean_net(of):.2f}" for of in found))
    return table


def _shown(found: Found) -> str:
    return f"{found.hit:.2f}, {found.delay:.0f}" if found.hit else "0"


def _speeds(measured: Sequence[speed.Speed]) -> Table:
    table = _table("\nSpeed and memory", ["figure", "measured", "goal", "met"])
    for of in measured:
        digits = 0 if of.value >= 100 else 2
        met = ("yes" if of.met else "NO") if of.goal else ""
        table.add_row(of.name, f"{of.value:,.{digits}f} {of.unit}", of.goal, met)
    return table


def _shared(console: Console, bench: Path) -> None:
    detectors = (shared.OURS, *shared.BASELINES)
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for detector in detectors:
            output = Path(scratch) / "figures.json"
            rows.append(shared.row(shared.run(bench, detector, DEFAULT_THRESHOLD, output)))
    names = ["ours", *(name.partition(":")[2] for name in shared.BASELINES)]
    table = _table("\nNAB and its companions, open half", ["measure", "goal", *names])
    for at, (measure_name, goal) in enumerate(shared.MEASURES):
        table.add_row(measure_name, goal, *(row[at] for row in rows))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
