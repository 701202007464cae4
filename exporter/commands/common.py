"""Flags that several commands share, and how they end when the configuration is at fault."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import logs

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from exporter.settings import ConfigurationError


def add_config_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--config.file``."""
    parser.add_argument(
        "--config.file",
        dest="config_file",
        type=Path,
        metavar="FILE",
        default=os.environ.get("OPS_CONFIG_FILE") or None,
        help="configuration, YAML; the environment (OPS_…) wins over it (OPS_CONFIG_FILE)",
    )


def add_log_arguments(parser: argparse.ArgumentParser) -> None:
    """Add ``--log.level`` and ``--log.format``."""
    parser.add_argument(
        "--log.level", dest="log_level", choices=logs.LEVELS, default="info", help="default: info"
    )
    parser.add_argument(
        "--log.format",
        dest="log_format",
        choices=logs.FORMATS,
        default="logfmt",
        help="default: logfmt",
    )


def console() -> Console:
    """Return where tables go: with colour on a terminal only, and without failing at a sign."""
    from rich.console import Console  # noqa: PLC0415 - slow to import

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console(highlight=False)


def fail(error: ConfigurationError) -> int:
    """Print every problem on standard error and return the exit status."""
    for problem in error.problems:
        sys.stderr.write(f"ops-exporter: {problem}\n")
    return 1
