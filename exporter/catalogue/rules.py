"""The alert rules: what is wrong, how bad, where to look and what can be done about it."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import Alert, Inhibition, RuleGroup
from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.model import Severity
from exporter.catalogue.verdicts import Verdict

# The job of the exporter in prometheus.yml; one target, with the label `backend`, for each API.
JOB: Final = "ops-exporter"

# Holds three polls even at the slowest pace, 5 minutes.
_THREE_POLLS: Final = "15m"
# Between one failed poll and two: increase() extrapolates, so whole numbers do not come out whole.
_MORE_THAN_ONE: Final = 1.5

OPS_MONITORING_API_DOWN: Final = Alert(
    name="OpsMonitoringApiDown",
    # A slow endpoint is asked every few minutes, and after a time-out even less often: its verdict
    # stands for long. So `for` alone cannot tell one missed poll from an outage; the count can.
    expr=f"""\
max by (backend) (
  sum by (backend, instance) (
    increase({own.ENDPOINT_FAILURES}{{endpoint="{HEALTH.name}"}}[{_THREE_POLLS}])
  )
)
> {_MORE_THAN_ONE}
and on (backend)
max by (backend) (last_over_time({own.UP}[{own.UP.window}])) == 0
""",
    hold="1m",
    severity=Severity.CRITICAL,
    summary="The monitoring API gives no usable answer.",
    description=(
        '{{ printf "%.0f" $value }} polls of the health endpoint of backend'
        f" {{{{ $labels.backend }}}} failed within {_THREE_POLLS}, the last one too: the state"
        " of the product is not known now."
    ),
    panel=dashboards.EXPORTER_API,
    actions=(actions.REFRESH,),
)
OPS_MONITORING_UNAUTHORIZED: Final = Alert(
    name="OpsMonitoringUnauthorized",
    expr=f"""\
count by (backend) (
  max by (backend, endpoint) (
    max_over_time(
      {own.ENDPOINT_STATUS}{{status="{Verdict.UNAUTHORIZED}"}}[{own.ENDPOINT_STATUS.window}]
    )
  )
  == 1
)
""",
    # A token that is being exchanged is wrong for a moment.
    hold="5m",
    severity=Severity.WARNING,
    summary="The monitoring API refuses the exporter's token.",
    description=(
        "{{ $value }} endpoints of backend {{ $labels.backend }} answer that the token is missing,"
        " wrong or may not read; their metrics are absent."
    ),
    panel=dashboards.EXPORTER_VERDICTS,
    actions=(actions.REFRESH,),
)
OPS_EXPORTER_DOWN: Final = Alert(
    name="OpsExporterDown",
    # max: while one replica of the exporter answers, nothing is lost.
    expr=f'max by (backend) (up{{job="{JOB}"}}) == 0\n',
    hold="2m",
    severity=Severity.CRITICAL,
    summary="Prometheus cannot scrape the exporter.",
    description=(
        "No exporter of backend {{ $labels.backend }} answers Prometheus: nothing of this backend"
        " is watched now."
    ),
    panel=dashboards.EXPORTER_SCRAPED,
)
OPS_EXPORTER_ABSENT: Final = Alert(
    name="OpsExporterAbsent",
    expr=f'absent(up{{job="{JOB}"}})\n',
    by=("job",),
    # A restart of Prometheus, or of what tells it the targets, is over by then.
    hold="5m",
    severity=Severity.CRITICAL,
    summary="Prometheus has no exporter to scrape.",
    description=(
        "Prometheus knows no target of the job {{ $labels.job }}: nothing is watched, and no other"
        " alert of this project can fire."
    ),
    panel=dashboards.EXPORTER_SCRAPED,
)

GROUPS: Final = (
    RuleGroup(
        name="ops-monitoring",
        rules=(
            OPS_MONITORING_API_DOWN,
            OPS_MONITORING_UNAUTHORIZED,
            OPS_EXPORTER_DOWN,
            OPS_EXPORTER_ABSENT,
        ),
    ),
)
ALERTS: Final = tuple(rule for group in GROUPS for rule in group.rules if isinstance(rule, Alert))

# One fault, one notification: what a fault explains keeps quiet while it is there.
INHIBITIONS: Final = (
    Inhibition(
        sources=(OPS_EXPORTER_ABSENT,),
        targets=(OPS_EXPORTER_DOWN, OPS_MONITORING_API_DOWN, OPS_MONITORING_UNAUTHORIZED),
    ),
    Inhibition(
        sources=(OPS_EXPORTER_DOWN,),
        targets=(OPS_MONITORING_API_DOWN, OPS_MONITORING_UNAUTHORIZED),
        equal=("backend",),
    ),
    Inhibition(
        sources=(OPS_MONITORING_API_DOWN,),
        targets=(OPS_MONITORING_UNAUTHORIZED,),
        equal=("backend",),
    ),
)
