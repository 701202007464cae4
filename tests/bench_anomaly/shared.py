"""
The benchmark that brings the series of NAB: another folder, not part of the project.

``ANOMALY_BENCH_DIR`` names the folder of its ``bench_anomaly.py``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from scripts.layout import ROOT

VARIABLE: Final = "ANOMALY_BENCH_DIR"
PROGRAM: Final = "bench_anomaly.py"
MISSING: Final = f"{VARIABLE} does not name its benchmark, the folder that has {PROGRAM}."
# Its own names of the baselines that we show beside ours.
BASELINES: Final = ("detectors:Z120", "detectors:Z2880", "detectors:WinGauss", "detectors:EWMA480")
OURS: Final = "tests.bench_anomaly.adapter:Ours"


def folder() -> Path | None:
    """
    Return the folder of the benchmark, None when the variable is not set.

    Raises:
        SystemExit: If it names another folder.
    """
    named = os.environ.get(VARIABLE)
    if not named:
        return None
    if not (Path(named) / PROGRAM).is_file():
        sys.exit(f"{VARIABLE}: {named}: has no {PROGRAM}")
    return Path(named).resolve()


def run(bench: Path, detector: str, threshold: float, output: Path) -> dict[str, Any]:
    """
    Run the open half over *detector* and return its figures.

    Raises:
        SystemExit: If it cannot be run; the text is the benchmark's own.
    """
    program = bench / PROGRAM
    words = ("--detector", detector, "--threshold", str(threshold), "--half", "open")
    done = subprocess.run(  # noqa: S603 - the user named it
        [sys.executable, str(program), *words, "--json", str(output)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{VARIABLE}: {program}: {done.stderr.strip().splitlines()[-1]}")
    figures: dict[str, Any] = json.loads(output.read_text("utf-8"))
    return figures


def row(figures: dict[str, Any]) -> list[str]:
    """Return the figures in the order of `MEASURES`."""
    nab, synthetic = figures["nab"], figures["synth"]["open"]
    alarms = [family["ep_wk"] for family in synthetic["null_default"].values()]
    weekly, rarely = synthetic["budget1"]["faults"], synthetic["budget0.1"]["faults"]
    robust = [text for text in figures["robust"].values() if isinstance(text, str)]
    return [
        f"{nab['standard']['open']['score']:.1f}",
        f"{nab['standard']['open']['at_threshold']:.1f}",
        f"{nab['reward_low_FP_rate']['open']['score']:.1f}",
        f"{sum(alarms) / len(alarms):.2f} / {max(alarms):.2f}",
        f"{synthetic['null_default']['constant']['ep_wk']:.0f}",
        f"{weekly['MEAN']['net']:.2f}",
        f"{rarely['MEAN']['net']:.2f}",
        *(_hit(weekly[fault]) for fault in ("shift5", "flatline", "dropzero", "p_shift5")),
        "all ok" if set(robust) == {"ok"} else "not ok",
        f"{figures['perf'].get('vector_1000_updates_per_s', 0):,}",
        f"{figures['perf'].get('bytes_per_series_vector_1000', 0):,}",
    ]


def _hit(fault: dict[str, Any]) -> str:
    delay = fault["delay"]
    return f"{fault['hit']:.2f}" + ("" if delay is None else f", {delay:.1f}")


MEASURES: Final = (
    ("NAB standard, best threshold", "≥ 72"),
    ("NAB standard, default threshold", "≥ 58"),
    ("NAB reward low FP, best threshold", "≥ 55"),
    ("alarms a series and week, mean / worst", "≤ 1.5 / ≤ 4"),
    ("alarms in constant series", "0"),
    ("net detection at 1 alarm a week", "≥ 0.75"),
    ("net detection at 0.1", "≥ 0.40"),
    ("shift of 5 sd: hit, median delay", "≥ 0.9, ≤ 4"),
    ("stuck value: hit, median delay", "≥ 0.9, ≤ 30"),
    ("drop to zero: hit, median delay", "≥ 0.9"),
    ("shift of 5 sd after an incident", "≥ 0.65"),
    ("robustness", "all ok"),
    ("updates a second, 1,000 series", "≥ 1,000,000"),
    ("bytes a series", "≤ 8,192"),
)
