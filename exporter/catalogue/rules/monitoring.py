"""Alerts on the monitoring itself: the API, the exporter, the action service, the pipeline."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, RuleGroup
from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.expressions import FALLS_MAX, grown, present, state
from exporter.catalogue.verdicts import Verdict

# The jobs in prometheus.yml; the exporter has a target with the label `backend` for each API.
JOB: Final = "ops-exporter"
ACTIONS_JOB: Final = "ops-actions"

# Holds three polls even at the slowest pace, 5 minutes.
_THREE_POLLS: Final = "15m"
# Between one failed poll and two: increase() extrapolates, so whole numbers do not come out whole.
_MORE_THAN_ONE: Final = 1.5
_ENDPOINT: Final = ("backend", "endpoint")
_HEALTH: Final = f'endpoint="{HEALTH.name}"'
_HEALTH_FAILED: Final = grown(own.ENDPOINT_FAILURES, _THREE_POLLS, _HEALTH)
# What has not worked within a day is as it always is: it shows on a dashboard and wakes nobody.
_WORKED_TODAY: Final = f"""\
max by (backend, endpoint) (max_over_time({own.ENDPOINT_LAST_SUCCESS}[1d])) > time() - 86400"""
# While the API is down, and until all endpoints have been asked anew, it is not the endpoint. With
# replicas the API is down when all of them say so: one that is cut off itself hides nothing.
_UNLESS_API_DOWN: Final = f"""\
unless on (backend)
{present(own.UP)} == 0
unless on (backend)
min by (backend) (
  sum by (backend, instance) (increase({own.ENDPOINT_FAILURES}{{{_HEALTH}}}[{_THREE_POLLS}]))
  or
  sum by (backend, instance) (0 * {own.UP})
)
> {_MORE_THAN_ONE}
"""
# When nothing at all answers, that is no poll that was missed; then one of health is enough.
_SILENT_ENDPOINTS_MIN: Final = 3

API_DOWN: Final = Alert(
    name="OpsMonitoringApiDown",
    # A slow endpoint is asked every few minutes, and after a time-out even less often: its verdict
    # stands for long. So `for` alone cannot tell one missed poll from an outage; the count can.
    expr=f"""\
