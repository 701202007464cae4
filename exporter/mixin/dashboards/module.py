"""The dashboard *Module*: how one module is, and how it was; or several beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.rules.health import MODULE_ERRORS, MODULE_SLOW
from exporter.catalogue.thresholds import MODULE_NEW_ERRORS_MAX, MODULE_RESPONSE_TIME_MAX
from exporter.mixin import answers, bands, firing, frame
from exporter.mixin.alert_grids import unacknowledged
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import graph
from exporter.mixin.leads import detail, label, linked, page, runbook
from exporter.mixin.panels import timeline
from exporter.mixin.parts import Query, defaults
from exporter.mixin.promql import (
    anomalous,
    known,
    named,
    recent,
    series,
    state_number,
    threshold,
    worst,
)
from exporter.mixin.readings import HEALTH
from exporter.mixin.stats import Rising, tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_BY: Final = ("backend", "module")
_CHOSEN: Final = 'module=~"$module"'
_UNTOLD: Final = (
    "○ The backend tells nothing of such a module; a deployed one knows components only"
)
# As the alert counts them; what the API tells are those of the last 24 h.
_NEW_ERRORS: Final = worst(
    f"{recent(m.MODULE_ERRORS, _CHOSEN)} - min_over_time({series(m.MODULE_ERRORS, _CHOSEN)}[1h])",
    *_BY,
)
# In this much height there is room for a legend with numbers.
_TALL: Final = 10
_WATCHED: Final = (m.MODULE_RESPONSE_TIME, m.MODULE_ERRORS)
_UNUSUAL: Final = detail(dashboards.ANOMALIES, metric=m.MODULE_RESPONSE_TIME.name)


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        dashboards.MODULE,
        links,
        [
            linked(_status(), detail(dashboards.OVERVIEW), runbook(links)),
            _numbers(),
            answers.banner(4, endpoints.HEALTH, size=(5, 4)),
            linked(_history(), detail(dashboards.OVERVIEW), page(links, actions.REFRESH)),
            linked(_response_time(), _UNUSUAL, runbook(links)),
            linked(_errors(), detail(dashboards.ANOMALIES, metric=m.MODULE_ERRORS.name)),
            linked(_new_errors(), page(links, actions.EVENTS), runbook(links)),
            linked(_alerts(links), detail(dashboards.ALERTS), page(links, actions.HISTORY)),
        ],
        layers=[
            frame.fired("Alerts: response time", MODULE_SLOW, matchers=(_CHOSEN,)),
            frame.fired(
                "Alerts: errors",
                MODULE_ERRORS,
                on=(dashboards.MODULE_ERRORS.id, 12),
                matchers=(_CHOSEN,),
            ),
            _layer(
                "Unusual response time", m.MODULE_RESPONSE_TIME, dashboards.MODULE_RESPONSE_TIME.id
            ),
            _layer("Unusual number of errors", m.MODULE_ERRORS, dashboards.MODULE_ERRORS.id),
        ],
        variables=[frame.label_choice("module", series(m.MODULE_STATUS))],
    )


def _layer(name: str, metric: Metric, panel: int) -> AnnotationQuery:
    expr = anomalous(metric, _CHOSEN, by=("backend", "module", "metric", "kind"))
    return frame.layer(name, expr, panel, title="{{module}}")


def _status() -> Panel:
    return tiles(
        2,
        "Status now",
        "What each module says of itself; a click leaves the others out. Degraded or down: the"
        " alerts below say since when, the runbook what to do.",
        Query(
            expr=state_number(m.MODULE_STATUS, *_BY, select=known, matchers=(_CHOSEN,)),
            legend="{{module}}",
        ),
        size=(24, 5),
        states=HEALTH,
        lead=detail(dashboards.MODULE, module=label("module")),
        nothing=_UNTOLD,
    )


def _numbers() -> Panel:
    odd = "\nor\n".join(anomalous(one, _CHOSEN, by=("metric", *_BY)) for one in _WATCHED)
    return linked(
        cards(
            3,
            "Now",
            "The slowest of the chosen modules, all their errors of the last 24 hours and of the"
            " last hour, how many of their numbers are unusual for this hour, and alerts that fire."
            f" Coloured: over {MODULE_RESPONSE_TIME_MAX.text}, over {MODULE_NEW_ERRORS_MAX.text}"
            " errors in an hour, or any.",
            Item(
                title="response time",
                expr=f"max({known(m.MODULE_RESPONSE_TIME, _CHOSEN)})",
                unit="s",
                limit=MODULE_RESPONSE_TIME_MAX.value,
            ),
            Item(
                title="errors in 24 h",
                expr=f"sum({worst(known(m.MODULE_ERRORS, _CHOSEN), *_BY)})",
            ),
            Item(
                title="new in an hour",
                expr=f"sum({_NEW_ERRORS})",
                limit=MODULE_NEW_ERRORS_MAX.value,
            ),
            Item(title="unusual", expr=f"(sum({odd}) or vector(0))", limit=1),
            Item(
                title="alerts",
                expr=f"(count({firing.firing(_CHOSEN)}) or vector(0))",
                limit=1,
            ),
            size=(19, 4),
            rising=Rising.BAD,
        ),
        _UNUSUAL,
        detail(dashboards.ALERTS),
    )


def _history() -> Panel:
    panel = timeline(
        dashboards.MODULE_STATUS.id,
        dashboards.MODULE_STATUS.title,
        "What each module said of itself, over the shown range. One module alone: its own fault;"
        " several from the same moment on: what they all stand on. A gap: the health endpoint gave"
        " no answer.",
        Query(
            expr=state_number(m.MODULE_STATUS, *_BY, matchers=(_CHOSEN,)),
            legend="{{module}} {{backend}}",
        ),
        HEALTH,
        size=(24, 8),
    )
    defaults(panel).no_value = _UNTOLD
    return panel


def _response_time() -> Panel:
    return _banded(
        dashboards.MODULE_RESPONSE_TIME.id,
        dashboards.MODULE_RESPONSE_TIME.title,
        "How long each module took to answer for its health. Choose one module to see what was"
        " expected of it: shaded the band within which values may lie. Points: unusual for this"
        " hour. Dashed: the threshold in force. Red regions: an alert fired.",
        m.MODULE_RESPONSE_TIME,
        {bands.LIMIT: threshold(MODULE_SLOW.name)},
        unit="s",
        size=(24, 10),
    )


def _errors() -> Panel:
    return _banded(
        dashboards.MODULE_ERRORS.id,
        dashboards.MODULE_ERRORS.title,
        "Errors of the last 24 hours, as the API counts them: it falls when an old one leaves the"
        " window. With one module chosen the expected band is shaded. Points: unusual. Red"
        " regions: an alert fired.",
        m.MODULE_ERRORS,
        {},
        unit="short",
        size=(12, 8),
    )


def _banded(
    panel_id: int,
    title: str,
    why: str,
    metric: Metric,
    more: dict[str, str],
    *,
    unit: str,
    size: tuple[int, int],
) -> Panel:
    value = worst(recent(metric, _CHOSEN), *_BY)
    odd = anomalous(metric, _CHOSEN, by=_BY)
    highest = f"max(max_over_time({series(metric, _CHOSEN)}[$__range] @ end()))"
    expected = bands.clipped(bands.band(f'metric="{metric}"', _CHOSEN, by=()), highest)
    marked = f"{value}\nand on (backend, module)\n{odd} == 1"
    panel = graph(
        panel_id,
        title,
        why,
        Query(expr=bands.of_one(expected, value), legend="{{series}}"),
        Query(expr=value, legend="{{module}} {{backend}}"),
        # Without a module in their names: marks are drawn alike, whatever they are on.
        Query(expr=named({bands.MARKED: marked, **more}), legend="{{series}}"),
        unit=unit,
        size=size,
        calm=size[1] < _TALL,
    )
    defaults(panel).no_value = _UNTOLD
    return bands.draw(panel)


def _new_errors() -> Panel:
    panel = graph(
        12,
        "New errors",
        "Errors that came within an hour, as the alert counts them. Dashed: the threshold in force."
        " Red regions: an alert fired. A step with a deployment: take it back; otherwise the log of"
        " the backend says what failed.",
        Query(expr=_NEW_ERRORS, legend="{{module}} {{backend}}"),
        Query(expr=named({bands.LIMIT: threshold(MODULE_ERRORS.name)}), legend="{{series}}"),
        unit="short",
        size=(12, 8),
        calm=True,
    )
    defaults(panel).no_value = _UNTOLD
    return bands.draw(panel)


def _alerts(links: Links) -> Panel:
    return unacknowledged(
        20,
        "Alerts of these modules",
        "What fires of the chosen modules and nobody has acknowledged. Both links ask before they"
        " act; a click at a name says what to do. Those of the whole product: Alerts and history.",
        links,
        _CHOSEN,
        about="module",
        size=(24, 6),
    )
