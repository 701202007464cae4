"""
The command line: ``ops-exporter COMMAND``.

Each command's module is imported only when it runs: ``--help`` must not wait for a web server.
"""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module

from exporter import __version__

TYPE_CHECKING = False  # the one of `typing`, whose import is a fifth of the time of `--help`
if TYPE_CHECKING:
    from collections.abc import Sequence

# Command, module, what it does.
COMMANDS = (
    ("serve", "exporter.commands.serve", "poll the monitoring API and serve /metrics"),
    ("actions", "exporter.commands.actions", "act: pages, Alertmanager's receiver, JSON API"),
    ("simulate", "exporter.simulator.command", "serve a simulated monitoring API"),
    ("generate", "exporter.commands.generate", "render dashboards, rules, configuration, tables"),
    ("check-config", "exporter.commands.check_config", "validate the configuration"),
    ("check-api", "exporter.commands.check_api", "ask every endpoint once and print a table"),
    ("health", "exporter.commands.health", "ask a running server whether it lives"),
    ("new-secret", "exporter.commands.new_secret", "write files with a random token each"),
    ("backtest", "exporter.commands.backtest", "run the anomaly detector over timestamp,value"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that *argv* names and return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    parser = argparse.ArgumentParser(
        prog="ops-exporter",
        description="Prometheus exporter and alerting bridge for the JSON monitoring API.",
        epilog="ops-exporter COMMAND --help tells the flags of a command.",
        formatter_class=_formatter,
    )
    parser.add_argument("--version", action="version", version=f"ops-exporter {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in arguments if not word.startswith("-")), "")
    module = None
    for name, path, text in COMMANDS:
        sub = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", formatter_class=_formatter
        )
        if name == chosen:
            module = import_module(path)
            module.add_arguments(sub)
    parsed = parser.parse_args(arguments)
    try:
        return int(module.run(parsed)) if module is not None else 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output left, as `| head` does.
        sys.stderr.close()
        return 0


def _formatter(prog: str) -> argparse.HelpFormatter:
    """Fit help to the terminal; argparse alone would import `shutil` for that."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = int(os.environ.get("COLUMNS") or 80)
    formatter = argparse.HelpFormatter(prog, max_help_position=28, width=min(columns, 100) - 2)
    # argparse forgets that the names of commands are indented, and would break after the longest.
    formatter._action_max_length = 16  # noqa: SLF001 - there is no public way
    return formatter


if __name__ == "__main__":
    sys.exit(main())
