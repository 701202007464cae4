"""Ingestion jobs: a list of jobs in the design, a log of state writes in what is deployed."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from exporter.catalogue.endpoints import JOBS
from exporter.catalogue.model import Dialect
from tests.collectors.reading import read, shown

START = 1795445400.0  # 2026-11-23T14:50:00Z


def row(repo_url: str, status: str, minute: int | None, **more: Any) -> dict[str, Any]:
    timestamp = f"2026-11-23T14:{50 + minute:02}:00" if minute is not None else ""
    return {"repo_url": repo_url, "status": status, "timestamp": timestamp, **more}


def jobs(*rows: dict[str, Any]) -> dict[str, float]:
    return shown(read(JOBS, {"jobs": list(rows)}))


def states(told: dict[str, float]) -> dict[str, float]:
    counts = {n.split('"')[1]: v for n, v in told.items() if n.startswith("ops_ingestion_jobs{")}
    assert list(counts) == ["pending", "processing", "completed", "failed", "skipped"]
    return {status: count for status, count in counts.items() if count}


def started(told: dict[str, float]) -> list[float]:
    return [v for n, v in told.items() if "started_timestamp" in n]


def test_no_job_is_no_job_in_every_state() -> None:
    assert states(jobs()) == {}
    assert len(jobs()) == 5


def test_the_id_of_a_job_without_one_is_the_hash_of_its_normalised_repository() -> None:
    told = jobs(row("https://user:pw@GitHub.com/o/R?x=1#y", "failed", 1))

    name = sha256(b"github.com/o/R").hexdigest()[:12]
    assert (
        f'ops_ingestion_job_info{{job_id="{name}",repository="github.com/o/R",status="failed"}}'
        in told
    )


def test_the_newest_row_of_a_repository_is_its_state() -> None:
    told = jobs(
        row("https://github.com/o/a", "complete", 5),
        row("https://github.com/o/b", "failed", 4),
        row("github.com/o/a", "processing", 3),
        row("https://github.com/o/a", "pending", 2),
        row("https://github.com/o/b", "pending", 1),
    )

    assert states(told) == {"completed": 1, "failed": 1}
    assert started(told) == [START + 180]


def test_the_order_of_the_rows_counts_and_not_their_times() -> None:
    """A clock that was wrong, or a long job of another repository, does not turn the log round."""
    early = {"repo_url": "a/b", "status": "completed", "timestamp": "2025-01-01T00:00:00"}
    log = [row("a/b", "processing", 3), row("a/b", "pending", 2)]

    alone = jobs(early, *log)
    below = jobs({**early, "repo_url": "a/long"}, row("a/b", "completed", 4), *log)

    assert states(alone) == {"completed": 1}
    assert states(below) == {"completed": 2}
    assert started(alone) == started(below) == [START + 180]


@pytest.mark.parametrize(
    ("rows", "start"),
    [
        # the newest run began at minute 8; what was before is of another
        ([("processing", 8), ("completed", 5), ("processing", 3), ("pending", 2)], 8),
        ([("failed", 9), ("processing", 8), ("completed", 5), ("processing", 3)], 8),
        ([("processing", 9), ("processing", 8), ("pending", 7), ("processing", 3)], 8),
        ([("completed", 9), ("completed", 9), ("processing", 8), ("pending", 7)], 8),
        ([("pending", 9), ("completed", 5), ("processing", 3)], None),
        ([("completed", 9), ("pending", 7), ("processing", 3)], None),
        ([("failed", 9), ("processing", None), ("pending", 7)], None),
        ([("processing", 8)], 8),
    ],
)
def test_a_run_started_with_its_own_processing_row(
    rows: list[tuple[str, int | None]], start: int | None
) -> None:
    told = jobs(*(row("https://github.com/o/a", status, minute) for status, minute in rows))

    assert started(told) == ([] if start is None else [START + 60 * start])


def test_an_empty_timestamp_is_nothing_that_is_missing() -> None:
    reading = read(JOBS, {"jobs": [row("https://github.com/o/a", "processing", None)]})

    assert states(shown(reading)) == {"processing": 1}
    assert reading.missing == []


def test_a_status_that_is_not_known_does_not_bring_an_older_one_back() -> None:
    reading = read(
        JOBS,
        {
            "jobs": [
                row("o/a", "cancelled", 5),
                row("o/a", "processing", 3),
                row("o/b", "failed", 1),
            ]
        },
    )

    assert states(shown(reading)) == {"failed": 1}
    assert reading.missing == ["jobs[*].status"]


def test_the_form_in_which_the_api_takes_a_repository_shows_no_password_either() -> None:
    told = jobs(row("https%3A%2F%2Fuser%3APWSECRET%40github.com%2Fo%2Fr", "failed", 1))

    assert [name.split('"')[3] for name in told if "_info" in name] == ["github.com/o/r"]


@pytest.mark.parametrize("url", ["", "  ", "https://", None])
def test_a_row_that_names_no_repository_is_no_job(url: str | None) -> None:
    deployed = read(JOBS, {"jobs": [{**row("", "failed", 1), "repo_url": url}]})
    designed = read(JOBS, [{"repo_url": url, "status": "failed", "started_at": None}])

    assert states(shown(deployed)) == states(shown(designed)) == {}
    assert deployed.missing == designed.missing == ["jobs[*].repo_url"]


def test_the_duration_is_that_of_the_newest_row() -> None:
    told = jobs(
        row("o/a", "completed", 5, duration_seconds=12.5),
        row("o/a", "processing", 3, duration_seconds=99.0),
    )

    assert [v for n, v in told.items() if "duration" in n] == [12.5]


def test_an_older_deployed_backend_answers_a_bare_list_without_ids() -> None:
    reading = read(JOBS, [row("https://github.com/o/a", "completed", 5)])

    assert reading.dialect is Dialect.DEPLOYED
    assert states(shown(reading)) == {"completed": 1}
    assert (reading.missing, reading.unknown) == ([], [])


def test_an_empty_list_is_no_job() -> None:
    assert states(shown(read(JOBS, []))) == {}


def test_designed_jobs_may_come_in_an_object_and_have_numbers_for_ids() -> None:
    body = {"jobs": [{"id": 17, "repo_url": "o/a", "status": "failed", "started_at": None}]}

    reading = read(JOBS, body)

    assert reading.dialect is Dialect.DESIGNED
    assert 'ops_ingestion_job_info{job_id="17",repository="o/a",status="failed"}' in shown(reading)


def test_two_designed_jobs_of_a_repository_are_two() -> None:
    rows = [
        {"id": n, "repo_url": "https://github.com/o/a", "status": "failed"} for n in ("j-1", "j-2")
    ]

    assert states(shown(read(JOBS, rows))) == {"failed": 2}


def test_a_designed_job_that_stands_twice_is_one() -> None:
    rows = [
        {"id": "j", "repo_url": "o/a", "status": "failed", "started_at": "2026-11-23T14:50:00Z"},
        {
            "id": "j",
            "repo_url": "o/a",
            "status": "processing",
            "started_at": "2026-11-23T14:55:00Z",
        },
    ]

    assert states(shown(read(JOBS, rows))) == {"processing": 1}


def test_the_latest_jobs_have_the_most_weight() -> None:
    """They are the ones that stay when there are more than the limit."""
    designed = [
        {"id": n, "repo_url": "o/a", "status": "failed", "started_at": f"2026-11-23T14:{n}:00Z"}
        for n in ("10", "30", "20")
    ]
    waiting = {"id": "99", "repo_url": "o/a", "status": "pending"}
    deployed = [row(f"o/{n}", "failed", 10 - n) for n in range(3)]

    def order(payload: Any) -> list[str]:
        samples = [s for s in read(JOBS, payload).samples if s.metric.name.endswith("_info")]
        return [s.labels[0] for s in sorted(samples, key=lambda s: -s.weight)]

    assert order([*designed, waiting]) == ["99", "30", "20", "10"]
    assert order({"jobs": deployed}) == [
        sha256(f"o/{n}".encode()).hexdigest()[:12] for n in range(3)
    ]


def test_error_texts_and_reasons_stay_where_they_are() -> None:
    reading = read(JOBS, {"jobs": [row("o/a", "failed", 1, error="marked", reason="marked")]})

    assert "marked" not in repr(reading.samples)
    assert reading.ignored["jobs[*].error"] == "free text"
