"""Alerts on the queue, the workers, and the ingestion jobs that they run."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue import thresholds as t
from exporter.catalogue.alerting import Alert, Limit, Recording, RuleGroup
from exporter.catalogue.endpoints import EDGE_WORKER, WORKERS
from exporter.catalogue.model import Severity
from exporter.catalogue.rules.expressions import present, state
from exporter.catalogue.rules.performance import CRITICAL_FACTOR
from exporter.catalogue.verdicts import Verdict

QUEUE_LENGTH: Final = Recording(
    record="backend:ops_queue_length:max", expr=f"{present(m.QUEUE_LENGTH)}\n"
)


def _backlog(severity: Severity) -> Alert:
    factor = CRITICAL_FACTOR if severity is Severity.CRITICAL else 1
    limit = Limit("OpsQueueBacklogHigh", t.QUEUE_LENGTH_MAX, factor)
    return Alert(
        name=limit.alert,
        expr=f"{QUEUE_LENGTH}\n{limit.beyond('>')}\n",
        hold="2m",
        keep="2m",
        severity=severity,
        summary="Too many tasks wait in the queue.",
        description=(
            f"{limit.value_text} tasks of backend {{{{ $labels.backend }}}} wait in the queue,"
            f" more than {limit.text}."
        ),
        panel=dashboards.INGESTION_QUEUE,
        limit=limit,
        metrics=(m.QUEUE_LENGTH,),
    )


BACKLOG_CRITICAL: Final = _backlog(Severity.CRITICAL)
BACKLOG: Final = _backlog(Severity.WARNING)
WORKERS_DOWN: Final = Alert(
    name="OpsWorkersDown",
    # A backend whose workers are switched off has none, and misses none.
    expr=f"""\
{state(m.WORKER_POOL_STATUS, "down")} == 1
or
(
  {present(m.WORKERS)} == 0
  unless on (backend)
  {state(m.WORKER_POOL_STATUS, "not_applicable")} == 1
)
""",
    hold="1m",
    severity=Severity.CRITICAL,
    summary="No worker runs tasks.",
    description=(
        "The workers of backend {{ $labels.backend }} are down or there is none: tasks wait, and"
        " nothing is ingested."
    ),
    panel=dashboards.INGESTION_WORKERS,
    actions=(actions.REFRESH,),
)
WORKERS_DEGRADED: Final = Alert(
    name="OpsWorkersDegraded",
    # Also while they are down, which hides it: both end together, and people are told of the end.
    expr=f"{state(m.WORKER_POOL_STATUS, 'degraded|down')} == 1\n",
    hold="1m",
    severity=Severity.WARNING,
    summary="The workers are degraded.",
    description="The workers of backend {{ $labels.backend }} report themselves degraded or down.",
    panel=dashboards.INGESTION_WORKERS,
    actions=(actions.REFRESH,),
)
_SILENT: Final = Limit("OpsWorkerOffline", t.HEARTBEAT_AGE_MAX)
# A heartbeat is as old as it was when the API was last asked, not as it is now: a worker whose
# endpoint is asked rarely is not silent. Of an endpoint that fails nothing is known: it counts
# until the last heartbeat that it told of is too old to be read. One not offered tells of none.
_ENDPOINTS: Final = f'endpoint=~"{WORKERS.name}|{EDGE_WORKER.name}"'
_ASKED: Final = f"""\
min by (backend) (
    max by (backend, endpoint) (
      last_over_time({own.ENDPOINT_LAST_SUCCESS}{{{_ENDPOINTS}}}\
[{own.ENDPOINT_LAST_SUCCESS.window}])
      unless ignoring (status)
      last_over_time({own.ENDPOINT_STATUS}{{{_ENDPOINTS}, status="{Verdict.NOT_OFFERED}"}}\
[{own.ENDPOINT_STATUS.window}]) == 1
    )
    > time() - 1200
  )"""
WORKER_OFFLINE: Final = Alert(
    name=_SILENT.alert,
    # Only of workers that the last answer names: one that was scaled away is missed by nobody.
    expr=f"""\
