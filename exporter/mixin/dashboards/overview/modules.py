"""The modules: a tile and a line for each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue.thresholds import MODULE_RESPONSE_TIME_MAX
from exporter.mixin import firing
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, field, label, linked, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import Query
from exporter.mixin.promql import anomalous, known, series, state_number, worst
from exporter.mixin.readings import ANOMALY, FIRING, HEALTH, SLOWER
from exporter.mixin.stats import tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_BY: Final = ("backend", "module")
# The filter of the dashboard.
_CHOSEN: Final = 'status=~"$status"'
_STATUS: Final = state_number(m.MODULE_STATUS, *_BY, select=known, matchers=(_CHOSEN,))
_COMPONENT: Final = f"""\
{state_number(m.COMPONENT_STATUS, "backend", "component", select=known, matchers=(_CHOSEN,))}
unless on (backend)
{known(m.MODULE_STATUS)}"""
_SHOWN: Final = f"{worst(known(m.MODULE_STATUS, _CHOSEN), *_BY)} == 1"


def section(links: Links) -> RowPanel:
    """Return the row with the modules."""
    return row(40, "Modules (${status:text})", _tiles(), linked(_table(), runbook(links)))


def _tiles() -> Panel:
    return tiles(
        41,
        "Module health",
        "One tile for each module that is in a state chosen above (Modules). A click leads to its"
        " own dashboard. A backend that knows no modules shows the components it stands on.",
        Query(expr=_STATUS, legend="{{module}}"),
        Query(expr=_COMPONENT, legend="{{component}}"),
        size=(24, 5),
        states=HEALTH,
        lead=detail(dashboards.MODULE, module=label("module")),
        nothing="○ No module is in a state that is chosen above",
    )


def _table() -> Panel:
    time = series(m.MODULE_RESPONSE_TIME)
    trend = f"""\
{worst(f"avg_over_time({time}[10m])", *_BY)}
/
{worst(f"avg_over_time({time}[1h])", *_BY)}
- 1"""
    watched = (m.MODULE_RESPONSE_TIME, m.MODULE_ERRORS)
    odd = worst("\nor\n".join(f"{anomalous(one, by=_BY)} == 1" for one in watched), *_BY)
    return grid(
        42,
        "Modules in detail",
        "Response time as last measured, its last ten minutes against the last hour (trend);"
        " errors of the last 24 hours; whether time or errors are unusual for this hour; alerts"
        f" that fire. Coloured from {MODULE_RESPONSE_TIME_MAX.text} on. Empty for a backend that"
        " knows no modules.",
        Column(
            title="Module",
            label="module",
            lead=detail(dashboards.MODULE, module=field("Module")),
            least=130,
        ),
        Column(title="Status", expr=_STATUS, states=HEALTH, least=100),
        Column(
            title="Response time",
            expr=_shown(worst(known(m.MODULE_RESPONSE_TIME), *_BY)),
            unit="s",
            limit=MODULE_RESPONSE_TIME_MAX,
        ),
        Column(title="Trend", expr=_shown(trend), ranges=SLOWER, unit="percentunit"),
        Column(title="Errors in 24 h", expr=_shown(worst(known(m.MODULE_ERRORS), *_BY))),
        Column(title="Anomaly", expr=_shown(f"{odd} or 0 * ({_SHOWN})"), states=ANOMALY),
        Column(
            title="Alerts",
            expr=_shown(f"{firing.by_entity('module')} or 0 * ({_SHOWN})"),
            states=FIRING,
        ),
        Column(title="Backend", label="backend", width=80),
        h=12,
        sort=("Status", "Alerts", "Anomaly"),
        nothing="○ This backend knows no modules, or none in a state that is chosen above",
    )


def _shown(expression: str) -> str:
    """Keep what the filter shows."""
    return f"({expression})\nand on (backend, module)\n({_SHOWN})"
