"""The variables of the environment that set something."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Final, get_origin

from pydantic import BaseModel

from exporter.settings.models import ENV_PREFIX
from exporter.settings.service import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

# Read by the command line.
_READ_ELSEWHERE: Final = frozenset(("OPS_CONFIG_FILE", "OPS_REVISION"))
# Kubernetes sets OPS_EXPORTER_PORT and the like for a service of that name.
_KUBERNETES: Final = re.compile(r"OPS_(EXPORTER|ACTIONS)_(PORT|SERVICE)(_|$)")


def known_variables() -> dict[str, str]:
    """Return variable and setting of all that the environment can set, in either command."""
    known = {}
    for name, field in ServiceSettings.model_fields.items():
        known[f"{ENV_PREFIX}{name}".upper()] = name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for sub in field.annotation.model_fields:
                known[f"{ENV_PREFIX}{name}_{sub}".upper()] = f"{name}.{sub}"
    return known


def unparsable_variables(environ: Mapping[str, str]) -> list[str]:
    """Say of each variable that must hold JSON, and does not, what is wrong with it."""
    problems = []
    for name, setting in known_variables().items():
        if not environ.get(name) or not _holds_json(setting):
            continue
        try:
            json.loads(environ[name])
        except ValueError as error:
            where = f" (column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
            problems.append(
                f"{name}: {setting}: is not JSON{where}: write lists and mappings as JSON, "
                "names and texts in double quotes"
            )
    return problems


def _holds_json(setting: str) -> bool:
    """Whether *setting* is a section, a mapping or a list; anything else is plain text."""
    annotation: object = ServiceSettings
    for part in setting.split("."):
        assert isinstance(annotation, type)  # noqa: S101 - `known_variables` made the path
        assert issubclass(annotation, BaseModel)  # noqa: S101
        annotation = annotation.model_fields[part].annotation
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return True
    return get_origin(annotation) in {dict, tuple, list}


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Name the variables of the environment that look like ours and set nothing."""
    known = known_variables().keys() | _READ_ELSEWHERE
    return sorted(
        name
        for name in (os.environ if environ is None else environ)
        if name.startswith(ENV_PREFIX) and name not in known and not _KUBERNETES.match(name)
    )