(
  {_HEALTH_FAILED} > {_MORE_THAN_ONE}
  or
  clamp_min({_HEALTH_FAILED}, 1)
  and on (backend)
  count by (backend) ({present(own.ENDPOINT_SUCCESS, by=("endpoint",))} == 0)
  >= {_SILENT_ENDPOINTS_MIN}
  unless on (backend)
  max by (backend) ({present(own.ENDPOINT_SUCCESS, by=("endpoint",))}) == 1
)
and on (backend)
{present(own.UP)} == 0
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
    switchable=False,
)
ENDPOINT_FAILING: Final = Alert(
    name="OpsMonitoringEndpointFailing",
    expr=f"""\
{grown(own.ENDPOINT_FAILURES, _THREE_POLLS, by=("endpoint",))} > {_MORE_THAN_ONE}
and on (backend, endpoint)
{present(own.ENDPOINT_SUCCESS, by=("endpoint",))} == 0
and on (backend, endpoint)
{_WORKED_TODAY}
unless on (backend, endpoint)
{state(own.ENDPOINT_STATUS, Verdict.UNAUTHORIZED, by=("endpoint",))} == 1
{_UNLESS_API_DOWN}""",
    by=_ENDPOINT,
    hold="2m",
    severity=Severity.WARNING,
    summary="An endpoint of the monitoring API has stopped to work.",
    description=(
        '{{ printf "%.0f" $value }} polls of the endpoint {{ $labels.endpoint }} of backend'
        f" {{{{ $labels.backend }}}} failed within {_THREE_POLLS}, the last one too; its metrics"
        " are absent."
    ),
    panel=dashboards.EXPORTER_VERDICTS,
    actions=(actions.REFRESH,),
    switchable=False,
)
_STALE: Final = Limit("OpsMonitoringDataStale", t.DATA_AGE_MAX)
DATA_STALE: Final = Alert(
    name=_STALE.alert,
    expr=f"""\
(
  time() - {present(own.ENDPOINT_LAST_SUCCESS, by=("endpoint",))}
  > 3 * {present(own.ENDPOINT_INTERVAL, by=("endpoint",))}
)
{_STALE.beyond(">")}
and on (backend, endpoint)
{_WORKED_TODAY}
unless on (backend, endpoint)
{state(own.ENDPOINT_STATUS, Verdict.UNAUTHORIZED, by=("endpoint",))} == 1
{_UNLESS_API_DOWN}""",
    by=_ENDPOINT,
    # What fails is told by another alert first.
    hold="5m",
    severity=Severity.WARNING,
    summary="Data of the monitoring API is stale.",
    description=(
        "The last usable answer of the endpoint {{ $labels.endpoint }} of backend"
        f" {{{{ $labels.backend }}}} is {_STALE.value_text} old, more than {_STALE.text} and more"
        " than three times its pace."
    ),
    panel=dashboards.EXPORTER_AGE,
    limit=_STALE,
    actions=(actions.REFRESH,),
    switchable=False,
)
UNAUTHORIZED: Final = Alert(
    name="OpsMonitoringUnauthorized",
    expr=f"""\
count by (backend) (
  {state(own.ENDPOINT_STATUS, Verdict.UNAUTHORIZED, by=("endpoint",))} == 1
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
    switchable=False,
)
SCHEMA_DRIFT: Final = Alert(
    name="OpsMonitoringSchemaDrift",
    expr=f"""\
{present(own.ENDPOINT_MISSING_FIELDS, by=("endpoint",))} > 0
or
{present(own.ENDPOINT_UNKNOWN_FIELDS, by=("endpoint",))} > 0
""",
    by=_ENDPOINT,
    hold="10m",
    severity=Severity.INFO,
    summary="The monitoring API answers in another shape than the exporter knows.",
    description=(
        "{{ $value }} fields of the endpoint {{ $labels.endpoint }} of backend"
        " {{ $labels.backend }} are missing or unknown: metrics of them are absent."
    ),
    panel=dashboards.EXPORTER_FIELDS,
    switchable=False,
)
COUNTERS_UNSTEADY: Final = Alert(
    name="OpsMonitoringCountersUnsteady",
    expr=f"""\
max by (backend) (increase({own.RESETS_OBSERVED}[1h])) > {FALLS_MAX}
""",
    hold="5m",
    severity=Severity.INFO,
    summary="Counters of the monitoring API jump to and fro.",
    description=(
        'Counters of backend {{ $labels.backend }} fell {{ printf "%.0f" $value }} times within an'
        " hour: it restarts often, or several of its processes take turns in answering. Rates of"
        " these counters are worth nothing then."
    ),
    panel=dashboards.EXPORTER_RESETS,
    switchable=False,
)
EXPORTER_DOWN: Final = Alert(
    name="OpsExporterDown",
    # max: while one replica of the exporter answers, nothing is lost.
    expr=f'max by (backend) (up{{job="{JOB}"}}) == 0\n',
    # Sooner than what it reported is too old to be judged: an end of data is no all-clear.
    hold="1m",
    severity=Severity.CRITICAL,
    summary="Prometheus cannot scrape the exporter.",
    description=(
        "No exporter of backend {{ $labels.backend }} answers Prometheus: nothing of this backend"
        " is watched now."
    ),
    panel=dashboards.EXPORTER_SCRAPED,
    switchable=False,
)
EXPORTER_ABSENT: Final = Alert(
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
    switchable=False,
)
EXPORTER_TARGET_VANISHED: Final = Alert(
    name="OpsExporterTargetVanished",
    # A backend that was scraped within a day and is none of the targets any more.
    expr=f"""\
max by (backend) (max_over_time(up{{job="{JOB}"}}[1d]))
unless on (backend)
max by (backend) (up{{job="{JOB}"}})
""",
    # Sooner than what it reported is too old to be judged, as above.
    hold="2m",
    severity=Severity.CRITICAL,
    summary="Prometheus has lost an exporter that it used to scrape.",
    description=(
        "Backend {{ $labels.backend }} was a target of Prometheus within the last day and is none"
        " now: nothing of this backend is watched."
    ),
    panel=dashboards.EXPORTER_SCRAPED,
    switchable=False,
)
EXPORTER_RELOAD_FAILED: Final = Alert(
    name="OpsExporterReloadFailed",
    expr=f"""\
min by (backend) (
  last_over_time({own.CONFIG_RELOAD_SUCCESSFUL}[{own.CONFIG_RELOAD_SUCCESSFUL.window}])
)
== 0
""",
    hold="5m",
    severity=Severity.WARNING,
    summary="The exporter refused its new configuration.",
    description=(
        "An exporter of backend {{ $labels.backend }} was told to reload and found a mistake: it"
        " goes on with the configuration that it had."
    ),
    panel=dashboards.EXPORTER_CONFIGURATION,
    switchable=False,
)
ACTIONS_DOWN: Final = Alert(
    name="OpsActionsDown",
    expr=f"""\
max by (job) (up{{job="{ACTIONS_JOB}"}}) == 0
or
absent(up{{job="{ACTIONS_JOB}"}})
""",
    by=("job",),
    hold="5m",
    severity=Severity.WARNING,
    summary="The action service does not answer.",
    description=(
        "Prometheus cannot scrape the job {{ $labels.job }}: alerts are not written into the"
        " history, and links in notifications lead nowhere. Thresholds stay as they were for a day."
    ),
    panel=dashboards.ALERTS_SERVICE,
)
WATCHDOG: Final = Alert(
    name="OpsWatchdog",
    expr="vector(1)\n",
    by=(),
    severity=Severity.INFO,
    summary="This alert always fires.",
    description=(
        "The Prometheus at {{ $externalURL }} evaluates rules and reaches Alertmanager. Whoever"
        " misses this alert should look after them."
    ),
    panel=dashboards.ALERTS_FIRING,
    switchable=False,
)

GROUP: Final = RuleGroup(
    name="ops-monitoring",
    rules=(
        API_DOWN,
        ENDPOINT_FAILING,
        DATA_STALE,
        UNAUTHORIZED,
        SCHEMA_DRIFT,
        COUNTERS_UNSTEADY,
        EXPORTER_DOWN,
        EXPORTER_TARGET_VANISHED,
        EXPORTER_ABSENT,
        EXPORTER_RELOAD_FAILED,
        ACTIONS_DOWN,
        WATCHDOG,
    ),
)
