"""``ops-exporter generate``: renders dashboards, rules, configuration and tables."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.commands.common import add_config_argument, fail

if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    add_config_argument(parser)
    # The committed files do not depend on the environment: only with --output is it asked.
    parser.set_defaults(config_file=None)
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="render rules, Alertmanager's configuration and dashboards for the configuration into"
        " DIR; without it, the committed files of the checkout, for the built-in defaults",
    )
    parser.add_argument(
        "--check",
        action="store_true",
        help="write nothing; name what is changed, missing or without a source; exit 1 if any is",
    )


def run(parsed: argparse.Namespace) -> int:
    """Write the files, or compare them with what is there."""
    # Pydantic and the dashboards' SDK are slow to import.
    from exporter.mixin import files  # noqa: PLC0415
    from exporter.settings import ConfigurationError, load  # noqa: PLC0415

    try:
        if parsed.output is not None:
            root = parsed.output
            config_file = parsed.config_file or os.environ.get("OPS_CONFIG_FILE")
            want = files.rendered(load(Path(config_file) if config_file else None))
        else:
            root = Path.cwd()
            _require_checkout(root, parsed.config_file)
            want = files.rendered(files.defaults()) | files.documented(root)
        if parsed.check:
            return _report(files.stale(root, want))
        files.write(root, want)
    except ConfigurationError as error:
        return fail(error)
    except OSError as error:
        return fail(ConfigurationError(_unusable(error, parsed.output)))
    except ValueError as error:
        return fail(ConfigurationError(str(error)))
    return 0


def _require_checkout(root: Path, config_file: Path | None) -> None:
    """Raise ConfigurationError unless the committed files of this project are below *root*."""
    from exporter.settings import ConfigurationError  # noqa: PLC0415 - slow to import

    if config_file is not None:
        message = f"--config.file {config_file}: needs --output: the committed files hold defaults"
        raise ConfigurationError(message)
    if not (root / "exporter" / "catalogue").is_dir() or not (root / "pyproject.toml").is_file():
        message = f"{root}: is no checkout of ops-exporter: change into one, or add --output DIR"
        raise ConfigurationError(message)


def _unusable(error: OSError, output: Path | None) -> str:
    """Say which file or folder could not be read or written, and what to do about it."""
    reason = (error.strerror or type(error).__name__).lower()
    if output is None:
        return f"{error.filename}: {reason}: make it readable and writable"
    found = f" ({error.filename})" if error.filename not in {None, str(output)} else ""
    right = "name a folder that may be written to; it is created when it does not exist"
    return f"--output: {output}: {reason}{found}; {right}"


def _report(problems: list[str]) -> int:
    for problem in problems:
        sys.stderr.write(f"{problem}\n")
    if problems:
        sys.stderr.write("Run: ops-exporter generate\n")
    return 1 if problems else 0
