"""What tests of actions share: places to act on, and pages of the exporter."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from exporter.actions.upstream import Upstream
from exporter.collectors.ingestion import read_jobs
from exporter.collectors.reading import Context
from exporter.service.readings import PageReadings, parsed
from exporter.settings import Api

if TYPE_CHECKING:
    from exporter.actions.model import Site
    from exporter.catalogue.sample import Sample
    from exporter.simulator.jobs import Job
    from exporter.simulator.world import World

JOBS = "/api/v1/ingestion/jobs/history?limit=100"


class At(Protocol):
    """Builds a place: the exporter's page, the admin token, and settings of the actions."""

    def __call__(self, page: str = "", *, acting: str = "admin", **settings: object) -> Site: ...


def jobs_page(*jobs: tuple[str, str, str, float | None]) -> str:
    """Return the exporter's page for jobs of id, repository, status and start."""
    lines = ['ops_ingestion_jobs{status="failed"} 1.0']
    for job_id, repository, status, started in jobs:
        labels = f'job_id="{job_id}",repository="{repository}",status="{status}"'
        lines.append(f"ops_ingestion_job_info{{{labels}}} 1.0")
        if started is not None:
            name = "ops_ingestion_job_started_timestamp_seconds"
            lines.append(f'{name}{{job_id="{job_id}"}} {started}')
    return "\n".join(lines) + "\n"


def failed(world: World, repository: str) -> Job:
    """Let a job of *repository* fail in the simulator."""
    job = world.jobs.add(f"https://{repository}", world.now)
    world.jobs.cancel(job, world.now)
    return job


async def told_of_jobs(site: Site) -> Site:
    """Return *site* as the exporter tells of it once it has asked for the jobs."""
    history = (await site.upstream.get(JOBS)).body
    samples = read_jobs(history, Context(received_at=0.0)).samples
    page = "".join(f"{_line(sample)}\n" for sample in samples)
    return replace(site, readings=PageReadings(parsed(page)))


class Fake:
    """
    A backend that gives answers of which the simulator knows none, one after the other.

    Attributes:
        asked: Method, path as it was sent, and body of each request.
    """

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = iter(answers)
        self.asked: list[tuple[str, str, bytes]] = []

    def at(self, site: Site) -> Site:
        """Return *site* with this backend in the place of its own."""
        transport = httpx.MockTransport(self._answer)
        upstream = Upstream(Api(url="http://fake"), lambda: "admin", 5.0, transport=transport)
        return replace(site, upstream=upstream, exporter=upstream)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode()
        self.asked.append((request.method, path, request.content))
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    """Return an answer of the API; a name of a header is written with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json=body, headers=named)


def _line(sample: Sample) -> str:
    pairs = zip(sample.metric.labels, sample.labels, strict=True)
    labels = ",".join(f'{name}="{value}"' for name, value in pairs)
    return f"{sample.metric.name}{{{labels}}} {sample.value}"
