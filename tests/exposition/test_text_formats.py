"""Samples put in are the samples read out, by the parsers that others use."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client import Metric as ClientFamily
from prometheus_client.openmetrics import exposition as client_openmetrics
from prometheus_client.openmetrics import parser as client_openmetrics_parser
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.catalogue.model import Kind, Metric
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

OPENMETRICS = "application/openmetrics-text;version=1.0.0"

UP = Metric(name="ops_up", kind=Kind.GAUGE, help="Whether it answers.")
HITS = Metric(name="ops_hits_total", kind=Kind.COUNTER, help="Hits.", labels=("key", "worker"))
BUSY = Metric(name="ops_busy_seconds_total", kind=Kind.COUNTER, help="Busy.", labels=("worker",))
RATIO = Metric(name="ops_hit_ratio", kind=Kind.GAUGE, help='A "ratio" \\ of\nhits.')
SIZE = Metric(name="ops_size_bytes", kind=Kind.GAUGE, help="Size.", labels=("key",))
LATENCY = Metric(
    name="ops_latency_seconds", kind=Kind.SUMMARY, help="Latency.", labels=("task", "quantile")
)
SCORE = Metric(
    name="ops_score", kind=Kind.UNKNOWN, help="Score.", labels=("metric",), open_labels=True
)
RUN = Metric(name="ops_run_duration_seconds", kind=Kind.HISTOGRAM, help="Run.", labels=("action",))
METRICS = (UP, HITS, BUSY, RATIO, SIZE, LATENCY)

Snapshot = dict[Metric, list[Sample]]
# name, type, help and samples of a family; values spelled, because NaN is not NaN
Read = list[tuple[str, str, str, list[tuple[str, list[tuple[str, str]], str]]]]


def page_of(families: Mapping[Metric, list[Sample]], accept: str = "") -> str:
    return Page(lambda: Families(1, families)).get(accept, "").body.decode()


def numbers(metric: Metric) -> st.SearchStrategy[float]:
    """Neither counters nor quantiles of a duration can be negative or NaN."""
    if metric.kind is Kind.GAUGE:
        return st.floats() | st.integers(-(2**63), 2**64 - 1).map(float)
    return st.floats(min_value=0.0)


def label_values(metric: Metric) -> st.SearchStrategy[tuple[str, ...]]:
    awkward = st.text(alphabet='"\\\n{}=, #\r\t\N{SNOWMAN}\N{PILE OF POO}ab\0', min_size=1)
    free = st.text(min_size=1) | awkward
    quantiles = st.sampled_from(["0.5", "0.95", "0.99"])
    return st.tuples(*(quantiles if label == "quantile" else free for label in metric.labels))


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    return {
        metric: [
            Sample(metric, labels, value)
            # Sorted: OpenMetrics wants the quantiles of a summary side by side.
            for labels, value in sorted(
                draw(st.dictionaries(label_values(metric), numbers(metric), max_size=5)).items()
            )
        ]
        for metric in draw(st.permutations(METRICS))
    }


def parse_openmetrics(page: str) -> Iterable[ClientFamily]:
    parse = client_openmetrics_parser.text_string_to_metric_families
    return parse(page)  # type: ignore[no-untyped-call,no-any-return]  # untyped upstream


def read(families: Iterable[ClientFamily]) -> Read:
    return [
        (
            family.name,
            family.type,
            family.documentation,
            [
                (sample.name, sorted(sample.labels.items()), repr(float(sample.value)))
                for sample in family.samples
            ],
        )
        for family in families
    ]


def put_in(snapshot: Snapshot) -> Read:
    return [
        (
            metric.name.removesuffix("_total"),
            str(metric.kind),
            metric.help,
            [
                (
                    metric.name,
                    sorted(zip(metric.labels, sample.labels, strict=True)),
                    repr(float(sample.value)),
                )
                for sample in samples
            ],
        )
        for metric, samples in sorted(snapshot.items(), key=lambda item: item[0].name)
        if samples
    ]


class ClientCollector:
    """The same samples as prometheus_client's own families."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterator[ClientFamily]:
        for metric, samples in sorted(self._snapshot.items(), key=lambda item: item[0].name):
            if samples:
                name = metric.name.removesuffix("_total")
                family = ClientFamily(name, metric.help, str(metric.kind), metric.unit)
                for sample in samples:
                    labels = dict(zip(metric.labels, sample.labels, strict=True))
                    family.add_sample(metric.name, labels, sample.value)
                yield family


@given(snapshots())
def test_both_parsers_read_exactly_the_samples_put_in(snapshot: Snapshot) -> None:
    expected = put_in(snapshot)

    assert expected == read(parse_text(page_of(snapshot)))
    assert expected == read(parse_openmetrics(page_of(snapshot, OPENMETRICS)))


