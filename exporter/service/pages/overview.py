"""What is wrong with a backend right now, as the exporter tells, the worst first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.actions import facts
from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.actions import JOBS
from exporter.service.pages import marks
from exporter.service.pages.ways import grafana, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.actions.model import Readings
    from exporter.catalogue.dashboards import Dashboard
    from exporter.catalogue.model import Metric
    from exporter.service.pages.marks import Mark
    from exporter.service.pages.ways import Way
    from exporter.service.visits import Visit

_NAMED_MAX: Final = 6
_RANK: Final = {"bad": 0, "warn": 1}
_SICK: Final = ("down", "offline", "degraded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that is not as it should be, and where to see more of it."""

    mark: Mark
    text: str
    way: Way


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """
    A backend at a glance.

    Attributes:
        mark: Of the whole, as the backend judges itself; worse when it says nothing.
        facts: Numbers that people ask for first; None where they are not known.
    """

    name: str
    mark: Mark
    troubles: Sequence[Trouble]
    facts: Sequence[tuple[str, str | None]]
    way: Way


def backend(visit: Visit, name: str, readings: Readings) -> Backend:
    """Return the backend of that name, of which *readings* are known."""
    troubles = sorted(_troubles(visit, name, readings), key=lambda each: _RANK[each.mark.tone])
    status = _state(readings, m.SYSTEM_STATUS) or "unknown"
    return Backend(
        name=name,
        mark=marks.health(status),
        troubles=troubles,
        facts=_facts(readings),
        way=grafana(visit, dashboards.OVERVIEW, name),
    )


def _troubles(visit: Visit, name: str, readings: Readings) -> Iterator[Trouble]:
    def seen(word: str, text: str, dashboard: Dashboard) -> Trouble:
        return Trouble(mark=marks.health(word), text=text, way=grafana(visit, dashboard, name))

    if readings.problem:
        text = f"Nothing is known of it: {readings.problem}."
        yield seen("down", text, dashboards.EXPORTER)
        return
    if readings.value(own.UP.name) == 0:
        text = "The monitoring API gives no usable answer."
        yield seen("down", text, dashboards.EXPORTER)
    if (status := _state(readings, m.SYSTEM_STATUS)) in _SICK:
        yield seen(status, f"The system says that it is {status}.", dashboards.OVERVIEW)
    if (status := _state(readings, m.WORKER_POOL_STATUS)) in _SICK:
        yield seen(status, f"The worker pool is {status}.", dashboards.INGESTION)
    for metric, label, noun, dashboard in _PARTS:
        for status in _SICK:
            if names := _named(readings, metric, label, status):
                yield seen(status, f"{noun} {status}: {names}.", dashboard)
    if failed := readings.value(m.INGESTION_JOBS.name, status="failed"):
        noun = "job has" if failed == 1 else "jobs have"
        yield Trouble(
            mark=marks.SEVERITIES["warning"],
            text=f"{facts.number(failed)} of the latest ingestion {noun} failed.",
            way=page(visit, JOBS, "Failed jobs", status="failed", backend=name),
        )


_PARTS: Final[tuple[tuple[Metric, str, str, Dashboard], ...]] = (
    (m.MODULE_STATUS, "module", "Modules", dashboards.OVERVIEW),
    (m.COMPONENT_STATUS, "component", "Components", dashboards.OVERVIEW),
    (m.WORKER_STATUS, "worker", "Workers", dashboards.INGESTION),
)


def _named(readings: Readings, metric: Metric, label: str, status: str) -> str:
    """Return the names of what is in that state, as a text."""
    names = sorted(
        labels.get(label, "")
        for labels, value in readings.samples(metric.name)
        if value == 1 and labels.get("status") == status
    )
    more = f" and {len(names) - _NAMED_MAX} more" if len(names) > _NAMED_MAX else ""
    return ", ".join(names[:_NAMED_MAX]) + more


def _state(readings: Readings, metric: Metric) -> str:
    """Return the state that a state set is in; nothing when it is not known."""
    states = (labels["status"] for labels, value in readings.samples(metric.name) if value == 1)
    return next(states, "")


def _facts(readings: Readings) -> list[tuple[str, str | None]]:
    rate = readings.value(m.API_ERROR_RATIO.name)
    p95 = readings.value(m.API_RESPONSE_TIME.name, quantile="0.95")
    shown: list[tuple[str, str | None]] = [
        ("Errors", None if rate is None else f"{100 * rate:.1f} %"),
        ("Response time, P95", None if p95 is None else f"{1000 * p95:,.0f} ms"),
        ("Jobs waiting", facts.number(readings.value(m.INGESTION_JOBS.name, status="pending"))),
    ]
    return [*shown, *facts.cache(readings)[:1]]
