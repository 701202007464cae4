"""Which jobs a table shows of a chosen state, as Prometheus works it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.links import Links
from exporter.mixin import product_grids
from tests.mixin.evaluated import TARGET, check

if TYPE_CHECKING:
    from pathlib import Path

LINKS = Links(
    exporter_url="https://e", actions_url="https://a", grafana_url="", alertmanager_url=""
)
# Minutes after the start.
NOW = 30
# Each job's states; the last one is told until the end.
JOBS = {"one": ("completed",), "two": ("pending", "failed"), "three": ("pending", "processing")}


def expression(states: str) -> str:
    """Return what the column *Started* asks of jobs in *states*."""
    panel: Any = product_grids.jobs(
        1, "T", "Why.", LINKS, f'status=~"{states}"', newest=5, size=(24, 9)
    )
    (expr,) = [t.expr for t in panel.targets if str(t.expr).startswith("1000 * ")]
    return str(expr)


def series(until: int) -> list[dict[str, str]]:
    """Return what a backend tells of the jobs before it falls silent in the minute *until*."""
    found = []
    for place, (job, states) in enumerate(JOBS.items(), 1):
        name = "ops_ingestion_job_started_timestamp_seconds"
        labels = f'{TARGET}, job_id="{job}"'
        found.append({"series": f"{name}{{{labels}}}", "values": f"{place}x{until} stale"})
        for turn, state in enumerate(states):
            last = turn == len(states) - 1
            values = f"_x{5 * turn} 1x{until - 5 * turn if last else 3} stale"
            more = f'{labels}, repository="r", status="{state}"'
            found.append({"series": f"ops_ingestion_job_info{{{more}}}", "values": values})
    return found


@pytest.mark.parametrize("until", [pytest.param(NOW, id="told"), pytest.param(12, id="silent")])
@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        (".+", {"one", "two", "three"}),
        ("failed", {"two"}),
        ("completed|processing", {"one", "three"}),
        ("pending", set()),
    ],
)
def test_a_job_is_shown_by_its_last_known_state_and_by_none_that_it_has_left(
    promtool: Path, tmp_path: Path, states: str, wanted: set[str], until: int
) -> None:
    samples = {
        f'{{backend="b", job_id="{job}"}}': 1000.0 * place
        for place, job in enumerate(JOBS, 1)
        if job in wanted
    }
    check(promtool, tmp_path, expression(states), series(until), samples, NOW)
