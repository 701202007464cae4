"""``ops-exporter new-secret``: files with a random token each, for whoever has none yet."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse

# For the user and the group: Alertmanager sends what the action service compares.
_MODE: Final = 0o640


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the files, and where a secret of one's own comes from."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="written, mode 0640; one that is there is left as it is",
    )
    parser.add_argument(
        "--stdin",
        action="store_true",
        help="take the secret from standard input, also in the place of one that is there",
    )


def run(parsed: argparse.Namespace) -> int:
    """Write each file that is missing, whole or not at all."""
    given = sys.stdin.read().strip() if parsed.stdin else None
    if given is not None and not (given and given.isprintable()):
        sys.stderr.write("ops-exporter: --stdin: write the secret to it, one line of text\n")
        return 1
    for path in parsed.files:
        if given is None and path.exists():
            sys.stdout.write(f"{path}: kept\n")
            continue
        try:
            _write(path, given or secrets.token_urlsafe(32))
        except OSError as error:
            sys.stderr.write(f"ops-exporter: {path}: {error.strerror}\n")
            return 1
        sys.stdout.write(f"{path}: written\n")
    return 0


def _write(path: Path, secret: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{secret}\n")
        beside.chmod(_MODE)  # whatever the umask
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
