"""Tries the files and the folder that a configuration names, before they are needed."""

from __future__ import annotations

import os
import ssl
import tempfile
from typing import TYPE_CHECKING

from exporter.settings.errors import ConfigurationError
from exporter.settings.mistakes import Mistakes
from exporter.settings.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.settings.mistakes import Place
    from exporter.settings.models import Settings


def check_files(
    settings: Settings, path: Path | None = None, *, certificates_only: bool = False
) -> None:
    """
    Try everything that *settings*, which were read from *path*, name; nothing is left behind.

    Args:
        certificates_only: Leave out the tokens that may only read.

    Raises:
        ConfigurationError: With each file or folder that cannot be used.
    """
    mistakes = Mistakes(Tree.read(path), os.environ)
    problems = [*_of_targets(settings, mistakes, certificates_only=certificates_only)]
    if settings.state_dir is not None:
        problems += _of_folder(mistakes.place(("state_dir",)), settings.state_dir)
    if problems:
        raise ConfigurationError(*problems)


def check_targets(
    settings: Settings,
    path: Path | None = None,
    *,
    name: str | None = None,
    certificates_only: bool = False,
) -> None:
    """
    Try what asking the targets takes.

    Args:
        name: Only this target; all without one.
        certificates_only: Leave out the tokens, which may come later.

    Raises:
        ConfigurationError: With each file that cannot be used.
    """
    mistakes = Mistakes(Tree.read(path), os.environ)
    problems = [*_of_targets(settings, mistakes, name, certificates_only=certificates_only)]
    if problems:
        raise ConfigurationError(*problems)


def _of_targets(
    settings: Settings, mistakes: Mistakes, name: str | None = None, *, certificates_only: bool
) -> Iterator[str]:
    for number, target in enumerate(settings.all_targets()):
        if name not in {None, target.name}:
            continue
        loc = ("targets", number) if settings.targets else ("api",)
        if target.token_file is not None and not certificates_only:
            place = mistakes.place((*loc, "token_file"))
            yield from unreadable(place, target.token_file, "a file that holds the token")
        if target.ca_file is not None:
            place, right = mistakes.place((*loc, "ca_file")), "a file of CA certificates in PEM"
            unusable = list(unreadable(place, target.ca_file, right))
            yield from unusable or _uncertified(place, target.ca_file)


def unreadable(place: Place, path: Path, right: str) -> Iterator[str]:
    """Yield why a file that holds a text cannot be used."""
    right = f"write the path of {right}"
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        yield place.says(str(path), f"cannot be read ({_reason(error)}); {right}")
    except UnicodeDecodeError:
        yield place.says(str(path), f"cannot be read (not UTF-8); {right}")
    else:
        if not text.strip():
            yield place.says(str(path), f"is empty; {right}")


def _uncertified(place: Place, path: Path) -> Iterator[str]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        yield place.says(str(path), "holds no certificates; write them in PEM")


def _of_folder(place: Place, folder: Path) -> Iterator[str]:
    """Try to write into *folder*, or to make it; made for good, it could be of the wrong user."""
    right = "write the path of a folder that the exporter may write to"
    try:
        if folder.exists():
            with tempfile.TemporaryFile(dir=folder):
                return
        above = next(parent for parent in folder.absolute().parents if parent.exists())
        with tempfile.TemporaryDirectory(dir=above):
            return
    except OSError as error:
        done = "written to" if folder.is_dir() else "created"
        if folder.exists() and not folder.is_dir():
            yield place.says(str(folder), f"is no folder; {right}")
        else:
            yield place.says(str(folder), f"cannot be {done} ({_reason(error)}); {right}")


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
