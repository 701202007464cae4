"""
A week of Prometheus, faster than time: what a page tells, at the pace of a scrape.

Values only look plausible. What counts is how many series there are, how long each lives and how
often it changes: that is what a query costs.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Course = NDArray[np.float64]

STEP_S: Final = 30
DAY_S: Final = 86_400
# As long as Prometheus makes its blocks in the end with its default retention of 15 days.
_BLOCK_S: Final = 18 * 3600
# The newest hundred ingestion jobs go that far back; then all of them are others.
_JOBS_S: Final = 6 * 3600
_JOB: Final = re.compile(r'(job_id="[^"]+)(")')
_LINE: Final = re.compile(r"(?P<name>[\w:]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
# The share of states and alerts that are not as usual in the end.
_AMISS: Final = 0.1
_GROWING: Final = ("_total", "_sum", "_count", "_bucket")
_CONSTANT: Final = ("_info", "_ready", "_interval_seconds", "_start_time_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One series and its present value; *labels* as they stand between the braces."""

    name: str
    labels: str
    value: float
    # An alert is there only while it fires, an anomaly only while it is active.
    rare: bool = False

    @property
    def short_lived(self) -> bool:
        """Whether it goes with its ingestion job."""
        return 'job_id="' in self.labels

    def at(self, stamp: int) -> str:
        """Return it as it is called at a moment."""
        labels = self.labels
        if self.short_lived:
            labels = _JOB.sub(rf"\1-{stamp // _JOBS_S}\2", labels)
        return f"{self.name}{{{labels}}}"


def told(page: str, scrape: str) -> Iterator[Series]:
    """Yield the series of a page in the text format, with the labels of its *scrape*."""
    for line in page.splitlines():
        if found := _LINE.fullmatch(line):
            labels = ",".join(part for part in (found["labels"], scrape) if part)
            yield Series(name=found["name"], labels=labels, value=float(found["value"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Blocks of Prometheus in *folder*, made by *promtool*."""

    folder: Path
    promtool: Path

    def write(
        self,
        series: Iterable[Series],
        *,
        end: int,
        days: float,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Make the blocks of *days* up to the unix time *end*."""
        begin = end - round(days * DAY_S)
        stamps = np.arange(begin, end + 1, STEP_S)
        chance = np.random.default_rng(1)
        courses = [(one, _course(one, stamps, chance)) for one in series]
        for block in range(begin // _BLOCK_S, end // _BLOCK_S + 1):
            done = max(0, block * _BLOCK_S - begin) / DAY_S
            progress(f"history, day {done:.1f} of {days:g}")
            inside = np.flatnonzero(stamps // _BLOCK_S == block)
            text = self.folder.with_suffix(".txt")
            _write_block(text, courses, stamps[inside], slice(inside[0], inside[-1] + 1))
            self._import(text)

    def _import(self, text: Path) -> None:
        words = ("tsdb", "create-blocks-from", f"--max-block-duration={_BLOCK_S}s", "openmetrics")
        subprocess.run(  # noqa: S603 - Prometheus's own tool
            [str(self.promtool), *words, str(text), str(self.folder)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        text.unlink()


def _write_block(
    path: Path, courses: list[tuple[Series, Course]], stamps: NDArray[np.int64], part: slice
) -> None:
    moments = [f"{stamp}\n" for stamp in stamps.tolist()]
    # Whose name changes with time is written in pieces.
    turns = np.flatnonzero(np.diff(stamps // _JOBS_S)) + 1
    pieces = [0, *turns.tolist(), len(stamps)]
    with path.open("w", encoding="utf-8") as file:
        for one, course in courses:
            values = course[part].tolist()
            bounds = pieces if one.short_lived else [0, len(values)]
            for first, last in pairwise(bounds):
                name = one.at(int(stamps[first]))
                file.writelines(
                    f"{name} {value:.7g} {moment}"
                    for value, moment in zip(values[first:last], moments[first:last], strict=True)
                    if value == value  # noqa: PLR0124 - NaN: it is not there
                )
        file.write("# EOF\n")


def _course(one: Series, stamps: NDArray[np.int64], chance: np.random.Generator) -> Course:
    """Return the values of a series, so that it ends near the one that it has."""
    count, value = len(stamps), one.value
    if one.rare:
        return np.where(_spells(count, chance), value, np.nan)
    if one.name.endswith("_timestamp_seconds"):
        # A little while ago, again and again.
        made: Course = stamps - chance.integers(0, 60, count).astype(float)
        return made
    if one.name.endswith(_GROWING):
        return value + np.cumsum(chance.poisson(max(value, 1.0) / count, count)).astype(float)
    if one.name.endswith(_CONSTANT) or one.name.startswith("alert:"):
        return np.full(count, value)
    if value in {0.0, 1.0}:  # mostly a state
        return np.where(_spells(count, chance), 1 - value, value)
    day = np.sin(stamps / DAY_S * 2 * np.pi + chance.uniform(0, 6))
    swinging = value * (1 + 0.1 * day + 0.05 * chance.standard_normal(count))
    return np.round(swinging) if value.is_integer() else swinging


def _spells(count: int, chance: np.random.Generator) -> NDArray[np.bool_]:
    """Return when something is not as usual: some quarters of an hour, seldom the last one."""
    there = np.zeros(count, dtype=bool)
    for begin in chance.integers(0, count, 5).tolist():
        there[begin : begin + 30] = True
    there[-10:] = chance.random() < _AMISS
    return there
