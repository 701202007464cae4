"""
The configuration: one YAML file, each setting of which the environment can override.

A setting ``section.name`` is the variable ``OPS_SECTION_NAME``; lists and maps are written as JSON.
Every mistake is reported at once, with its place, the value found and what would be right.
"""

from __future__ import annotations

from exporter.settings.actions import ActionsSettings
from exporter.settings.alertmanager import AlertmanagerSettings
from exporter.settings.environment import known_variables, unknown_variables
from exporter.settings.errors import ConfigurationError
from exporter.settings.files import check_files, check_targets
from exporter.settings.loading import load, load_service
from exporter.settings.models import INTERVAL_MAX_S, AnomalySettings, Api, Settings, Target
from exporter.settings.secrets import check_secrets, weakness
from exporter.settings.service import Auth, Proxy, Scope, ServiceSettings, Token
from exporter.settings.units import duration

__all__ = [
    "INTERVAL_MAX_S",
    "ActionsSettings",
    "AlertmanagerSettings",
    "AnomalySettings",
    "Api",
    "Auth",
    "ConfigurationError",
    "Proxy",
    "Scope",
    "ServiceSettings",
    "Settings",
    "Target",
    "Token",
    "check_files",
    "check_secrets",
    "check_targets",
    "duration",
    "known_variables",
    "load",
    "load_service",
    "unknown_variables",
    "weakness",
]
