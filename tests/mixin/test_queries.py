"""The benchmark of the dashboards' queries: a wrong ruler would measure nothing."""

from __future__ import annotations

import pytest

from tests.bench.history import Series, told
from tests.bench.queries import Query, step_s

HOUR_S, WEEK_S = 3600, 7 * 86_400


@pytest.mark.parametrize(
    ("range_s", "points", "step"),
    [
        (HOUR_S, 1900, 15),  # no closer than the scrapes
        (6 * HOUR_S, 1900, 15),
        (24 * HOUR_S, 950, 120),
        (WEEK_S, 1900, 300),
        (WEEK_S, 500, 1200),
        (WEEK_S, 100, 7200),
        (WEEK_S, 60, 10_800),
    ],
)
def test_a_step_is_rounded_as_grafana_rounds_it(range_s: int, points: int, step: int) -> None:
    assert step_s(range_s, points) == step


def test_nineteen_of_twenty_are_no_slower_than_the_percentile() -> None:
    query = Query(title="One", expr="up", step_s=None, taken_ms=[*range(20, 0, -1)])

    assert query.p95_ms == 19


def test_a_page_is_told_with_the_labels_of_its_scrape() -> None:
    page = '# TYPE a gauge\na{b="c"} 1.5\nd_total 2\n'

    assert list(told(page, 'job="e"')) == [
        Series(name="a", labels='b="c",job="e"', value=1.5),
        Series(name="d_total", labels='job="e"', value=2.0),
    ]


def test_an_ingestion_job_is_another_one_some_hours_later_and_a_module_is_not() -> None:
    job = Series(name="a", labels='job_id="x"', value=1.0)
    module = Series(name="a", labels='module="x"', value=1.0)

    assert job.at(0) == job.at(HOUR_S) != job.at(6 * HOUR_S)
    assert module.at(0) == module.at(6 * HOUR_S)
