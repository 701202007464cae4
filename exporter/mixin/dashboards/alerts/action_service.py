"""The action service: whether it answers, what it was told and what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules import ACTIONS_JOB
from exporter.catalogue.rules.monitoring import ACTIONS_DOWN
from exporter.catalogue.verdicts import Tone
from exporter.mixin.charts import Style, graph
from exporter.mixin.leads import linked, page, runbook
from exporter.mixin.panels import row
from exporter.mixin.parts import IDLE, Query, defaults
from exporter.mixin.readings import yes_no
from exporter.mixin.stats import single

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.links import Links

_NO_SERVICE: Final = "○ The action service tells nothing: see the panel Action service"


def section(links: Links) -> RowPanel:
    """Return the row with the service."""
    scraped = f'max(up{{job="{ACTIONS_JOB}"}}) or vector(-1)'
    state = single(
        dashboards.ALERTS_SERVICE.id,
        dashboards.ALERTS_SERVICE.title,
        "Whether Prometheus reaches the action service. Without it no history is written and the"
        " links of alerts lead nowhere; thresholds stay as they were for a day. See"
        f" {ACTIONS_DOWN.name} in the runbook.",
        Query(expr=scraped),
        states={**yes_no("answers", "no answer"), -1: (f"{Tone.IDLE.sign} not set up", IDLE)},
        size=(6, 8),
    )
    received = graph(
        21,
        "Notifications received",
        "What Alertmanager sent to the action service, by what became of it. None for hours while"
        " alerts fire: look at Alertmanager and at the webhook's token. Red regions: the service"
        " did not answer.",
        _per_minute(own.WEBHOOK_NOTIFICATIONS.name, "status"),
        unit="cpm",
        style=Style.BARS,
        size=(9, 8),
        calm=True,
    )
    run = graph(
        22,
        "Actions run",
        "What people, or programs for them, had the action service do, and whether it went well."
        " The audit says who. Red regions: the service did not answer.",
        _per_minute(own.ACTIONS.name, "action", "result"),
        unit="cpm",
        style=Style.BARS,
        size=(9, 8),
        calm=True,
    )
    for panel in (received, run):
        defaults(panel).no_value = _NO_SERVICE
    return row(
        19,
        "Action service",
        linked(state, page(links, actions.QUICK_ACTIONS), runbook(links)),
        linked(received, page(links, actions.HISTORY)),
        linked(run, page(links, actions.AUDIT)),
    )


def _per_minute(counter: str, *labels: str) -> Query:
    return Query(
        expr=f"60 * sum by ({', '.join(labels)}) (rate({counter}[$__rate_interval]))",
        legend=" ".join(f"{{{{{label}}}}}" for label in labels),
    )
