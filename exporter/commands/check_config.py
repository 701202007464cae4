"""``ops-exporter check-config``: validates the configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.commands.common import add_config_argument, console, fail

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from rich.table import Table

    from exporter.settings import ServiceSettings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    parser.add_argument(
        "--actions",
        action="store_true",
        help="try the files of the action service instead of the exporter's; for its user, who"
        " alone may read them",
    )


def run(parsed: argparse.Namespace) -> int:
    """Print what the configuration comes to, or every mistake in it."""
    from exporter.settings import (  # noqa: PLC0415 - slow to import
        ConfigurationError,
        load_service,
        unknown_variables,
    )

    try:
        # The settings of both: a file with a mistake is wrong, whoever reads that part of it.
        settings = load_service(parsed.config_file)
    except ConfigurationError as error:
        return fail(error)
    if problems := [*_problems(settings, parsed)]:
        return fail(ConfigurationError(*problems))
    terminal = console()
    terminal.print(_of_actions(settings) if parsed.actions else _of_exporter(settings))
    terminal.print()
    for name in unknown_variables():
        terminal.print(f"[yellow]![/] {name}: sets nothing; check its spelling")
    if not parsed.actions and settings.model_fields_set & settings.of_service():
        terminal.print("The secrets of the action service were not tried; [bold]--actions[/] does.")
    terminal.print("[green]✔[/] the configuration is valid")
    return 0


def _problems(settings: ServiceSettings, parsed: argparse.Namespace) -> Iterator[str]:
    from exporter.settings import (  # noqa: PLC0415 - slow to import
        ConfigurationError,
        check_files,
        check_secrets,
    )

    path = parsed.config_file
    checks: list[Callable[[], object]] = [lambda: check_files(settings, path)]
    if parsed.actions:
        checks = [
            lambda: check_files(settings, path, certificates_only=True),
            lambda: check_secrets(settings, path),
            settings.database,
        ]
    for check in checks:
        try:
            check()
        except ConfigurationError as error:
            yield from error.problems


def _of_exporter(settings: ServiceSettings) -> Table:
    from rich.text import Text  # noqa: PLC0415

    table = _table("target", "url", "token", "pace")
    for target in settings.all_targets():
        token = "from a file" if target.token_file else "set" if target.token else "none"
        table.add_row(Text(target.name), Text(target.url), token, f"{settings.poll.interval:g} s")
    return table


def _of_actions(settings: ServiceSettings) -> Table:
    from rich.text import Text  # noqa: PLC0415

    auth = settings.auth
    kind = settings.database().partition(":")[0].partition("+")[0]
    rows = {
        "url": settings.actions.url,
        "database": f"{kind}, {'database_url' if settings.database_url else 'in state_dir'}",
        "acts with": _source(settings, "admin_token"),
        "hears Alertmanager with": _source(settings, "webhook_token"),
        "operators": ", ".join(auth.operators) or "admin, the first user, if it makes one",
        "tokens": ", ".join(f"{one.name} ({' '.join(one.scopes)})" for one in auth.tokens),
        "names of users from": ", ".join(map(str, auth.proxy.networks)),
    }
    table = _table("action service", "")
    for name, value in rows.items():
        table.add_row(name, Text(value or "none"))
    return table


def _source(settings: ServiceSettings, name: str) -> str:
    if getattr(settings, f"{name}_file") is not None:
        return f"{name}_file"
    return name if getattr(settings, name) is not None else ""


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - slow to import
    from rich.table import Table  # noqa: PLC0415

    return Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="dim")
