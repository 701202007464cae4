"""Tables of the alerts that fire, each row with its links to acknowledge and to dismiss it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue.rules import ALERTS
from exporter.mixin import firing
from exporter.mixin.grids import Column, grid, hide
from exporter.mixin.leads import VALUE, Lead, page, runbook_of
from exporter.mixin.readings import SEVERITIES

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.links import Links

# A table of this width has room for the names of alerts beside what they mean.
_WIDE: Final = 24
_SUMMARIES: Final = {alert.name: alert.summary for alert in ALERTS}


def unacknowledged(
    panel_id: int,
    title: str,
    why: str,
    links: Links,
    *matchers: str,
    size: tuple[int, int],
    about: str = "",
) -> Panel:
    """
    Show what fires (of *matchers*) and what nobody has acknowledged, the worst on top.

    Args:
        about: All of it is about this label, a module say.
    """
    wide = size[0] == _WIDE
    panel = grid(
        panel_id,
        title,
        why,
        _severity(*matchers, acknowledged=False, message=True),
        *([name(links)] if wide else []),
        _message(None if wide else runbook_of(links, VALUE)),
        Column(title="Source", label="source", width=150 if wide else 110),
        # On a narrow screen what is further right is out of the picture.
        _act("Acknowledge", "✔", page(links, actions.ACKNOWLEDGE), width=115),
        _act("Dismiss", "✖", page(links, actions.DISMISS), width=85),
        _value(*matchers, about=about),
        _since(*matchers, acknowledged=False),
        Column(title="Backend", label="backend", width=80),
        w=size[0],
        h=size[1],
        nothing="✔ No alert fires that nobody has acknowledged",
    )
    if not wide:
        hide(panel, "alertname")
    return panel


def acknowledged(panel_id: int, title: str, why: str, links: Links, size: tuple[int, int]) -> Panel:
    """Show what still fires and what somebody has taken on."""
    panel = grid(
        panel_id,
        title,
        why,
        _severity(acknowledged=True),
        name(links, least=135),
        Column(title="Source", label="source", least=80),
        _since(acknowledged=True),
        Column(title="Backend", label="backend", width=80),
        w=size[0],
        h=size[1],
        nothing="○ None",
    )
    # What would lead to an acknowledgement is a part of each row.
    hide(panel, "acknowledge", "dismiss")
    return panel


def name(links: Links, label: str = "alertname", least: int = 0) -> Column:
    """Show the names of alerts, which a *label* holds; a click leads to what to do."""
    return Column(title="Alert", label=label, lead=runbook_of(links, VALUE), least=least)


def _severity(*matchers: str, acknowledged: bool, message: bool = False) -> Column:
    expr = firing.severity(*matchers, acknowledged=acknowledged)
    if message:
        expr = f'label_replace({expr}, "message", "$1", "alertname", "(.*)")'
    return Column(title="Severity", expr=expr, states=SEVERITIES, width=95)


def _message(lead: Lead | None) -> Column:
    """Say what is wrong; where there is no room for the names of alerts, a *lead* goes from it."""
    return Column(title="Message", label="message", texts=_SUMMARIES, lead=lead, least=170)


def _value(*matchers: str, about: str) -> Column:
    expr = firing.value(*matchers, about=about, acknowledged=False)
    return Column(title="Value (threshold)", label="value", expr=expr, width=135)


def _since(*matchers: str, acknowledged: bool) -> Column:
    expr = firing.since(*matchers, acknowledged=acknowledged)
    return Column(title="Since", expr=expr, unit="dateTimeFromNow", width=125)


def _act(title: str, sign: str, to: Lead, width: int) -> Column:
    """Offer a page for the very alert of the row: its label of that name is the query string."""
    lead = Lead(title=title, url=f"{to.url}?{VALUE}", new_tab=True)
    return Column(title=title, label=title.lower(), says=f"{sign} {title}", lead=lead, width=width)
