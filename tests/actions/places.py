"""What tests of actions share: places to act on, and pages of the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from exporter.actions.model import Site
    from exporter.simulator.jobs import Job


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


def page_of(*jobs: Job) -> str:
    """Return the exporter's page for jobs of the simulator."""
    return jobs_page(
        *(
            (job.id, job.repository.removeprefix("https://"), job.status, job.started_at)
            for job in jobs
        )
    )
