"""
Expressions for panels: every selector keeps to the dashboard's variables.

A number keeps its last known value while its endpoint fails, and a banner says so; a graph shows
the gap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.alerting import THRESHOLD
from exporter.catalogue.rules.anomalies import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.catalogue.alerting import Recording
    from exporter.catalogue.model import Metric

# In the order in which the dashboard offers them.
VARIABLES: Final = ("job", "backend", "instance")
# What is older than this is no longer shown as the last known value.
MEMORY: Final = "6h"
# Makes a selector look at the end of the shown range, wherever in it the rest is evaluated.
AT_END: Final = " @ end()"


def series(name: Metric | str, *matchers: str) -> str:
    """Select *name* for the job, backend and instance that the dashboard shows."""
    chosen = (*matchers, *(f'{variable}=~"${variable}"' for variable in VARIABLES))
    return f"{name}{{{', '.join(chosen)}}}"


def recorded(name: Recording | str, *matchers: str) -> str:
    """Select what a rule records: it knows the backend, and no longer the job and the instance."""
    chosen = (*matchers, 'backend=~"$backend"')
    return f"{name}{{{', '.join(chosen)}}}"


def recent(metric: Metric, *matchers: str) -> str:
    """Select the last value of *metric* within its window: one missed poll leaves no hole."""
    return f"last_over_time({series(metric, *matchers)}[{metric.window}])"


def last(metric: Metric, *matchers: str) -> str:
    """Select the last value within hours."""
    return f"last_over_time({series(metric, *matchers)}[{MEMORY}])"


def known(metric: Metric, *matchers: str) -> str:
    """
    Select the last known value: the present one, or that before the endpoint failed.

    What has a name of its own (a module, a worker) may be gone for good: then it is not kept.
    """
    if not metric.free_labels:
        return last(metric, *matchers)
    return f"({recent(metric, *matchers)} or on (backend) {last(metric, *matchers)})"


def service(metric: Metric, *matchers: str) -> str:
    """Select the last value of a metric of the action service, which serves every backend."""
    chosen = f"{{{', '.join(matchers)}}}" if matchers else ""
    return f"last_over_time({metric}{chosen}[{metric.window}])"


def rate(metric: Metric | str, *matchers: str) -> str:
    """Select how fast a counter grows, per second."""
    return f"rate({series(metric, *matchers)}[$__rate_interval])"


def worst(expression: str, *labels: str) -> str:
    """Take the larger value where replicas of one exporter tell the same thing."""
    return _aggregate("max", expression, labels)


def total(expression: str, *labels: str) -> str:
    """Sum over all but *labels*."""
    return _aggregate("sum", expression, labels)


def state_number(
    metric: Metric,
    *labels: str,
    select: Callable[..., str] = recent,
    matchers: tuple[str, ...] = (),
) -> str:
    """
    Turn a state set into the place of its present state, from 1, one series for *labels*.

    Args:
        select: How to look at a state: ``recent`` or ``known``.
        matchers: Leave out what is in none of these states.
    """
    states = [select(metric, f'status="{state}"', *matchers) for state in metric.states]
    terms = "\n    or\n".join(f"    {place} * {state}" for place, state in enumerate(states, 1))
    number = f"max by ({', '.join(labels)}) (\n  sum without (status) (\n{terms}\n  )\n)"
    return f"{number} > 0" if matchers else number


def named(series_by_name: Mapping[str, str], label: str = "series") -> str:
    """
    Ask for several things at once, each named by *label*: one query instead of many.

    Each expression has its own labels and its own unit; an override by name gives it the unit.
    """
    return "\nor\n".join(
        f'label_replace({expression}, "{label}", "{name}", "", "")'
        for name, expression in series_by_name.items()
    )


def threshold(alert: str, at: str = "") -> str:
    """Return the threshold in force of *alert*, one number without labels."""
    return f'max({THRESHOLD}{{alert="{alert}"}}{at})'


def anomalous(
    metric: Metric, *matchers: str, by: tuple[str, ...] = ("backend",), at: str = ""
) -> str:
    """Tell whether *metric* has an anomaly: 1 or nothing, one series for *by*."""
    return worst(recorded(ACTIVE, f'metric="{metric}"', *matchers) + at, *by)


def marked(expression: str, *marks: tuple[str, str], usual: str) -> str:
    """
    Name a whole series by the first of *marks* that holds at the end of the shown range.

    Args:
        expression: One series for each backend.
        marks: The name, and what must hold of the backend, looked at there (``AT_END``).
        usual: The name when none holds.
    """
    terms = [
        f'label_replace({expression}\nand on (backend)\n({condition}), "mark", "{name}", "", "")'
        for name, condition in marks
    ]
    terms.append(f'label_replace({expression}, "mark", "{usual}", "", "")')
    return "\nor on (backend)\n".join(terms)


def _aggregate(operator: str, expression: str, labels: tuple[str, ...]) -> str:
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{operator}{by} ({expression})"
