"""The alert rules: what is wrong, how bad, where to look and what can be done about it."""

from __future__ import annotations

from typing import Final

from exporter.catalogue.rules import (
    anomalies,
    health,
    infrastructure,
    monitoring,
    performance,
    workers,
)
from exporter.catalogue.rules.inhibitions import INHIBITIONS
from exporter.catalogue.rules.monitoring import ACTIONS_JOB, JOB
from exporter.catalogue.rules.preferences import preferences

_JUDGING: Final = (
    monitoring.GROUP,
    health.GROUP,
    performance.GROUP,
    workers.GROUP,
    infrastructure.GROUP,
    anomalies.GROUP,
)
ALERTS: Final = tuple(alert for group in _JUDGING for alert in group.alerts)
# The rules for the built-in defaults.
GROUPS: Final = (preferences(ALERTS), *_JUDGING)

__all__ = ["ACTIONS_JOB", "ALERTS", "GROUPS", "INHIBITIONS", "JOB", "preferences"]
