"""Reads the configuration, and tries the files that it names."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError

from exporter.settings.environment import unparsable_variables
from exporter.settings.errors import ConfigurationError
from exporter.settings.mistakes import Mistakes
from exporter.settings.models import Settings
from exporter.settings.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path


def load(path: Path | None = None) -> Settings:
    """
    Read the configuration from *path* (nothing but defaults without one) and the environment.

    Raises:
        ConfigurationError: With every mistake found.
    """
    tree = Tree.read(path)
    # pydantic-settings takes such names for parameters of its own.
    strange = [name for name in tree.values if name.startswith("_")]
    if strange:
        raise ConfigurationError(
            *(f"{path}:{tree.line((name,))}: {name}: no such setting" for name in strange)
        )
    try:
        return Settings(**tree.values)
    except ValidationError as error:
        mistakes = Mistakes(tree, os.environ)
        raise ConfigurationError(*map(mistakes.problem, error.errors())) from None
    except SettingsError:
        # Its own text names the section, not the variable.
        raise ConfigurationError(*unparsable_variables(os.environ)) from None


def check_files(settings: Settings) -> None:
    """
    Try the files that *settings* names, which polling reads only when it needs them.

    Raises:
        ConfigurationError: With each file that cannot be used.
    """
    problems = []
    for number, target in enumerate(settings.all_targets()):
        section = f"targets[{number}]" if settings.targets else "api"
        if target.token_file is not None:
            problems += _unusable(f"{section}.token_file", target.token_file)
        if target.ca_file is not None:
            place = f"{section}.ca_file"
            problems += _unusable(place, target.ca_file) or _uncertified(place, target.ca_file)
    if problems:
        raise ConfigurationError(*problems)


def _unusable(place: str, path: Path) -> list[str]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        return [f"{place}: {path}: cannot be read: {reason}"]
    return [] if text.strip() else [f"{place}: {path}: is empty"]


def _uncertified(place: str, path: Path) -> list[str]:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except ssl.SSLError:
        return [f"{place}: {path}: holds no certificates: write them in PEM"]
    return []
