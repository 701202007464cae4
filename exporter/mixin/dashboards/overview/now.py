"""The head of the page: how old the numbers are, and the alerts that fire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.mixin import answers
from exporter.mixin.alert_grids import acknowledged, unacknowledged
from exporter.mixin.cards import Item, cards
from exporter.mixin.leads import detail, linked, page, runbook
from exporter.mixin.parts import GOOD, GREEN, IDLE, PLAIN, WARN, Query
from exporter.mixin.promql import known, recent, worst
from exporter.mixin.readings import HEALTH
from exporter.mixin.stats import tiles

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.links import Links

_UNWELL: Final = f"""\
2 * ({worst(known(m.MODULE_STATUS, 'status="degraded"'), "backend", "module")} == 1)
or
3 * ({worst(known(m.MODULE_STATUS, 'status="down"'), "backend", "module")} == 1)
or on ()
label_replace(min({recent(own.UP)}) - 1 or vector(-1), "module", "every module", "", "")"""


def panels(links: Links) -> list[Panel]:
    """Return the head of the page."""
    return [_updated(), _stale(), _counts(), _unwell(), _alerts(links), _acknowledged(links)]


def _updated() -> Panel:
    panel = tiles(
        1,
        "Updated",
        "When the monitoring API last gave a usable answer to anything. Minutes ago: nothing on"
        " this page is current; see the dashboard Exporter for why.",
        Query(expr=f"1000 * max({answers.answered()})", legend="last answer"),
        size=(5, 3),
        unit="dateTimeFromNow",
        base=IDLE,
    )
    return linked(panel, detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS))


def _stale() -> Panel:
    return tiles(
        2,
        "Stale data",
        "Endpoints of the monitoring API that give no usable answer now, and since when; of many"
        " the three that have been silent for longest. Their"
        " numbers on this page are the last known ones, for six hours; graphs show a gap. One whose"
        " numbers another endpoint tells meanwhile is not missed. Refresh now asks again; the"
        " dashboard Exporter says what is wrong.",
        Query(
            expr=answers.or_current(f"bottomk(3, {answers.silent()})"),
            legend="{{endpoint}} {{backend}}",
        ),
        size=(6, 3),
        unit="dateTimeFromNow",
        states={0: ("✔ current", GOOD)},
        base=WARN,
        lead=detail(dashboards.EXPORTER),
    )


def _unwell() -> Panel:
    return tiles(
        3,
        "Not healthy",
        "Modules that say of themselves that they are degraded or down. A click leads to the"
        " module. A backend that knows no modules shows its components further down.",
        Query(expr=_UNWELL, legend="{{module}}"),
        size=(6, 3),
        states={
            -1: ("○ not known", IDLE),
            0: ("✔ healthy", GOOD),
            **{n: HEALTH[n] for n in (2, 3)},
        },
        lead=detail(dashboards.MODULE, module="${__field.labels.module}"),
    )


def _counts() -> Panel:
    panel = cards(
        6,
        "Modules",
        "How many modules are in which state; of a backend that knows none, its components. Those"
        " that are not healthy stand beside, everything else in the section Modules.",
        Item(title="healthy", expr=_count("healthy"), colour=GREEN),
        Item(title="degraded", expr=_count("degraded"), colour=PLAIN, limit=1),
        Item(title="down", expr=_count("down"), colour=PLAIN, limit=1),
        size=(7, 3),
    )
    return linked(panel, detail(dashboards.MODULE))


def _count(status: str) -> str:
    matcher = f'status="{status}"'
    modules = worst(known(m.MODULE_STATUS, matcher), "backend", "module")
    components = worst(known(m.COMPONENT_STATUS, matcher), "backend", "component")
    return f"sum({modules} or ({components} unless on (backend) {modules}))"


def _alerts(links: Links) -> Panel:
    panel = unacknowledged(
        4,
        "Alerts that fire",
        "What is wrong now, the worst on top, without what somebody has acknowledged. Acknowledge:"
        " somebody takes it on, and it stays quiet until it ends or gets worse. Dismiss: quiet for"
        " a while. Both ask first. Value: the present one, beside the threshold in force. A"
        " click at a message: what to do.",
        links,
        size=(16, 6),
    )
    return linked(panel, page(links, actions.ALERTS), detail(dashboards.ALERTS), runbook(links))


def _acknowledged(links: Links) -> Panel:
    panel = acknowledged(
        5,
        "Acknowledged alerts",
        "Alerts that still fire and that somebody has taken on. The audit says who; the history"
        " tells of those that are over.",
        links,
        size=(8, 6),
    )
    return linked(panel, page(links, actions.HISTORY), page(links, actions.AUDIT))