@given(snapshots())
def test_prometheus_client_would_have_said_the_same(snapshot: Snapshot) -> None:
    registry = CollectorRegistry()
    registry.register(ClientCollector(snapshot))
    text = generate_latest(registry).decode()
    openmetrics = client_openmetrics.generate_latest(registry).decode()  # type: ignore[no-untyped-call]  # untyped upstream

    assert read(parse_text(text)) == read(parse_text(page_of(snapshot)))
    assert read(parse_openmetrics(openmetrics)) == read(
        parse_openmetrics(page_of(snapshot, OPENMETRICS))
    )


GOLDEN: Snapshot = {
    UP: [Sample(UP, (), 1.0)],
    RATIO: [Sample(RATIO, (), float("nan"))],
    HITS: [
        Sample(HITS, ("b", "w1"), 75.0),
        Sample(HITS, ('say "hi"\nC:\\temp', "\N{SNOWMAN}"), 0.1 + 0.2),
    ],
    SIZE: [
        Sample(SIZE, ("low",), float("-inf")),
        Sample(SIZE, ("high",), float("inf")),
        Sample(SIZE, ("small",), 5e-324),
    ],
    BUSY: [],
    LATENCY: [Sample(LATENCY, ("t", "0.5"), 0.25), Sample(LATENCY, ("t", "0.99"), 3)],
}

SAMPLES_OF_HITS = """\
ops_hits_total{key="b",worker="w1"} 75.0
ops_hits_total{key="say \\"hi\\"\\nC:\\\\temp",worker="☃"} 0.30000000000000004
"""
SAMPLES_OF_LATENCY = """\
ops_latency_seconds{task="t",quantile="0.5"} 0.25
ops_latency_seconds{task="t",quantile="0.99"} 3
"""
SAMPLES_OF_SIZE = """\
ops_size_bytes{key="low"} -Inf
ops_size_bytes{key="high"} +Inf
ops_size_bytes{key="small"} 5e-324
"""


def test_text_format_in_full() -> None:
    """Sorted by family; within one in the order given; a family without samples is not there."""
    expected = (
        '# HELP ops_hit_ratio A "ratio" \\\\ of\\nhits.\n'
        "# TYPE ops_hit_ratio gauge\n"
        "ops_hit_ratio NaN\n"
        "# HELP ops_hits_total Hits.\n"
        "# TYPE ops_hits_total counter\n"
        f"{SAMPLES_OF_HITS}"
        "# HELP ops_latency_seconds Latency.\n"
        "# TYPE ops_latency_seconds summary\n"
        f"{SAMPLES_OF_LATENCY}"
        "# HELP ops_size_bytes Size.\n"
        "# TYPE ops_size_bytes gauge\n"
        f"{SAMPLES_OF_SIZE}"
        "# HELP ops_up Whether it answers.\n"
        "# TYPE ops_up gauge\n"
        "ops_up 1.0\n"
    )

    assert expected == page_of(GOLDEN)


def test_openmetrics_in_full() -> None:
    """Counters' families without _total, units, quotes in HELP escaped, EOF; the same samples."""
    expected = (
        '# HELP ops_hit_ratio A \\"ratio\\" \\\\ of\\nhits.\n'
        "# TYPE ops_hit_ratio gauge\n"
        "# UNIT ops_hit_ratio ratio\n"
        "ops_hit_ratio NaN\n"
        "# HELP ops_hits Hits.\n"
        "# TYPE ops_hits counter\n"
        f"{SAMPLES_OF_HITS}"
        "# HELP ops_latency_seconds Latency.\n"
        "# TYPE ops_latency_seconds summary\n"
        "# UNIT ops_latency_seconds seconds\n"
        f"{SAMPLES_OF_LATENCY}"
        "# HELP ops_size_bytes Size.\n"
        "# TYPE ops_size_bytes gauge\n"
        "# UNIT ops_size_bytes bytes\n"
        f"{SAMPLES_OF_SIZE}"
        "# HELP ops_up Whether it answers.\n"
        "# TYPE ops_up gauge\n"
        "ops_up 1.0\n"
        "# EOF\n"
    )

    assert expected == page_of(GOLDEN, OPENMETRICS)


@pytest.mark.parametrize("answers", [False, True])
def test_a_bool_is_a_number(*, answers: bool) -> None:
    assert page_of({UP: [Sample(UP, (), answers)]}).endswith(f"\nops_up {answers:d}.0\n")


def test_an_empty_page_is_valid_in_both_formats() -> None:
    assert page_of({}) == ""
    assert page_of({}, OPENMETRICS) == "# EOF\n"