(
  {_ASKED}
  - on (backend) group_right ()
  {present(m.WORKER_HEARTBEAT, by=("worker",))}
)
{_SILENT.beyond(">")}
and on (backend, worker)
max_over_time({m.WORKER_HEARTBEAT}[2m])
or
{state(m.WORKER_STATUS, "offline", by=("worker",))} == 1
""",
    by=("backend", "worker"),
    hold="1m",
    severity=Severity.WARNING,
    summary="A worker is offline.",
    description=(
        "Worker {{ $labels.worker }} of backend {{ $labels.backend }} says that it is offline, or"
        f" has sent no heartbeat for {_SILENT.text}."
    ),
    panel=dashboards.INGESTION_HEARTBEATS,
    limit=_SILENT,
    tells_value=False,  # a worker that says so itself may have been heard of just now
    actions=(actions.REFRESH,),
)
_RECENT_JOBS: Final = f"{present(m.INGESTION_JOB_STARTED, by=('job_id',))} > time() - 3600"
_FAILED: Final = Limit("OpsIngestionJobsFailing", t.FAILED_JOBS_MAX)
INGESTION_JOBS_FAILING: Final = Alert(
    name=_FAILED.alert,
    expr=f"""\
count by (backend) (
  {state(m.INGESTION_JOB_INFO, "failed", by=("job_id",))} == 1
  and on (backend, job_id)
  {_RECENT_JOBS}
)
{_FAILED.beyond(">")}
and on (backend)
count by (backend) (
  {state(m.INGESTION_JOB_INFO, "failed", by=("job_id",))} == 1
  and on (backend, job_id)
  {_RECENT_JOBS}
)
>= {t.FAILED_JOBS_SHARE_MIN} * count by (backend) ({_RECENT_JOBS})
""",
    hold="1m",
    keep="2m",
    severity=Severity.WARNING,
    summary="Ingestion jobs fail.",
    description=(
        f"{_FAILED.value_text} ingestion jobs of backend {{{{ $labels.backend }}}} that started"
        f" within the last hour failed, more than {_FAILED.text}."
    ),
    panel=dashboards.INGESTION_JOBS,
    limit=_FAILED,
    actions=(actions.JOBS,),
)
_STUCK: Final = Limit("OpsIngestionJobStuck", t.JOB_DURATION_MAX)
INGESTION_JOB_STUCK: Final = Alert(
    name=_STUCK.alert,
    expr=f"""\
(
  (time() - {present(m.INGESTION_JOB_STARTED, by=("job_id",))})
  * on (backend, job_id) group_right ()
  {state(m.INGESTION_JOB_INFO, "processing", by=("job_id", "repository"))}
)
{_STUCK.beyond(">")}
""",
    by=("backend", "job_id", "repository"),
    hold="2m",
    severity=Severity.WARNING,
    summary="An ingestion job does not end.",
    description=(
        "The ingestion of {{ $labels.repository }} (job {{ $labels.job_id }} of backend"
        f" {{{{ $labels.backend }}}}) has run for {_STUCK.value_text}, longer than {_STUCK.text}."
    ),
    panel=dashboards.INGESTION_JOBS,
    limit=_STUCK,
    # The job's id is enough: chats cut long links.
    linked=("backend", "job_id"),
    actions=(actions.CANCEL_JOB, actions.RETRY_JOB),
)

GROUP: Final = RuleGroup(
    name="ops-workers",
    rules=(
        QUEUE_LENGTH,
        BACKLOG_CRITICAL,
        BACKLOG,
        WORKERS_DOWN,
        WORKERS_DEGRADED,
        WORKER_OFFLINE,
        INGESTION_JOBS_FAILING,
        INGESTION_JOB_STUCK,
    ),
)
