"""A cold start that learns from Prometheus, and one that cannot."""

from __future__ import annotations

import logging
import subprocess
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.polling.history import History, HistoryError, Span
from exporter.polling.warming import Warming
from tests.polling.test_anomalies import QUEUE, Scene, noisy, queue

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Start

NOW = 1_800_000_000.0
STEP_S = 30.0


class Prometheus:
    """Answers range queries with what a test put in: a value for each step, from the last back."""

    def __init__(self) -> None:
        self.series: dict[str, dict[str, list[float | None]]] = {}
        self.queries: list[str] = []
        self.answer: Callable[[], httpx.Response] | None = None

    def put(self, name: str, values: list[float | None], labels: str = "") -> None:
        self.series.setdefault(name, {})[labels] = values

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        self.queries.append(asked["query"])
        assert request.url.path == "/prefix/api/v1/query_range"
        if self.answer is not None:
            return self.answer()
        end, step = float(asked["end"]), float(asked["step"])
        name = next((name for name in self.series if name in asked["query"]), "")
        result = [
            {
                "metric": dict(pair.split("=") for pair in labels.split(",") if pair),
                "values": [
                    [end - (len(values) - 1 - place) * step, str(value)]
                    for place, value in enumerate(values)
                    if value is not None
                ],
            }
            for labels, values in self.series.get(name, {}).items()
        ]
        return httpx.Response(200, json={"status": "success", "data": {"result": result}})


SUCCESS = own.ENDPOINT_LAST_SUCCESS.name + '{endpoint="workers"}'


@pytest.fixture
def prometheus_with_a_queue() -> Prometheus:
    """A queue of 60 samples, each of an answer of its own."""
    one = Prometheus()
    one.put(SUCCESS, [NOW - STEP_S * (60 - n) for n in range(60)], "backend=a")
    one.put(QUEUE, [noisy(n) for n in range(60)], "backend=a")
    return one


async def warm(
    prometheus: Prometheus, scene: Scene | None = None, *, target: str = "default"
) -> Scene:
    scene = scene or Scene()
    history = History("http://127.0.0.1:9/prefix", httpx.MockTransport(prometheus))
    scene.now = NOW
    await Warming(target, scene.anomalies, history, step_s=STEP_S, wall=lambda: NOW).run()
    return scene


async def test_the_first_answer_is_judged_by_what_prometheus_saw(
    prometheus_with_a_queue: Prometheus,
) -> None:
    """60 values with mean 10 and population variance 2/3, then 14."""
    scene = await warm(prometheus_with_a_queue)
    assert scene.samples(QUEUE) is None, "shown is what was answered since"

    queue(scene, 14.0)
    assert scene.samples(QUEUE) == 61
    assert scene.shown(own.ANOMALY_ZSCORE)[(QUEUE,)] == pytest.approx(4 / (2 / 3) ** 0.5)


