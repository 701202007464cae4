"""The variables of the environment that set something."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from exporter.settings.models import ENV_PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

# Read by the command line, or by the action service, which may share an environment with us.
_READ_ELSEWHERE: Final = frozenset(
    (
        "OPS_CONFIG_FILE",
        "OPS_REVISION",
        "OPS_ADMIN_TOKEN",
        "OPS_ADMIN_TOKEN_FILE",
        "OPS_WEBHOOK_TOKEN",
        "OPS_WEBHOOK_TOKEN_FILE",
        "OPS_DATABASE_URL",
    )
)
# Kubernetes sets OPS_EXPORTER_PORT and the like for a service of that name.
_KUBERNETES: Final = re.compile(r"OPS_(EXPORTER|ACTIONS)_(PORT|SERVICE)(_|$)")


def known_variables() -> dict[str, str]:
    """Return the variable and the setting of everything that the environment can set."""
    known = {}
    for name, field in Settings.model_fields.items():
        known[f"{ENV_PREFIX}{name}".upper()] = name
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            for sub in field.annotation.model_fields:
                known[f"{ENV_PREFIX}{name}_{sub}".upper()] = f"{name}.{sub}"
    return known


def unknown_variables(environ: Mapping[str, str] | None = None) -> list[str]:
    """Name the variables of the environment that look like ours and set nothing."""
    known = known_variables().keys() | _READ_ELSEWHERE
    return sorted(
        name
        for name in (os.environ if environ is None else environ)
        if name.startswith(ENV_PREFIX) and name not in known and not _KUBERNETES.match(name)
    )