def test_lone_surrogates_are_shown_escaped_and_stay_different() -> None:
    samples = [Sample(SIZE, (value,), 1.0) for value in ("\ud800", "é\udfff", "é")]

    (family,) = parse_openmetrics(page_of({SIZE: samples}, OPENMETRICS))

    assert [sample.labels["key"] for sample in family.samples] == ["\\ud800", "é\\udfff", "é"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_sample_with_the_wrong_number_of_labels_is_not_rendered(count: int) -> None:
    with pytest.raises(TypeError):
        page_of({HITS: [Sample(HITS, ("x",) * count, 1.0)]})


OPEN: Snapshot = {
    SCORE: [
        Sample(SCORE, ("ops_up",), 0.5),
        Sample(SCORE, ("ops_latency_seconds", "t", "0.5"), 0.25, names=("task", "quantile")),
        Sample(SCORE, ("ops_size_bytes", 'a"b'), 1.0, names=("key",)),
    ]
}
SAMPLES_OF_SCORE = """\
ops_score{metric="ops_up"} 0.5
ops_score{metric="ops_latency_seconds",task="t",quantile="0.5"} 0.25
ops_score{metric="ops_size_bytes",key="a\\"b"} 1.0
"""


def test_a_family_with_open_labels_has_those_of_each_sample() -> None:
    text, openmetrics = page_of(OPEN), page_of(OPEN, OPENMETRICS)

    assert text == f"# HELP ops_score Score.\n# TYPE ops_score untyped\n{SAMPLES_OF_SCORE}"
    assert openmetrics == (
        f"# HELP ops_score Score.\n# TYPE ops_score unknown\n{SAMPLES_OF_SCORE}# EOF\n"
    )
    assert read(parse_text(text)) == read(parse_openmetrics(openmetrics))


def test_the_same_values_under_another_label_are_another_series() -> None:
    current = {SCORE: [Sample(SCORE, ("ops_a", "x"), 1.0, names=("key",))]}
    versions = iter(range(9))
    page = Page(lambda: Families(next(versions), current))
    assert b'{metric="ops_a",key="x"}' in page.get("", "").body

    current = {SCORE: [Sample(SCORE, ("ops_a", "x"), 1.0, names=("task",))]}
    assert b'{metric="ops_a",task="x"}' in page.get("", "").body


SPENT: Snapshot = {
    RUN: [
        Sample(RUN, ("ingest", "0.5"), 1.0, names=("le",), suffix="_bucket"),
        Sample(RUN, ("ingest", "+Inf"), 3.0, names=("le",), suffix="_bucket"),
        Sample(RUN, ("ingest",), 12.25, suffix="_sum"),
        Sample(RUN, ("ingest",), 3.0, suffix="_count"),
    ]
}
SAMPLES_OF_RUN = """\
ops_run_duration_seconds_bucket{action="ingest",le="0.5"} 1.0
ops_run_duration_seconds_bucket{action="ingest",le="+Inf"} 3.0
ops_run_duration_seconds_sum{action="ingest"} 12.25
ops_run_duration_seconds_count{action="ingest"} 3.0
"""


def test_a_histogram_is_its_buckets_their_sum_and_their_count() -> None:
    text, openmetrics = page_of(SPENT), page_of(SPENT, OPENMETRICS)

    head = "# HELP ops_run_duration_seconds Run.\n# TYPE ops_run_duration_seconds histogram\n"
    assert text == f"{head}{SAMPLES_OF_RUN}"
    assert openmetrics == (
        f"{head}# UNIT ops_run_duration_seconds seconds\n{SAMPLES_OF_RUN}# EOF\n"
    )
    assert read(parse_text(text)) == read(parse_openmetrics(openmetrics))


def test_a_histogram_that_goes_on_has_the_same_series_with_other_values() -> None:
    versions = iter(range(9))
    current = SPENT
    page = Page(lambda: Families(next(versions), current))
    page.get("", "")
    current = {
        RUN: [
            Sample(RUN, sample.labels, 2 * sample.value, names=sample.names, suffix=sample.suffix)
            for sample in SPENT[RUN]
        ]
    }

    assert b'_bucket{action="ingest",le="+Inf"} 6.0\n' in page.get("", "").body
    assert b'_sum{action="ingest"} 24.5\n' in page.get("", "").body


def test_promtool_finds_nothing(promtool: Path) -> None:
    page = Page(lambda: Families(1, GOLDEN | OPEN | SPENT), process=True).get("", "").body

    check = subprocess.run(  # noqa: S603  # our own program and input
        [promtool, "check", "metrics"], input=page, capture_output=True, check=False, timeout=30
    )

    assert (check.returncode, check.stdout, check.stderr) == (0, b"", b"")
