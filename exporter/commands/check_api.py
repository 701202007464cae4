"""``ops-exporter check-api``: asks every endpoint once and prints what it said."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from contextlib import nullcontext
from typing import TYPE_CHECKING, Final

from exporter import logs
from exporter.catalogue.verdicts import Tone, Verdict
from exporter.commands.common import add_config_argument, console, fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from rich.console import Console
    from rich.table import Table

    from exporter.polling.record import Record
    from exporter.settings import Settings, Target

# Where a table of this width fits, its columns have room between them.
_ROOMY: Final = 100
_STYLES: Final = {Tone.GOOD: "green", Tone.WARN: "yellow", Tone.BAD: "red", Tone.IDLE: "dim"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    parser.add_argument("--target", metavar="NAME", help="ask only this one of several targets")
    parser.add_argument(
        "--verbose", action="store_true", help="name the fields that are ignored too, and why"
    )


def run(parsed: argparse.Namespace) -> int:
    """Print a table per target; 0 when every endpoint that is offered gave a usable answer."""
    from exporter.settings import (  # noqa: PLC0415 - slow to import
        ConfigurationError,
        check_targets,
        load,
    )

    logs.configure(level="error")  # what failed is in the table
    terminal = console()
    usable = True
    try:
        settings = load(parsed.config_file)
        chosen = _chosen(settings, parsed.target)
        check_targets(settings, parsed.config_file, name=parsed.target)
        for target in chosen:
            waiting = terminal.status(f"asking {target.url}") if terminal.is_terminal else None
            with waiting or nullcontext():
                records = asyncio.run(_ask(settings, target))
            _print(terminal, target, records, verbose=parsed.verbose)
            usable = usable and not _failed(records)
    except ConfigurationError as error:
        return fail(error)
    return 0 if usable else 1


def _chosen(settings: Settings, name: str | None) -> list[Target]:
    from exporter.settings import ConfigurationError  # noqa: PLC0415 - slow to import

    targets = [target for target in settings.all_targets() if name in (None, target.name)]
    if targets:
        return targets
    names = ", ".join(target.name for target in settings.all_targets())
    message = f'--target: "{name}": no such target; there are {names}'
    raise ConfigurationError(message)


async def _ask(settings: Settings, target: Target) -> list[Record]:
    """Ask each endpoint of a target once, light ones side by side, heavy ones alone."""
    from exporter.polling.poller import Poller  # noqa: PLC0415 - slow to import
    from exporter.polling.runtime import connect  # noqa: PLC0415

    async with connect(target, settings) as client:
        return await Poller(target, settings, client).ask_all()


def _failed(records: Iterable[Record]) -> list[str]:
    return [r.endpoint.name for r in records if not (r.answer and r.answer.verdict.success)]


def _print(terminal: Console, target: Target, records: list[Record], *, verbose: bool) -> None:
    from rich.markup import escape  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    terminal.print(f"\n[bold]{escape(target.name)}[/]  {escape(target.url)}\n")
    terminal.print(_verdicts(records, roomy=terminal.width >= _ROOMY))
    notes = _notes(records, verbose=verbose)
    terminal.print()
    if notes.row_count:
        terminal.print(notes)
        terminal.print()
    failed = _failed(records)
    tone = Tone.BAD if failed else Tone.GOOD
    names = f": {', '.join(failed)}" if failed else ""
    terminal.print(Text.assemble((tone.sign, _STYLES[tone]), f" {_counts(records)}{names}"))
    if not verbose and any(record.reading and record.reading.ignored for record in records):
        terminal.print("  [dim]--verbose names the ignored fields, and why[/]")


def _counts(records: Iterable[Record]) -> str:
    """Return how many endpoints are usable, and how many are not: why not."""
    counts = Counter(
        "usable"
        if answer.verdict is Verdict.OK
        else answer.verdict.words
        if answer.verdict.success
        else "failed"
        for record in records
        if (answer := record.answer) is not None
    )
    order = ("usable", Verdict.NOT_OFFERED.words, Verdict.NOT_APPLICABLE.words, "failed")
    return ", ".join(f"{counts[words]} {words}" for words in order if counts[words])


def _verdicts(records: Iterable[Record], *, roomy: bool) -> Table:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    space = 1 if roomy else 0
    table = Table(
        box=SIMPLE_HEAD, show_edge=False, padding=(0, space), pad_edge=False, header_style="dim"
    )
    for name in ("endpoint", "verdict"):
        table.add_column(name, no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("dialect", no_wrap=True)
    for name in ("series", "missing", "unknown", "ignored"):
        table.add_column(name, justify="right", no_wrap=True)
    for record in records:
        answer, reading = record.answer, record.reading
        if answer is None:
            continue
        tone = answer.verdict.tone
        sign = f"[{_STYLES[tone]}]{tone.sign}[/]"
        row = [record.endpoint.name, f"{sign} {answer.verdict.words}", _time(answer.duration_s)]
        if reading is not None:
            row += [str(reading.dialect or "both"), str(len(reading.samples))]
            row += [_count(reading.missing, "yellow"), _count(reading.unknown, "yellow")]
            row += [_count(reading.ignored, "dim")]
        table.add_row(*row)
    return table


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def _count(fields: Iterable[str], style: str) -> str:
    count = len(list(fields))
    return f"[{style}]{count}[/]" if count else ""


def _notes(records: Iterable[Record], *, verbose: bool) -> Table:
    """Tell what the table only counts, endpoint by endpoint; what is ignored only when asked to."""
    from rich.table import Table  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    table = Table.grid(padding=(0, 2, 0, 0))
    for style in ("", "dim"):
        table.add_column(style=style, no_wrap=True)
    table.add_column(overflow="fold")
    for record in records:
        before = ""
        for what, text in _told(record, verbose=verbose):
            name = "" if before else record.endpoint.name
            table.add_row(Text(name), Text("" if what == before else what), Text(text))
            before = what
    return table


def _told(record: Record, *, verbose: bool) -> Iterator[tuple[str, str]]:
    if record.answer is not None and record.answer.detail:
        yield "answer", record.answer.detail
    reading = record.reading
    if reading is None:
        return
    for what, fields in (("missing", reading.missing), ("unknown", reading.unknown)):
        if fields:
            times = Counter(fields).items()
            yield what, ", ".join(f"{path} ({n} times)" if n > 1 else path for path, n in times)
    if not verbose:
        return
    by_reason = defaultdict(list)
    for path, reason in reading.ignored.items():
        by_reason[reason].append(path)
    for reason, paths in by_reason.items():
        yield "ignored", f"{', '.join(paths)}: {reason}"