async def test_a_value_that_was_scraped_again_and_again_is_one_sample(
    prometheus_with_a_queue: Prometheus,
) -> None:
    """A heavy endpoint's answer is shown for minutes: its time tells one from the next."""
    answered = [NOW - 900 + 90 * (n // 3) for n in range(60)]
    prometheus_with_a_queue.put(SUCCESS, list(answered), "backend=a")
    scene = await warm(prometheus_with_a_queue)

    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 21


async def test_gaps_and_what_is_no_number_are_left_out(prometheus_with_a_queue: Prometheus) -> None:
    values = [None if n % 2 else noisy(n) for n in range(58)]
    prometheus_with_a_queue.put(QUEUE, [*values, float("nan"), float("inf")], "backend=a")
    scene = await warm(prometheus_with_a_queue)

    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 30


async def test_each_series_has_its_labels() -> None:
    prometheus = Prometheus()
    name = m.MODULE_ERRORS.name
    prometheus.put(own.ENDPOINT_LAST_SUCCESS.name, [NOW - 60, NOW - 30, NOW], "backend=a")
    for module in ("auth", "search"):
        prometheus.put(name, [1.0, 2.0, 3.0], f"backend=a,module={module}")
    scene = await warm(prometheus)

    scene.answer(e.HEALTH, (m.MODULE_ERRORS, 4.0, "search"), (m.MODULE_ERRORS, 4.0, "graph"))
    assert scene.shown(own.ANOMALY_SAMPLES) == {(name, "search"): 4, (name, "graph"): 1}


async def test_of_several_backends_the_one_with_the_targets_name_is_taken(
    prometheus_with_a_queue: Prometheus, caplog: pytest.LogCaptureFixture
) -> None:
    prometheus_with_a_queue.put(QUEUE, [5.0] * 20, "backend=b")
    prometheus_with_a_queue.put(SUCCESS, [NOW - STEP_S * (20 - n) for n in range(20)], "backend=b")
    scene = await warm(prometheus_with_a_queue, target="b")
    queue(scene, 5.0)
    assert scene.samples(QUEUE) == 21

    with caplog.at_level(logging.WARNING):
        scene = await warm(prometheus_with_a_queue, target="c")
    queue(scene, 5.0)
    assert scene.samples(QUEUE) == 1
    assert len(caplog.records) == 1


def refused() -> httpx.Response:
    message = "refused"
    raise httpx.ConnectError(message)


@pytest.mark.parametrize(
    "answer",
    [
        refused,
        lambda: httpx.Response(503),
        lambda: httpx.Response(200, text="<html>"),
        lambda: httpx.Response(200, json=[]),
        lambda: httpx.Response(200, json={"data": {"result": [{"metric": {}}]}}),
        lambda: httpx.Response(200, json={"data": {"result": [{"metric": 7, "values": []}]}}),
        lambda: httpx.Response(200, json={"data": {"result": [{"metric": {}, "values": [[1]]}]}}),
        lambda: httpx.Response(200, json={"data": {"result": 7}}),
    ],
    ids=["refused", "503", "markup", "list", "no values", "no labels", "no value", "number"],
)
async def test_a_prometheus_that_does_not_tell_is_named_once_and_does_no_harm(
    prometheus_with_a_queue: Prometheus,
    answer: Callable[[], httpx.Response],
    caplog: pytest.LogCaptureFixture,
) -> None:
    prometheus_with_a_queue.answer = answer
    with caplog.at_level(logging.WARNING):
        scene = await warm(prometheus_with_a_queue)

    assert [record.getMessage() for record in caplog.records] == ["anomalies not warmed"]
    assert len(prometheus_with_a_queue.queries) == 1
    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 1


async def test_answers_that_come_meanwhile_are_not_judged() -> None:
    scene, seen = Scene(), list[Any]()

    class Slow(Prometheus):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            queue(scene, 1.0)
            seen.append(scene.samples(QUEUE))
            return super().__call__(request)

    await warm(Slow(), scene)

    assert set(seen) == {None}
    queue(scene, 1.0)
    assert scene.samples(QUEUE) == 1


async def test_a_day_is_asked_for_and_never_more_points_than_prometheus_gives() -> None:
    counts = []
    for step_s in (30.0, 300.0, 1.0):
        prometheus = Prometheus()
        history = History("http://127.0.0.1:9/prefix", httpx.MockTransport(prometheus))
        one = Warming("default", Scene().anomalies, history, step_s=step_s, wall=lambda: NOW)
        counts.append(one._span.count)

    assert counts == [2880, 288, 10_000]


async def test_a_real_prometheus_tells(
    start: Start, free_port: Callable[[], int], tmp_path: Path, prometheus: Path, promtool: Path
) -> None:
    """With a history that was written for it."""
    lines = ["# TYPE ops_queue_length gauge"]
    lines += [
        f'ops_queue_length{{backend="default",instance="{name}"}} {noisy(n)} {NOW + 30 * n:.0f}'
        for name in "xy"
        for n in range(100)
    ]
    (tmp_path / "history.txt").write_text("\n".join([*lines, "# EOF", ""]))
    subprocess.run(  # noqa: S603, ASYNC221 - a real program on our own file, and nothing waits
        [
            *(promtool, "tsdb", "create-blocks-from", "openmetrics"),
            *(tmp_path / "history.txt", tmp_path / "data"),
        ],
        check=True,
        capture_output=True,
    )
    (tmp_path / "prometheus.yml").write_text("{}")
    address = f"127.0.0.1:{free_port()}"
    start(
        prometheus,
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address={address}",
        ready=f"http://{address}/-/ready",
    )
    span = Span(end=NOW + 99 * 30, step_s=30.0, count=100)
    history = History(f"http://{address}")

    [past] = await history.values("max by (backend) (ops_queue_length)", span)
    with pytest.raises(HistoryError, match="HTTP 400"):
        await history.values("max by (", span)
    await history.close()

    assert past.labels == {"backend": "default"}
    assert past.values == {n: noisy(n) for n in range(100)}
