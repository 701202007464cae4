"""``ops-exporter check-config``: validates the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.commands.common import add_config_argument, console, fail

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)


def run(parsed: argparse.Namespace) -> int:
    """Print what the configuration comes to, or every mistake in it."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from exporter.settings import (  # noqa: PLC0415
        ConfigurationError,
        check_files,
        load,
        unknown_variables,
    )

    try:
        settings = load(parsed.config_file)
        check_files(settings, parsed.config_file)
    except ConfigurationError as error:
        return fail(error)
    terminal = console()
    table = Table(
        *("target", "url", "token", "pace"),
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        header_style="dim",
    )
    for target in settings.all_targets():
        token = "from a file" if target.token_file else "set" if target.token else "none"
        table.add_row(Text(target.name), Text(target.url), token, f"{settings.poll.interval:g} s")
    terminal.print(table)
    terminal.print()
    for name in unknown_variables():
        terminal.print(f"[yellow]![/] {name}: sets nothing; check its spelling")
    terminal.print("[green]✔[/] the configuration is valid")
    return 0
