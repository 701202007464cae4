"""Figures beside their goals, as a table at the terminal and in Markdown."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from rich import box
from rich.table import Table

from exporter import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMNS: Final = ("figure", "ops-exporter", "prometheus_client", "nginx", "goal", "met")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """At most *limit*, for the reason that *text* gives."""

    limit: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """
    One measured quantity, ours and others'.

    Attributes:
        unit: ms, µs, s, MiB, % or /s.
        goal: None where the figure only explains the others.
    """

    name: str
    unit: str
    ours: float
    client: float | None = None
    nginx: float | None = None
    goal: Goal | None = None

    @property
    def met(self) -> bool:
        """Whether the goal is reached; true without one."""
        return self.goal is None or self.ours <= self.goal.limit

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table, in the order of COLUMNS."""
        values = [self._shown(value) for value in (self.ours, self.client, self.nginx)]
        if self.goal is None:
            return (self.name, *values, "", "")
        goal = f"≤ {self._shown(self.goal.limit)}, {self.goal.text}"
        return (self.name, *values, goal, "yes" if self.met else "NO")

    def _shown(self, value: float | None) -> str:
        """Spell *value* with three digits, which is more than such figures are worth."""
        if value is None:
            return ""
        if isinstance(value, int):  # a count
            return f"{value:,} {self.unit}".rstrip()
        digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 1 else 3
        return f"{value:,.{digits}f} {self.unit}"


@dataclass(frozen=True, slots=True)
class Details:
    """What stands behind a section's figures, in words; all but the first and the last: numbers."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Figures that belong together."""

    title: str
    figures: Sequence[Figure]
    details: Details | None = None


def conditions() -> str:
    """Return what the figures depend on."""
    return (
        f"ops-exporter {__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()} with {os.cpu_count()} cores; one client, keep-alive, gzip"
    )


def table(sections: Sequence[Section]) -> Table:
    """Return the table for the terminal."""
    made = Table(box=box.ROUNDED, title="Benchmark", caption=conditions())
    for place, column in enumerate(COLUMNS):
        made.add_column(column, justify="right" if 1 <= place <= 3 else "left")
    for section in sections:
        made.add_row(f"[bold]{section.title}")
        for figure in section.figures:
            *cells, met = figure.cells()
            colour = "green" if figure.met else "bold red"
            made.add_row(f"  {cells[0]}", *cells[1:], f"[{colour}]{met}")
        made.add_section()
    return made


def details(sections: Sequence[Section]) -> Iterator[Table]:
    """Yield a table for the terminal for each section that has details."""
    for section in sections:
        if section.details is not None:
            made = Table(box=box.ROUNDED, title=section.title)
            for column, justify in zip(
                section.details.columns, _sides(section.details), strict=True
            ):
                made.add_column(column, justify=justify)
            for row in section.details.rows:
                made.add_row(*row)
            yield made


def markdown(sections: Sequence[Section]) -> str:
    """Return the same as a Markdown table."""
    lines = [
        f"Measured by `make bench`: {conditions()}.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "| --- | ---: | ---: | ---: | --- | --- |",
    ]
    for section in sections:
        lines.append(f"| **{section.title}** | | | | | |")
        lines += [f"| {' | '.join(figure.cells())} |" for figure in section.figures]
    for section in sections:
        if found := section.details:
            marks = ("---:" if side == "right" else "---" for side in _sides(found))
            lines += ["", f"{section.title}:", ""]
            lines += [f"| {' | '.join(row)} |" for row in (found.columns, marks, *found.rows)]
    return "\n".join(lines) + "\n"


def _sides(found: Details) -> list[Literal["left", "right"]]:
    last = len(found.columns) - 1
    return ["right" if 0 < place < last else "left" for place in range(last + 1)]
