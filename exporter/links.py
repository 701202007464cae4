"""The only shapes of URLs: runbook, dashboard, page of the action service, silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.catalogue.actions import Route
    from exporter.catalogue.alerting import Alert
    from exporter.catalogue.dashboards import Dashboard, Panel
    from exporter.settings import Settings


def label(name: str) -> str:
    """Return the template that puts an alert's label into a query string."""
    return f"{{{{ $labels.{name} | urlquery }}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """
    Links as users reach them.

    Query values are escaped, but for templates (``{{ … }}``, and Grafana's ``${…}``), which escape
    what they put in.

    Args:
        exporter_url: Base URLs without a slash at the end.
        runbook_url: Where the runbook stands; nothing for the exporter's own page.
    """

    exporter_url: str
    actions_url: str
    grafana_url: str
    alertmanager_url: str
    runbook_url: str = ""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the links of a configuration."""
        return cls(
            exporter_url=settings.exporter_url,
            actions_url=settings.actions.url,
            grafana_url=settings.grafana_url,
            alertmanager_url=settings.alertmanager.external_url or settings.alertmanager.url,
            runbook_url=settings.runbook_url or "",
        )

    @property
    def exporter(self) -> str:
        """The exporter's landing page: the verdict on each endpoint, right now."""
        return f"{self.exporter_url}/"

    def runbook(self, alert: Alert | None = None) -> str:
        """Return where the runbook of *alert* stands; the whole runbook without one."""
        page = self.runbook_url or f"{self.exporter_url}/runbook"
        return page + (f"#{alert.anchor}" if alert else "")

    def runbook_of(self, name: str) -> str:
        """Return where the runbook of the alert of this *name* stands; it may be a template."""
        return f"{self.runbook()}#{name}"

    def dashboard(self, dashboard: Dashboard, panel: Panel | None = None, **variables: str) -> str:
        """Return a dashboard, or one panel of it, with its variables set."""
        query = {f"var-{name}": value for name, value in variables.items()}
        if panel is not None:
            query["viewPanel"] = str(panel.id)
        return f"{self.grafana_url}/d/{dashboard.uid}" + _query(query)

    def page(self, route: Route, **values: str) -> str:
        """Return a page of the action service; *values* fill in its form."""
        return f"{self.actions_url}{route.path}" + _query(values)

    def silence(self, matchers: Mapping[str, str]) -> str:
        """Return Alertmanager's form for a new silence."""
        pairs = (f'{name}="{value}"' for name, value in matchers.items())
        return f"{self.alertmanager_url}/#/silences/new?filter=" + quote(f"{{{', '.join(pairs)}}}")


def _query(values: Mapping[str, str]) -> str:
    parts = (
        f"{name}={value}" if "{{" in value or "${" in value else urlencode({name: value})
        for name, value in values.items()
    )
    return "?" + "&".join(parts) if values else ""
