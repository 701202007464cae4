"""``ops-exporter check-api``: asks every endpoint once and prints what it said."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from exporter.commands.common import add_config_argument, fail

if TYPE_CHECKING:
    import argparse

    from exporter.polling.record import Record
    from exporter.settings import Settings, Target

_SIGNS: Final = {True: "[green]✔[/]", False: "[red]✖[/]"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    parser.add_argument("--target", metavar="NAME", help="ask only this one of several targets")


def run(parsed: argparse.Namespace) -> int:
    """Print a table per target; 0 when every endpoint that is offered gave a usable answer."""
    from rich.console import Console  # noqa: PLC0415 - slow to import

    from exporter.settings import ConfigurationError, load  # noqa: PLC0415

    try:
        settings = load(parsed.config_file)
        targets = [t for t in settings.all_targets() if parsed.target in (None, t.name)]
        if not targets:
            names = ", ".join(t.name for t in settings.all_targets())
            message = f'--target: "{parsed.target}": no such target; there are {names}'
            raise ConfigurationError(message)
        console = Console(highlight=False)
        usable = True
        for target in targets:
            records = asyncio.run(_ask(settings, target))
            _print(console, f"{target.name}  {target.url}", records)
            usable = usable and all(r.answer and r.answer.verdict.success for r in records)
    except ConfigurationError as error:
        return fail(error)
    return 0 if usable else 1


async def _ask(settings: Settings, target: Target) -> list[Record]:
    """Ask each endpoint of a target once, light ones side by side, heavy ones alone."""
    from exporter.api.client import ApiClient  # noqa: PLC0415 - slow to import
    from exporter.polling.poller import Poller  # noqa: PLC0415

    async with ApiClient(target, body_limit=settings.limits.body) as client:
        return await Poller(target, settings, client).ask_all()


def _print(console: Any, title: str, records: list[Record]) -> None:
    from rich.table import Table  # noqa: PLC0415 - slow to import
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=Text(title, style="bold"), title_justify="left", pad_edge=False)
    table.add_column("endpoint", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("dialect", no_wrap=True)
    table.add_column("series", justify="right")
    for column in ("missing", "unknown", "ignored"):
        table.add_column(column, overflow="fold")
    notes: list[tuple[str, str]] = []
    for record in records:
        answer, reading = record.answer, record.reading
        if answer is None:
            continue
        name = record.endpoint.name
        row = [name, f"{_SIGNS[answer.verdict.success]} {answer.verdict}"]
        row.append(f"{answer.duration_s * 1000:.0f} ms")
        if reading is None:
            row += ["", "", "", "", ""]
        else:
            row += [str(reading.dialect), str(len(reading.samples))]
            row += [_fields(reading.missing), _fields(reading.unknown)]
            row.append(str(len(reading.ignored)) if reading.ignored else "")
            notes += [(f"{name}: {path}", why) for path, why in reading.ignored.items()]
        if answer.detail:
            notes.append((name, answer.detail))
        table.add_row(*row)
    console.print(table)
    for place, why in notes:
        console.print(Text.assemble(("  " + place, "bold"), " – ", why))


def _fields(paths: list[str]) -> str:
    return "\n".join(f"{path} ×{n}" if n > 1 else path for path, n in Counter(paths).items())
