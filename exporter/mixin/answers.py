"""How old the numbers of one dashboard are: a banner for the endpoints that tell them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.thresholds import DATA_AGE_MAX
from exporter.catalogue.verdicts import Verdict
from exporter.mixin.leads import detail, linked
from exporter.mixin.parts import GOOD, WARN, Query
from exporter.mixin.promql import last, series, worst
from exporter.mixin.stats import tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.catalogue.model import Endpoint

_BY: Final = ("backend", "endpoint")


def banner(panel_id: int, *endpoints: Endpoint, size: tuple[int, int]) -> Panel:
    """Show which of *endpoints* give no usable answer, and since when: the numbers are of then."""
    chosen = f'endpoint=~"{"|".join(endpoint.name for endpoint in endpoints)}"'
    panel = tiles(
        panel_id,
        "Stale data",
        "Whether what tells the numbers on this page gives usable answers; if not, since when. The"
        " numbers are then the last known ones, for six hours; graphs show a gap. Refresh now asks"
        " again; the dashboard Exporter says what is wrong.",
        Query(expr=_stale(chosen), legend="{{endpoint}} {{backend}}"),
        size=size,
        unit="dateTimeFromNow",
        states={0: ("✔ current", GOOD), 1: ("✖ never told", WARN)},
        base=WARN,
        lead=detail(dashboards.EXPORTER),
    )
    return linked(panel, detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS))


def _stale(chosen: str) -> str:
    """
    Return when each endpoint last answered that does not now, in milliseconds.

    It fails, it was not asked when it should have been, or the exporter is not reached; 1 for what
    fails and never answered within memory, 0 when there is none.
    """
    answered = worst(last(own.ENDPOINT_LAST_SUCCESS, chosen), *_BY)
    failing = f"{worst(last(own.ENDPOINT_SUCCESS, chosen), *_BY)} == 0"
    not_offered = last(own.ENDPOINT_STATUS, f'status="{Verdict.NOT_OFFERED}"', chosen)
    return f"""\
1000 * {answered}
and on (backend, endpoint) (
  {failing}
  or
  {answered} < time() - {2 * DATA_AGE_MAX.value:g}
  unless on (backend, endpoint) {not_offered} == 1
  or
  {answered} and on (backend) {worst(series("up"), "backend")} == 0
)
or on (backend, endpoint)
1 + ({failing})
or on ()
label_replace(vector(0), "endpoint", "every endpoint", "", "")"""
