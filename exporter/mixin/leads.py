"""
Where a panel leads on to: more detail, the runbook, a page of the action service.

Actions are links to the service's page, which asks before it acts; so they are there for every
viewer and in every version of Grafana.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.models import dashboard as m

from exporter.mixin.promql import VARIABLES

if TYPE_CHECKING:
    from exporter.catalogue.actions import Route
    from exporter.catalogue.alerting import Alert
    from exporter.catalogue.dashboards import Dashboard, Panel
    from exporter.links import Links

# What Grafana fills in: the value that is clicked at.
VALUE: Final = "${__value.raw}"
# The dashboard's time range and all its variables.
_KEPT: Final = "${__url_time_range}&${__all_variables}"
# Those that every dashboard has: what a link sets must not stand in it a second time, or Grafana
# chooses both.
_SHARED: Final = "&".join(
    ("${__url_time_range}", *(f"${{{name}:queryparam}}" for name in ("datasource", *VARIABLES)))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A link, from a whole panel or from a value in it."""

    title: str
    url: str
    new_tab: bool = False

    @property
    def from_panel(self) -> m.DashboardLink:
        """The link in the panel's header."""
        return m.DashboardLink(
            type_val=m.DashboardLinkType.LINK,
            title=self.title,
            url=self.url,
            target_blank=self.new_tab,
        )

    @property
    def from_value(self) -> dict[str, Any]:
        """The link behind a value; one click follows it, from Grafana 11.6 on."""
        return {
            "title": self.title,
            "url": self.url,
            "targetBlank": self.new_tab,
            "oneClick": True,
        }


def detail(dashboard: Dashboard, panel: Panel | None = None, **variables: str) -> Lead:
    """Lead to a dashboard, or one panel of it, with time range and other *variables* kept."""
    more = {f"var-{name}": value for name, value in variables.items()}
    if panel is not None:
        more["viewPanel"] = str(panel.id)
    query = "".join(f"&{name}={value}" for name, value in more.items())
    kept = _SHARED if variables else _KEPT
    return Lead(title=f"Open {dashboard.title}", url=f"/d/{dashboard.uid}?{kept}{query}")


def page(links: Links, route: Route, title: str = "", **values: str) -> Lead:
    """Lead to a page of the action service in a new tab, with *values* filled in."""
    return Lead(title=title or route.title, url=links.page(route, **values), new_tab=True)


def runbook(links: Links, alert: Alert | None = None) -> Lead:
    """Lead to the runbook in a new tab, to where it speaks of *alert*."""
    title = f"Runbook: {alert.name}" if alert else "Runbook"
    return Lead(title=title, url=links.runbook(alert), new_tab=True)


def runbook_of(links: Links, name: str) -> Lead:
    """Lead to where the runbook speaks of the alert of this *name*, which Grafana may fill in."""
    return Lead(title="Runbook", url=links.runbook_of(name), new_tab=True)


def field(column: str) -> str:
    """Return what Grafana fills in with the value of a *column* in the same row."""
    return f"${{__data.fields.{column}}}" if column.isalpha() else f'${{__data.fields["{column}"]}}'


def label(name: str) -> str:
    """Return what Grafana fills in with a label of the series that is clicked at."""
    return f"${{__field.labels.{name}}}"


def linked(panel: m.Panel, *leads: Lead) -> m.Panel:
    """Let a whole panel lead on, from its header."""
    panel.links = [lead.from_panel for lead in leads]
    return panel
