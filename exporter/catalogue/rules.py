"""The alert rules: what is wrong, how bad, where to look and what can be done about it."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.alerting import Alert, Inhibition, Recording, RuleGroup
from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.model import Severity
from exporter.catalogue.thresholds import ANOMALY_SAMPLES_MIN
from exporter.catalogue.verdicts import Verdict
from exporter.catalogue.watched import LABELS

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

# What a watched series is told apart by; not each has all of these labels. Replicas of one
# exporter judge alike, or nearly: what one of them says is said.
_BY_SERIES: Final = ", ".join(("backend", "metric", *LABELS))
ANOMALY_ACTIVE: Final = Recording(
    record="series:ops_anomaly_active:max",
    expr=f"""\
max by ({_BY_SERIES}, kind, level) (
  last_over_time({own.ANOMALY_ACTIVE}[{own.ANOMALY_ACTIVE.window}])
)
""",
)
ANOMALY_OUTSIDE: Final = Recording(
    record="series:ops_anomaly_outside:max",
    expr=f"""\
max by ({_BY_SERIES}) (
  last_over_time({own.ANOMALY_OUTSIDE}[{own.ANOMALY_OUTSIDE.window}])
)
""",
)


def _anomaly(level: str, severity: Severity, but: str = "") -> Alert:
    """
    Return the rule for anomalies of a *level* (a matcher).

    Its value is how many of the last samples were outside. A spike or a drop must last; a pattern
    (a new level, a stuck value) is seen in many samples to begin with.
    """
    outside = f"* ignoring (kind, level) group_left () {ANOMALY_OUTSIDE}"
    return Alert(
        name="OpsAnomaly",
        expr=f"""\
max without (level) (
    {ANOMALY_ACTIVE}{{{level}, kind!="pattern"}}
    {outside}
    >= {ANOMALY_SAMPLES_MIN}
  or
    ({ANOMALY_ACTIVE}{{{level}, kind="pattern"}} == 1)
    {outside}
)
{but}""",
        by=("backend", "metric", *LABELS, "kind"),
        # Two scrapes: what is shown is shown for ten samples at least.
        hold="30s",
        severity=severity,
        summary="A watched series does not behave as it usually does.",
        description=(
            "A {{ $labels.kind }} in {{ $labels.metric }} of backend {{ $labels.backend }}:"
            " {{ $value }} of the last 10 samples are outside of the expected band. The series has"
            ' the labels{{ range $name, $value := $labels }} {{ $name }}="{{ $value }}"{{ end }}.'
        ),
        panel=dashboards.ANOMALIES_SERIES,
        linked=("backend", "metric"),
    )


_HIGH: Final = 'level="high"'
OPS_ANOMALY_HIGH: Final = _anomaly(_HIGH, Severity.WARNING)
# Nobody is woken by these; and not a second time by what is high already.
OPS_ANOMALY: Final = _anomaly(
    'level!="high"',
    Severity.INFO,
    but=f"unless\nmax without (level) ({ANOMALY_ACTIVE}{{{_HIGH}}} == 1)\n",
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
    RuleGroup(
        name="ops-anomalies", rules=(ANOMALY_ACTIVE, ANOMALY_OUTSIDE, OPS_ANOMALY_HIGH, OPS_ANOMALY)
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
