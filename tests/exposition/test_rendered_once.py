"""A page is made once per change, whoever asks and however often."""

from __future__ import annotations

import itertools
import subprocess
import sys
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from exporter.catalogue.model import Kind, Metric
from exporter.catalogue.sample import Sample
from exporter.exposition import Families, Page

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OPENMETRICS = "application/openmetrics-text"
UP = Metric(name="ops_up", kind=Kind.GAUGE, help="Whether it answers.")
ROWS = Metric(name="ops_rows", kind=Kind.GAUGE, help="Rows.", labels=("table",))


class Watched(tuple[Sample, ...]):
    """Samples that count how often they are looked through."""

    __slots__ = ()
    looks = 0

    def __iter__(self) -> Iterator[Sample]:
        Watched.looks += 1
        return super().__iter__()


class Snapshot:
    """Families that a test can exchange."""

    def __init__(self) -> None:
        self._families = Families(0, {})

    def __call__(self) -> Families:
        return self._families

    def put(self, **families: Sequence[Sample]) -> None:
        metrics = {"up": UP, "rows": ROWS}
        self._families = Families(
            self._families.version + 1,
            {metrics[name]: samples for name, samples in families.items()},
        )


def rows(*values: float) -> list[Sample]:
    return [Sample(ROWS, (f"t{number}",), value) for number, value in enumerate(values)]


def up(value: float) -> list[Sample]:
    return [Sample(UP, (), value)]


def values(page: Page) -> dict[str, list[float]]:
    families = text_string_to_metric_families(page.get("", "").body.decode())
    return {family.name: [sample.value for sample in family.samples] for family in families}


def test_the_same_bytes_again_while_nothing_changes() -> None:
    snapshot = Snapshot()
    snapshot.put(up=up(1), rows=rows(1, 2))
    page = Page(snapshot)

    for accept, encoding in itertools.product(["", OPENMETRICS], ["", "gzip"]):
        assert page.get(accept, encoding).body is page.get(accept, encoding).body


def test_a_new_version_shows_in_every_format_and_encoding() -> None:
    snapshot = Snapshot()
    snapshot.put(up=up(1))
    page = Page(snapshot)
    kinds = list(itertools.product(["", OPENMETRICS], ["", "gzip"]))
    before = [page.get(*kind).body for kind in kinds]

    snapshot.put(up=up(0))

    assert all(page.get(*kind).body != old for kind, old in zip(kinds, before, strict=True))


def test_samples_that_change_come_and_go_are_seen() -> None:
    snapshot = Snapshot()
    page = Page(snapshot)
    assert values(page) == {}

    snapshot.put(up=up(1), rows=rows(1, 2))
    assert values(page) == {"ops_up": [1], "ops_rows": [1, 2]}

    snapshot.put(up=up(1), rows=rows(3, 4))
    assert values(page) == {"ops_up": [1], "ops_rows": [3, 4]}

    snapshot.put(up=up(1), rows=rows(3, 4, 5))
    assert values(page) == {"ops_up": [1], "ops_rows": [3, 4, 5]}

    snapshot.put(rows=[])
    assert values(page) == {}

    snapshot.put(rows=rows(7))
    assert values(page) == {"ops_rows": [7]}


def test_the_order_of_series_follows_the_samples() -> None:
    snapshot = Snapshot()
    page = Page(snapshot)
    snapshot.put(rows=rows(1, 2))
    page.get("", "")

    snapshot.put(rows=rows(1, 2)[::-1])

    assert page.get("", "").body.endswith(b'ops_rows{table="t1"} 2\nops_rows{table="t0"} 1\n')


def test_a_family_with_the_same_sequence_is_not_looked_through_again() -> None:
    snapshot = Snapshot()
    page = Page(snapshot)
    same = Watched(rows(1, 2))
    snapshot.put(rows=same)
    page.get("", "")
    looked = Watched.looks

    snapshot.put(rows=same, up=up(1))
    page.get(OPENMETRICS, "gzip")

    assert looked > 0
    assert looked == Watched.looks
    assert values(page) == {"ops_up": [1], "ops_rows": [1, 2]}


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_process_metrics_are_renewed_with_the_page_and_after_30_seconds() -> None:
    snapshot, clock = Snapshot(), Clock()
    page = Page(snapshot, process=True, clock=clock)
    first = page.get("", "")

    clock.now_s += 29.9
    assert page.get("", "") is first

    clock.now_s += 0.1
    second = page.get("", "")
    assert second is not first

    clock.now_s += 29.9
    assert page.get("", "") is second


def test_process_metrics_are_complete_and_say_how_old_they_may_be() -> None:
    page = Page(Snapshot(), process=True)

    families = list(text_string_to_metric_families(page.get("", "").body.decode()))

    assert {family.name: family.type for family in families} == {
        "process_cpu_seconds": "counter",
        "process_max_fds": "gauge",
        "process_open_fds": "gauge",
        "process_resident_memory_bytes": "gauge",
        "process_start_time_seconds": "gauge",
        "process_virtual_memory_bytes": "gauge",
    }
    for family in families:
        assert family.documentation.endswith(
            " Sampled when the page is rendered, at most 30 s ago."
        )
        assert family.samples[0].value > 0


def test_without_process_metrics_time_does_not_matter() -> None:
    clock = Clock()
    page = Page(Snapshot(), clock=clock)
    first = page.get("", "")

    clock.now_s += 1e6

    assert page.get("", "") is first


def test_prometheus_client_is_not_imported_before_a_page_is_asked_for() -> None:
    """Its import takes several times as long as Python's start."""
    program = (
        "import sys\n"
        "from exporter.exposition import Families, Page\n"
        "Page(lambda: Families(0, {}), process=True)\n"
        "print('prometheus_client' in sys.modules)\n"
    )

    run = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", program], capture_output=True, check=True, timeout=30
    )

    assert run.stdout == b"False\n"
