"""The deployed backend's own Prometheus page: what grew between two of them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue import metrics as m
from exporter.catalogue.endpoints import BACKEND_METRICS
from exporter.collectors.quantiles import quantile
from exporter.collectors.reading import SchemaError
from tests.collectors.reading import NOW, read, shown

START = 1795440000.0
COARSE = ("0.1", "0.5", "1.0", "+Inf")
FINE = (
    *("0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "1.5", "2.0", "2.5"),
    *("3.0", "3.5", "4.0", "4.5", "5.0", "7.5", "10.0", "30.0", "60.0", "+Inf"),
)
RATE, ERRORS = "ops_api_requests_per_second", "ops_api_error_ratio"


def cumulative(bounds: tuple[str, ...], counts: dict[str, float]) -> list[tuple[str, float]]:
    total, pairs = 0.0, []
    for bound in bounds:
        total += counts.get(bound, 0)
        pairs.append((bound, total))
    return pairs


def page(
    requests: dict[tuple[str, str], float],
    coarse: dict[str, dict[str, float]] | None = None,
    fine: dict[str, float] | None = None,
    start: float | None = START,
) -> str:
    """Write a page: requests by (handler, status), durations by handler, durations of all."""
    lines = ["# TYPE http_requests_total counter", 'other_total{handler="/x"} 5']
    if start is not None:
        lines.append(f"process_start_time_seconds {start}")
    for (handler, status), count in requests.items():
        labels = f'handler="{handler}",method="GET",status="{status}"'
        lines.append(f"http_requests_total{{{labels}}} {count}")
        lines.append(f"http_requests_created{{{labels}}} {START}")
    for handler, counts in (coarse or {}).items():
        for bound, total in cumulative(COARSE, counts):
            labels = f'handler="{handler}",le="{bound}",method="GET"'
            lines.append(f"http_request_duration_seconds_bucket{{{labels}}} {total}")
    for bound, total in cumulative(FINE, fine or {}) if fine is not None else ():
        lines.append(f'http_request_duration_highr_seconds_bucket{{le="{bound}"}} {total}')
    return "\n".join(lines) + "\n"


def between(*pages: str, elapsed_s: float = 10.0) -> dict[str, float]:
    """Return what the last of *pages* tells, without the uptime."""
    memory: dict[str, Any] = {}
    told: dict[str, float] = {}
    for place, text in enumerate(pages):
        told = shown(read(BACKEND_METRICS, text, memory, at=NOW + elapsed_s * place))
    told.pop("ops_uptime_seconds", None)
    return told


BEFORE = page(
    {("/api/resources", "200"): 100, ("/api/resources", "500"): 1, ("/metrics", "200"): 50},
    {"/api/resources": {"0.1": 101}, "/metrics": {"0.1": 50}},
    {"0.01": 151},
)
# Between the two: 100 requests of others, of them 20 failed, and 40 of ours, all in 0.1-0.5 s.
AFTER = page(
    {
        ("/api/resources", "200"): 180,
        ("/api/resources", "500"): 13,
        ("/api/search", "5xx"): 8,
        ("/metrics", "200"): 60,
        ("/api/monitoring/health", "200"): 30,
    },
    {
        "/api/resources": {"0.1": 101 + 50, "0.5": 32, "1.0": 8, "+Inf": 2},
        "/api/search": {"0.5": 8},
        "/metrics": {"0.1": 50, "0.5": 10},
        "/api/monitoring/health": {"0.5": 30},
    },
    {
        "0.01": 151 + 10,
        "0.025": 10,
        "0.05": 10,
        "0.075": 10,
        "0.1": 10,
        "0.25": 20,
        "0.5": 60,  # of both: 40 of ours and 40 of others
        "0.75": 2,
        "1.0": 6,
        "1.5": 1,
        "2.0": 1,
    },
)


def test_two_pages_worked_out_by_hand() -> None:
    """
    P50: 50 of 100 took up to 0.1 s.
    P95: 90 took up to 0.5 s, 92 up to 0.75 s, 98 up to 1 s; the 95th lies half way between.
    P99: two took longer than 1 s, one of them up to 1.5 s.
    """
    assert between(BEFORE, AFTER) == pytest.approx(
        {
            RATE: 10.0,
            ERRORS: 0.2,
            'ops_api_response_time_seconds{quantile="0.5"}': 0.1,
            'ops_api_response_time_seconds{quantile="0.95"}': 0.875,
            'ops_api_response_time_seconds{quantile="0.99"}': 1.5,
        }
    )


def test_without_the_fine_histogram_the_coarse_one_has_to_do() -> None:
    def without(text: str) -> str:
        return "\n".join(line for line in text.split("\n") if "highr" not in line)

    told = between(without(BEFORE), without(AFTER))

    assert [v for n, v in told.items() if "quantile" in n] == pytest.approx([0.1, 0.8125, 1.0])


def test_the_first_page_tells_the_uptime_alone() -> None:
    reading = read(BACKEND_METRICS, BEFORE)

    assert shown(reading) == {"ops_uptime_seconds": NOW - START}
    assert (reading.missing, reading.resets) == ([], set())


OURS = [
    "/metrics",
    "/metrics/",
    "/api/monitoring/health",
    "/api/monitoring/health/module/{module_name}",
    "/api/v1/ingestion/health",
    "/api/v1/ingestion/health/worker",
    "/api/v1/ingestion/worker/status",
    "/api/v1/ingestion/jobs/history",
    "/api/v1/ingestion/ingest/{repo_url:path}",
    "/api/search/admin/sparse-embeddings/generate",
    "/admin/sparse-embeddings/generate",
]


@pytest.mark.parametrize("handler", OURS)
def test_what_we_cause_ourselves_is_left_out(handler: str) -> None:
    pages = [page({(handler, "500"): n}, {handler: {"1.0": n}}, {"1.0": n}) for n in (0, 100)]

    assert between(*pages) == {RATE: 0.0}


@pytest.mark.parametrize(
    "handler", ["/api/search", "/metricsx", "/health", "none", "", "/api/admin"]
)
def test_what_others_cause_counts(handler: str) -> None:
    pages = [page({(handler, "200"): n}) for n in (0, 100)]

    assert between(*pages)[RATE] == 10


@pytest.mark.parametrize(
    ("status", "ratio"),
    [("500", 1), ("503", 1), ("5xx", 1), ("4xx", 0), ("404", 0), ("200", 0), ("", 0), ("15", 0)],
)
def test_an_error_is_a_5xx_in_either_spelling(status: str, ratio: float) -> None:
    assert between(page({("/a", status): 0}), page({("/a", status): 7}))[ERRORS] == ratio


@pytest.mark.parametrize(("count", "quantiles"), [(0, 0), (19, 0), (20, 3)])
def test_under_twenty_requests_there_are_no_percentiles(count: int, quantiles: int) -> None:
    pages = [page({("/a", "200"): n}, {"/a": {"0.1": n}}, {"0.1": n}) for n in (5, 5 + count)]

    told = between(*pages)

    assert told[RATE] == count / 10
    assert (ERRORS in told) is (count > 0)
    assert sum("quantile" in name for name in told) == quantiles


def test_after_a_restart_nothing_is_known_of_the_time_between() -> None:
    memory: dict[str, Any] = {}
    first = page({("/a", "200"): 100})
    read(BACKEND_METRICS, first, memory, at=NOW)
    restarted = read(
        BACKEND_METRICS, page({("/a", "200"): 500}, start=NOW + 5), memory, at=NOW + 10
    )
    after = read(BACKEND_METRICS, page({("/a", "200"): 510}, start=NOW + 5), memory, at=NOW + 20)

    assert shown(restarted) == {"ops_uptime_seconds": 5.0}
    assert restarted.resets == {m.API_REQUEST_RATE}
    assert shown(after)[RATE] == 1.0
    assert after.resets == set()


def test_a_counter_that_fell_is_a_restart_also_where_no_start_is_told() -> None:
    memory: dict[str, Any] = {}
    read(BACKEND_METRICS, page({("/a", "200"): 100}, start=None), memory, at=NOW)
    reading = read(BACKEND_METRICS, page({("/a", "200"): 3}, start=None), memory, at=NOW + 10)

    assert shown(reading) == {}
    assert reading.resets == {m.API_REQUEST_RATE}
    assert reading.missing == ["process_start_time_seconds"]


def test_two_processes_that_take_turns_give_no_rates_and_are_noticed() -> None:
    memory: dict[str, Any] = {}
    resets = []
    for turn in range(6):
        text = page({("/a", "200"): 1000 * (turn % 2) + turn}, start=START + turn % 2)
        reading = read(BACKEND_METRICS, text, memory, at=NOW + 10 * turn)
        assert RATE not in shown(reading)
        resets.append(len(reading.resets))

    assert resets == [0, 1, 1, 1, 1, 1]


def test_a_backend_that_nobody_has_asked_yet_has_a_rate_of_zero() -> None:
    assert between(page({}), page({})) == {RATE: 0.0}


def test_a_page_without_requests_has_no_rate_at_all() -> None:
    text = f"process_start_time_seconds {START}\n"
    memory: dict[str, Any] = {}

    read(BACKEND_METRICS, text, memory, at=NOW)
    reading = read(BACKEND_METRICS, text, memory, at=NOW + 10)

    assert shown(reading) == {"ops_uptime_seconds": NOW + 10 - START}
    assert reading.missing == ["http_requests_total"]


def test_a_clock_behind_that_of_the_backend_makes_no_negative_uptime() -> None:
    reading = read(BACKEND_METRICS, page({}, start=NOW + 60))

    assert (shown(reading), reading.missing) == ({}, [])


def test_two_pages_at_nearly_the_same_moment_make_no_rate() -> None:
    assert between(page({("/a", "200"): 0}), page({("/a", "200"): 9}), elapsed_s=0.1) == {}


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('http_requests_total{handler="/b",status="200"', "http_requests_total"),
        ('http_requests_total{handler="/b",status="200"} many', "http_requests_total"),
        ('http_requests_total{handler="/b",status="200"} NaN', "http_requests_total"),
        ('http_requests_total{handler="/b",status="200"} +Inf', "http_requests_total"),
        ('http_requests_total{handler="/b",status="200"} -1', "http_requests_total"),
        ('http_requests_total{handler="/b",status="200"} 1e300', "http_requests_total"),
        (
            'http_request_duration_seconds_bucket{le="0.1} 3',
            "http_request_duration_seconds_bucket",
        ),
    ],
)
def test_a_bad_line_costs_itself_alone(line: str, name: str) -> None:
    memory: dict[str, Any] = {}
    read(BACKEND_METRICS, page({("/a", "200"): 0}) + line, memory, at=NOW)
    reading = read(BACKEND_METRICS, page({("/a", "200"): 40}) + line, memory, at=NOW + 10)

    assert shown(reading)[RATE] == 4
    assert reading.missing == [name]


@pytest.mark.parametrize("bound", ["x", "NaN", "-1", "0"])
def test_a_bucket_without_a_bound_is_left_out(bound: str) -> None:
    line = f'http_request_duration_seconds_bucket{{handler="/a",le="{bound}"}}'
    pages = [page({("/a", "200"): n}, {"/a": {"0.1": n}}) + f"{line} {n}\n" for n in (0, 40)]

    assert between(*pages)['ops_api_response_time_seconds{quantile="0.5"}'] == pytest.approx(0.05)


@pytest.mark.parametrize("start", ["NaN", "0", "1e300", "-5", "1795440000000"])
def test_a_start_that_is_no_moment_is_missing(start: str) -> None:
    text = page({}, start=None) + f"process_start_time_seconds {start}\n"

    reading = read(BACKEND_METRICS, text)

    assert shown(reading) == {}
    assert reading.missing == ["process_start_time_seconds"]


def test_a_handler_with_a_line_separator_of_unicode_breaks_no_line() -> None:
    assert between(page({("/a\u2028b", "200"): 0}), page({("/a\u2028b", "200"): 30}))[RATE] == 3


@pytest.mark.parametrize("text", ["", "other_total 5\n", "# HELP http_requests_total x\n", 5, None])
def test_a_page_of_something_else_is_a_schema_error(text: Any) -> None:
    with pytest.raises(SchemaError, match="expected"):
        read(BACKEND_METRICS, text)


counts = st.lists(st.integers(0, 1000), min_size=len(FINE), max_size=len(FINE))


def histogram_quantile(q: float, buckets: list[tuple[float, float]]) -> float:
    """Do as Prometheus does with cumulative buckets that end in +Inf (promql/quantile.go)."""
    rank = q * buckets[-1][1]
    place = next(
        n for n, (_, total) in enumerate(buckets) if total >= rank or n == len(buckets) - 1
    )
    if place == len(buckets) - 1:
        return buckets[-2][0]
    low, before = buckets[place - 1] if place else (0.0, 0.0)
    high, total = buckets[place]
    return low + (high - low) * (rank - before) / (total - before)


@given(counts, st.sampled_from([0.5, 0.95, 0.99]))
def test_with_nothing_of_ours_it_is_the_quantile_that_prometheus_would_compute(
    found: list[int], q: float
) -> None:
    total = 0.0
    fine: list[tuple[float, float]] = []
    for bound, count in zip(FINE, found, strict=True):
        total += count
        fine.append((float(bound), total))
    coarse = [(bound, count) for bound, count in fine if bound in {0.1, 0.5, 1.0, math.inf}]

    if total == 0:
        assert quantile(q, coarse, fine) is None
    else:
        assert quantile(q, coarse, fine) == pytest.approx(histogram_quantile(q, fine))
        assert quantile(q, coarse, []) == pytest.approx(histogram_quantile(q, coarse))


@given(counts, counts, st.sampled_from([0.5, 0.95, 0.99]))
def test_our_own_requests_move_a_quantile_within_its_coarse_bucket_at_most(
    theirs: list[int], ours: list[int], q: float
) -> None:
    edges = [0.0, 0.1, 0.5, 1.0, math.inf]
    bounds = [float(bound) for bound in FINE]
    coarse = [
        (edge, float(sum(n for b, n in zip(bounds, theirs, strict=True) if b <= edge)))
        for edge in edges[1:]
    ]
    both = [a + b for a, b in zip(theirs, ours, strict=True)]
    fine = [(b, float(sum(both[: n + 1]))) for n, b in enumerate(bounds)]
    alone = [(b, float(sum(theirs[: n + 1]))) for n, b in enumerate(bounds)]
    value, right = quantile(q, coarse, fine), quantile(q, coarse, alone)

    if value is None or right is None:
        assert value is right
    else:
        assert any(a <= value <= b and a <= right <= b for a, b in itertools.pairwise(edges))
