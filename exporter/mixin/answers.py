"""How old the numbers are: which endpoints give no usable answer, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards, metrics
from exporter.catalogue import own_metrics as own
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.catalogue.verdicts import Verdict
from exporter.mixin.leads import detail, linked
from exporter.mixin.parts import GOOD, WARN, Query
from exporter.mixin.promql import last, series, worst
from exporter.mixin.stats import tiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.catalogue.model import Endpoint

_SAME: Final = "on (backend, endpoint)"
_BY: Final = ("backend", "endpoint")


def banner(panel_id: int, *endpoints: Endpoint, size: tuple[int, int]) -> Panel:
    """Show which of *endpoints* give no usable answer, and since when: the numbers are of then."""
    panel = tiles(
        panel_id,
        "Stale data",
        "Whether what tells the numbers on this page gives usable answers; if not, since when. The"
        " numbers are then the last known ones, for six hours; graphs show a gap. An endpoint whose"
        " numbers another one tells meanwhile is not missed. Refresh now asks again; the dashboard"
        " Exporter says what is wrong.",
        Query(expr=or_current(_with_never(*endpoints)), legend="{{endpoint}} {{backend}}"),
        size=size,
        unit="dateTimeFromNow",
        states={0: ("✔ current", GOOD), 1: ("✖ never told", WARN)},
        base=WARN,
        lead=detail(dashboards.EXPORTER),
    )
    return linked(panel, detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS))


def answered(*endpoints: Endpoint) -> str:
    """Return when each of *endpoints* (all, when none is named) last gave a usable answer."""
    return worst(last(own.ENDPOINT_LAST_SUCCESS, *_among(endpoints)), *_BY)


def silent(*endpoints: Endpoint) -> str:
    """
    Return when each endpoint last answered that does not now, in milliseconds.

    It fails, it was not asked when it should have been, or the exporter is not reached. What never
    gave an answer has no last known value.
    """
    when = answered(*endpoints)
    not_offered = last(own.ENDPOINT_STATUS, f'status="{Verdict.NOT_OFFERED}"', *_among(endpoints))
    missed = f"""\
{_failing(endpoints)}
or
{when} < time() - {2 * DATA_AGE_MAX.value:g}
unless {_SAME} {not_offered} == 1"""
    return f"""\
1000 * {when}
and {_SAME} (
{_unless_told(missed, endpoints)}
or
{when} and on (backend) {worst(series("up"), "backend")} == 0
)"""


def or_current(expression: str) -> str:
    """Return 0 for every endpoint together when *expression* names none."""
    every = 'label_replace(vector(0), "endpoint", "every endpoint", "", "")'
    return f"{expression}\nor on ()\n{every}"


def _with_never(*endpoints: Endpoint) -> str:
    """Add 1 for each endpoint that fails and never answered within memory."""
    never = _unless_told(_failing(endpoints), endpoints)
    return f"{silent(*endpoints)}\nor {_SAME}\n1 + ({never})"


def _failing(endpoints: Sequence[Endpoint]) -> str:
    return f"{worst(last(own.ENDPOINT_SUCCESS, *_among(endpoints)), *_BY)} == 0"


def _unless_told(missed: str, endpoints: Sequence[Endpoint]) -> str:
    """Leave out of what is *missed* those of *endpoints* whose metrics another one tells now."""
    told = "\nor\n".join(
        f"label_replace({worst(last(own.ENDPOINT_SUCCESS, *_among([other])), 'backend')} == 1,"
        f' "endpoint", "{endpoint.name}", "", "")'
        for endpoint, other in _STAND_INS
        if not endpoints or endpoint in endpoints
    )
    return f"({missed})\nunless {_SAME} (\n{told}\n)" if told else missed


def _among(endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
    names = "|".join(endpoint.name for endpoint in endpoints)
    return (f'endpoint=~"{names}"',) if names else ()


def _stand_ins() -> Iterator[tuple[Endpoint, Endpoint]]:
    """Yield each endpoint with one that tells all its metrics, in either dialect."""
    for owner in ENDPOINTS:
        owned = [metric for metric in metrics.ALL if metric.owner is owner]
        others = {None if metric.owner_dialect else metric.fallback for metric in owned}
        if len(others) != 1 or (other := others.pop()) is None:
            continue
        yield owner, other
        # One that tells nothing else is not missed either, while the owner answers.
        if [one for one in metrics.ALL if other in {one.owner, one.fallback, one.also}] == owned:
            yield other, owner


_STAND_INS: Final = tuple(_stand_ins())
