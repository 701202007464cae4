"""
What people have set: the threshold in force of each alert, and which are switched off.

The action service exposes both. While it is away its last word within a day holds; after that, and
where there is none, the default does. So the other rules need not know whether it runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import DEFAULT, ENABLED, THRESHOLD, Recording, RuleGroup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.catalogue.alerting import Alert

_MEMORY: Final = "1d"

# As the service says it now. The name without it would be that of what is in force.
_SAID_THRESHOLD: Final = Recording(
    # Below zero or no number: no threshold. The last one that was, or the default, holds.
    record="alert:ops_alert_threshold:max",
    expr=f"max by (alert) ({own.ALERT_THRESHOLD} >= 0)\n",
)
_SAID_ENABLED: Final = Recording(
    record="alert:ops_alert_enabled:max", expr=f"max by (alert) ({own.ALERT_ENABLED})\n"
)


def preferences(
    alerts: Iterable[Alert],
    thresholds: Mapping[str, float] | None = None,
    switched_off: Iterable[str] = (),
) -> RuleGroup:
    """
    Return the group that records what is in force.

    Args:
        thresholds: Configured defaults, in base units, by name of the alert.
        switched_off: Names of alerts that are off by default.
    """
    defaults = {a.name: str(a.limit.threshold) for a in alerts if a.limit is not None}
    defaults |= {name: f"{value!r}" for name, value in (thresholds or {}).items()}
    return RuleGroup(
        name="ops-preferences",
        rules=(
            _SAID_THRESHOLD,
            Recording(record=DEFAULT, expr=_any(_terms(defaults))),
            # Not by what is recorded above: from the very start there is a threshold.
            Recording(record=THRESHOLD, expr=_in_force(_SAID_THRESHOLD, defaults)),
            _SAID_ENABLED,
            Recording(
                record=ENABLED,
                expr=_in_force(_SAID_ENABLED, dict.fromkeys(sorted(switched_off), "0")),
            ),
        ),
    )


def _in_force(said: Recording, defaults: Mapping[str, str]) -> str:
    """Take the last word within a day, or else the default of the alert."""
    return _any([f"last_over_time({said}[{_MEMORY}])", *_terms(defaults)])


def _terms(defaults: Mapping[str, str]) -> list[str]:
    return [
        f'label_replace(vector({value}), "alert", "{name}", "", "")'
        for name, value in defaults.items()
    ]


def _any(terms: Iterable[str]) -> str:
    return "\nor ".join(terms) + "\n"
