"""
What the dashboards ask of Prometheus at a refresh, and how long it takes over a week of history.

Each query is asked as Grafana would ask it on a wide screen, with everything chosen; but one after
the other, not some at a time, so that what it takes is its own.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

import httpx

from exporter.catalogue.dashboards import OVERVIEW
from tests.e2e.grafana import Grafana
from tests.mixin.written import DASHBOARDS, dashboard

from .history import DAY_S, STEP_S
from .report import Details, Figure, Goal, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from .sources import Week

P95_MS_MAX: Final = 500.0
OVERVIEW_QUERIES_MAX: Final = 60
# What all queries of a refresh take is their sum; the others are of the slowest query.
COLUMNS: Final = ("dashboard", "queries", "in closed rows", "together", "median", "P95", "slowest")

# The interval of scrapes that a data source of Grafana has by default.
_SCRAPE_S: Final = 15
# As wide as a screen of 1920 pixels; a panel asks for a point for each.
_PIXELS: Final = 1900
_COLUMNS: Final = 24
# For marks in graphs Grafana asks for no more points than this.
_MARKS: Final = 100
# What Grafana makes of an interval below the first number of seconds: the second.
_ROUNDED: Final = (
    *((17.5, 15), (25, 20), (45, 30), (90, 60), (210, 120), (450, 300), (750, 600)),
    *((1050, 900), (1500, 1200), (2700, 1800), (5400, 3600), (9000, 7200), (16_200, 10_800)),
)
_VARIABLE: Final = re.compile(r"\$(\w+)")
_DEADLINE_S: Final = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """
    A query of a dashboard, as Grafana asks it.

    Attributes:
        hidden: It is asked only when its row is opened.
        step_s: None for the present value alone.
    """

    title: str
    expr: str
    step_s: int | None
    hidden: bool = False
    taken_ms: list[float] = field(default_factory=list)

    @property
    def p95_ms(self) -> float:
        """What nineteen of twenty took at most."""
        place = -(-len(self.taken_ms) * 19 // 20) - 1
        return sorted(self.taken_ms)[place]


def measure(
    week: Week, *, refreshes: int, shown: float, progress: Callable[[str], None] = lambda _: None
) -> Section:
    """Return the section; *shown* is how many days of the week the dashboards show."""
    end = week.made(progress)
    asked: dict[str, list[Query]] = {}
    with (
        week.served() as url,
        httpx.Client(base_url=url, trust_env=False, timeout=_DEADLINE_S) as client,
    ):
        with Grafana(url, _SCRAPE_S) as grafana:
            for path in DASHBOARDS:
                tree = dashboard(path)
                asked[tree["title"]] = list(_queries(tree, next(grafana.choices(tree)), shown))
        for number in range(refreshes):
            progress(f"refresh {number + 1} of {refreshes}")
            for query in (query for queries in asked.values() for query in queries):
                query.taken_ms.append(_ms(client, query, end, shown))
    return _section(asked, shown, refreshes)


def step_s(range_s: float, points: int, least_s: int = _SCRAPE_S) -> int:
    """Return the step in which Grafana asks for a range, to have no more than so many points."""
    wanted_s = max(range_s / points, least_s)
    return next(rounded for below, rounded in _ROUNDED if wanted_s < below)


def _queries(tree: Mapping[str, Any], chosen: Mapping[str, str], days: float) -> Iterator[Query]:
    """Yield every query of a dashboard, with its variables filled in."""
    range_s = round(days * DAY_S)

    def filled(target: Mapping[str, Any], step: int) -> str:
        times = {
            "__range": range_s,
            "__interval": step,
            "__rate_interval": max(step + _SCRAPE_S, 4 * _SCRAPE_S),
        }
        values = {**chosen, **{name: f"{seconds}s" for name, seconds in times.items()}}
        return _VARIABLE.sub(lambda found: values.get(found[1], found[0]), target["expr"])

    for panel in tree["panels"]:
        for one in (panel, *panel.get("panels", ())):
            pixels = one["gridPos"]["w"] * _PIXELS // _COLUMNS
            step = step_s(range_s, one.get("maxDataPoints", pixels))
            for target in one.get("targets", ()):
                yield Query(
                    title=one["title"],
                    expr=filled(target, step),
                    step_s=None if target["instant"] else step,
                    hidden=one is not panel,
                )
    for layer in tree["annotations"]["list"]:
        step = step_s(range_s, _MARKS, int(layer["target"]["interval"].removesuffix("s")))
        title = f"marks: {layer['name']}"
        yield Query(title=title, expr=filled(layer["target"], step), step_s=step)


def _ms(client: httpx.Client, query: Query, end: int, days: float) -> float:
    """Ask a query; return the milliseconds to the last byte of the answer."""
    form: dict[str, str | int] = {"query": query.expr}
    if query.step_s is None:
        path = "query"
        form["time"] = end
    else:
        path = "query_range"
        start = end - round(days * DAY_S)
        # Both ends are moved to multiples of the step.
        first, last = (at // query.step_s * query.step_s for at in (start, end))
        form |= {"start": first, "end": last, "step": query.step_s}
    begin = time.perf_counter()
    answer = client.post(f"/api/v1/{path}", data=form)
    taken_ms = (time.perf_counter() - begin) * 1e3
    if answer.is_error:
        message = f"{query.title}: {answer.text}\n{query.expr}"
        raise RuntimeError(message)
    return taken_ms


def _section(asked: Mapping[str, list[Query]], days: float, refreshes: int) -> Section:
    slowest = {title: max(found, key=lambda one: one.p95_ms) for title, found in asked.items()}
    at_once = {title: [one for one in found if not one.hidden] for title, found in asked.items()}
    rows = []
    for title, slow in slowest.items():
        refreshed_ms = map(sum, zip(*(one.taken_ms for one in at_once[title]), strict=True))
        counts = len(at_once[title]), len(asked[title]) - len(at_once[title])
        times_ms = median(refreshed_ms), median(slow.taken_ms), slow.p95_ms
        rows.append((title, *map(str, counts), *(f"{ms:,.0f} ms" for ms in times_ms), slow.title))
    return Section(
        f"dashboards that show {days:g} days, {STEP_S} s apart",
        (
            Figure(
                name=f"P95 of the slowest query, {refreshes} refreshes",
                unit="ms",
                ours=max(one.p95_ms for one in slowest.values()),
                goal=Goal(limit=P95_MS_MAX, text="of the issue"),
            ),
            Figure(
                name="queries of a refresh of the overview",
                unit="",
                ours=len(at_once[OVERVIEW.title]),
                goal=Goal(limit=OVERVIEW_QUERIES_MAX, text="of the issue"),
            ),
        ),
        Details(COLUMNS, rows),
    )
