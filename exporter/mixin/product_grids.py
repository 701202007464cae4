"""Tables of what works in the product, a row for each: ingestion jobs, workers, models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.endpoints import EDGE_WORKER, WORKERS
from exporter.catalogue.thresholds import HEARTBEAT_AGE_MAX, MODEL_ERROR_RATIO_MAX
from exporter.catalogue.verdicts import Verdict
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import VALUE, page
from exporter.mixin.promql import known, last, series, state_number, worst
from exporter.mixin.readings import GPU, JOBS, LOADED, SLOWER
from exporter.mixin.readings import WORKERS as WORKER_STATES

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

    from exporter.links import Links

_JOB: Final = ("backend", "job_id", "repository")
_WORKER: Final = ("backend", "worker")
_MODEL: Final = ("backend", "model")
# What can be done about a job in a state.
_OFFERED: Final = {"failed": "retry", "pending": "cancel", "processing": "cancel"}
_TELLS_OF_WORKERS: Final = f'endpoint=~"{WORKERS.name}|{EDGE_WORKER.name}"'
_NOT_OFFERED: Final = f'status="{Verdict.NOT_OFFERED}"'
# When those that tell of workers were last asked; of one that fails only the heartbeat is known.
_ASKED: Final = f"""\
min by (backend) (
  (
    {worst(last(own.ENDPOINT_LAST_SUCCESS, _TELLS_OF_WORKERS), "backend", "endpoint")}
    unless on (backend, endpoint)
    {last(own.ENDPOINT_STATUS, _NOT_OFFERED, _TELLS_OF_WORKERS)} == 1
  )
  > time() - 1200
)"""
_HEARTBEAT: Final = worst(known(m.WORKER_HEARTBEAT), *_WORKER)
# A heartbeat is as old as it was when the API was last asked, as the alert sees it too.
_AGE: Final = f"""\
clamp_min({_ASKED}
- on (backend) group_right ()
{_HEARTBEAT}, 0)
or on (backend, worker)
time() - {_HEARTBEAT}"""


def jobs(
    panel_id: int,
    title: str,
    why: str,
    links: Links,
    *matchers: str,
    newest: int,
    size: tuple[int, int],
    nothing: str = "○ No jobs yet: ingest a repository",
) -> Panel:
    """Show the *newest* ingestion jobs (of *matchers*), with links to retry and to cancel them."""
    of_all = worst(known(m.INGESTION_JOB_STARTED), "backend", "job_id")
    of_some = f"{of_all}\nand on (backend, job_id)\n({_in_state(*matchers)})"
    started = f"topk({newest}, {of_some if matchers else of_all})"
    among = f"and on (backend, job_id)\n{started}"
    present = "\nor\n".join(_job(place, status) for place, status in enumerate(m.JOB_STATES, 1))
    before = _before()
    width, height = size
    return grid(
        panel_id,
        title,
        why,
        Column(title="Repository", label="repository", least=225),
        Column(
            title="State",
            expr=f"(max by ({', '.join((*_JOB, 'retry', 'cancel'))}) ({present})\n"
            f"or on (backend)\n{worst(before, *_JOB)})\n{among}",
            states=JOBS,
            width=110,
        ),
        Column(
            title="Retry",
            label="retry",
            says="↻ Retry",
            lead=page(links, actions.RETRY_JOB, job_id=VALUE),
            width=75,
        ),
        Column(
            title="Cancel",
            label="cancel",
            says="✖ Cancel",
            lead=page(links, actions.CANCEL_JOB, job_id=VALUE),
            width=80,
        ),
        Column(title="Started", expr=f"1000 * {started}", unit="dateTimeFromNow", width=125),
        Column(
            title="Took",
            expr=f"{worst(known(m.INGESTION_JOB_DURATION), 'backend', 'job_id')}\n{among}",
            unit="s",
            width=85,
        ),
        Column(title="Job", label="job_id"),
        Column(title="Backend", label="backend", width=80),
        w=width,
        h=height,
        sort=("Started",),
        nothing=nothing,
    )


def _in_state(*matchers: str) -> str:
    """Select the jobs whose last known state is one of *matchers*, not one that they left."""
    job = ("backend", "job_id")
    before = f"{worst(_before(*matchers), *job)} == {worst(_before(), *job)}"
    now = series(m.INGESTION_JOB_INFO, *matchers)
    return f"{now}\nor {before}\nunless on (backend) {series(m.INGESTION_JOB_INFO)}"


def _before(*matchers: str) -> str:
    """Number what the states of jobs were, for a backend that tells nothing of them now."""
    return "\nor\n".join(
        f"{place} * {last(m.INGESTION_JOB_INFO, _status(status), *matchers)}"
        for place, status in enumerate(m.JOB_STATES, 1)
    )


def _status(status: str) -> str:
    return f'status="{status}"'


def _job(place: int, status: str) -> str:
    """Number the jobs in a state; a label offers what can be done about them."""
    numbered = f"{place} * {series(m.INGESTION_JOB_INFO, _status(status))}"
    action = _OFFERED.get(status)
    if action is None:
        return numbered
    return f'label_replace({numbered}, "{action}", "$1", "job_id", "(.*)")'


def workers(panel_id: int, title: str, size: tuple[int, int], *, gpu: bool = True) -> Panel:
    """Show each worker: its state, how old its heartbeat is, and whether it has a *gpu*."""
    more = [Column(title="GPU", expr=worst(known(m.WORKER_GPU), *_WORKER), states=GPU, width=72)]
    width, height = size
    return grid(
        panel_id,
        title,
        "Each worker, cloud or edge, and how long before the last answer about it it was heard of;"
        f" coloured from {HEARTBEAT_AGE_MAX.text} on. Offline: see OpsWorkerOffline in the"
        " runbook.",
        Column(title="Worker", label="worker", least=85),
        Column(
            title="State",
            expr=state_number(m.WORKER_STATUS, *_WORKER, "kind", select=known),
            states=WORKER_STATES,
            width=100,
        ),
        Column(
            title="Heard of",
            expr=_AGE,
            unit="s",
            decimals=0,
            limit=HEARTBEAT_AGE_MAX,
            width=85,
        ),
        *(more if gpu else ()),
        Column(title="Kind", label="kind", width=65),
        Column(title="Backend", label="backend", width=80),
        w=width,
        h=height,
        sort=("State", "Heard of"),
        nothing="○ No worker is known",
    )


def models(panel_id: int, title: str, size: tuple[int, int]) -> Panel:
    """Show each model: loaded, how fast, how large, how often wrong, and when last asked."""
    duration = series(m.MODEL_INFERENCE_DURATION)
    trend = f"""\
{worst(f"avg_over_time({duration}[10m])", *_MODEL)}
/
{worst(f"avg_over_time({duration}[1h])", *_MODEL)}
- 1"""
    width, height = size
    return grid(
        panel_id,
        title,
        "Each model: whether it is loaded, how long an inference takes, its last ten minutes"
        " against the last hour (trend), its memory, the share of inferences that fail (coloured"
        f" from {MODEL_ERROR_RATIO_MAX.text} on), and when it was last asked.",
        Column(title="Model", label="model"),
        Column(title="State", expr=worst(known(m.MODEL_LOADED), *_MODEL), states=LOADED),
        Column(title="Inference", expr=worst(known(m.MODEL_INFERENCE_DURATION), *_MODEL), unit="s"),
        Column(title="Trend", expr=trend, ranges=SLOWER, unit="percentunit"),
        Column(title="Memory", expr=worst(known(m.MODEL_MEMORY), *_MODEL), unit="decbytes"),
        Column(
            title="Failed",
            expr=worst(known(m.MODEL_ERROR_RATIO), *_MODEL),
            unit="percentunit",
            decimals=2,
            limit=MODEL_ERROR_RATIO_MAX,
        ),
        Column(
            title="Last inference",
            expr=f"1000 * {worst(known(m.MODEL_LAST_INFERENCE), *_MODEL)}",
            unit="dateTimeFromNow",
        ),
        Column(title="Backend", label="backend", width=80),
        w=width,
        h=height,
        sort=("Memory",),
        nothing="○ The backend tells of no models; see the endpoint models on Exporter",
    )
