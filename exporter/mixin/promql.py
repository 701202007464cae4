"""Expressions for panels: every selector keeps to the dashboard's variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exporter.catalogue.model import Metric

# In the order in which the dashboard offers them.
VARIABLES: Final = ("job", "backend", "instance")


def series(name: Metric | str, *matchers: str) -> str:
    """Select *name* for the job, backend and instance that the dashboard shows."""
    chosen = (*matchers, *(f'{variable}=~"${variable}"' for variable in VARIABLES))
    return f"{name}{{{', '.join(chosen)}}}"


def recent(metric: Metric, *matchers: str) -> str:
    """Select the last value of *metric* within its window: one missed poll leaves no hole."""
    return f"last_over_time({series(metric, *matchers)}[{metric.window}])"


def rate(metric: Metric | str, *matchers: str) -> str:
    """Select how fast a counter grows, per second."""
    return f"rate({series(metric, *matchers)}[$__rate_interval])"


def worst(expression: str, *labels: str) -> str:
    """Take the larger value where replicas of one exporter tell the same thing."""
    return _aggregate("max", expression, labels)


def total(expression: str, *labels: str) -> str:
    """Sum over all but *labels*."""
    return _aggregate("sum", expression, labels)


def state_number(metric: Metric, *labels: str) -> str:
    """Turn a state set into the place of its present state, from 1, one series for *labels*."""
    states = [recent(metric, f'status="{state}"') for state in metric.states]
    terms = "\n    or\n".join(f"    {place} * {state}" for place, state in enumerate(states, 1))
    return f"max by ({', '.join(labels)}) (\n  sum without (status) (\n{terms}\n  )\n)"


def _aggregate(operator: str, expression: str, labels: tuple[str, ...]) -> str:
    by = f" by ({', '.join(labels)})" if labels else ""
    return f"{operator}{by} ({expression})"
