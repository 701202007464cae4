"""Reads the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError
from pydantic_settings.exceptions import SettingsError

from exporter.settings.environment import unparsable_variables
from exporter.settings.errors import ConfigurationError
from exporter.settings.mistakes import Mistakes
from exporter.settings.models import Settings
from exporter.settings.service import ServiceSettings
from exporter.settings.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

_Kind = TypeVar("_Kind", bound=Settings)


def load(path: Path | None = None) -> Settings:
    """
    Read the configuration from *path* (nothing but defaults without one) and the environment.

    Raises:
        ConfigurationError: With every mistake found.
    """
    return _load(Settings, path)


def load_service(path: Path | None = None) -> ServiceSettings:
    """
    Read the configuration with what only the action service may know; otherwise as :func:`load`.

    Raises:
        ConfigurationError: With every mistake found.
    """
    return _load(ServiceSettings, path)


def _load(kind: type[_Kind], path: Path | None) -> _Kind:
    tree = Tree.read(path)
    # pydantic-settings takes such names for parameters of its own.
    strange = [name for name in tree.values if name.startswith("_")]
    problems = [f"{path}:{tree.line((name,))}: {name}: no such setting" for name in strange]
    foreign = frozenset() if kind is ServiceSettings else ServiceSettings.of_service()
    values: dict[str, Any] = {
        name: value
        for name, value in tree.values.items()
        if name not in strange and name not in foreign
    }
    try:
        settings = kind(**values)
    except ValidationError as error:
        mistakes = Mistakes(tree, os.environ)
        raise ConfigurationError(*problems, *map(mistakes.problem, error.errors())) from None
    except SettingsError:
        # Its own text names the section, not the variable.
        raise ConfigurationError(*problems, *unparsable_variables(os.environ)) from None
    if problems:
        raise ConfigurationError(*problems)
    return settings
