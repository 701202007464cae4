"""A cold start that learns from Prometheus, and one that cannot."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.polling.anomalies import Anomalies
from exporter.polling.history import History, HistoryError, Span
from exporter.polling.warming import Warming
from tests.polling.test_anomalies import QUEUE, Scene, noisy, queue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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


def warming(
    prometheus: Prometheus, scene: Scene, target: str = "default", waits_s: Sequence[float] = ()
) -> Warming:
    history = History("http://127.0.0.1:9/prefix", httpx.MockTransport(prometheus))
    scene.now = NOW
    return Warming(
        target, scene.anomalies, history, step_s=STEP_S, wall=lambda: NOW, waits_s=waits_s
    )


async def warm(
    prometheus: Prometheus, scene: Scene | None = None, *, target: str = "default"
) -> Scene:
    scene = scene or Scene()
    await warming(prometheus, scene, target).run()
    assert not scene.anomalies.warming
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
    [record] = caplog.records
    assert record.fields["detail"] == "several backends, and none is called c"  # type: ignore[attr-defined]


def told(labels: dict[str, Any], *points: list[Any]) -> httpx.Response:
    return httpx.Response(200, json={"data": {"result": [{"metric": labels, "values": points}]}})


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
        lambda: httpx.Response(401),
        lambda: told({"backend": "a"}, ["1e999", "1"]),
        lambda: told({"backend": ["a"]}, [NOW, "1"]),
        lambda: told({"backend": "a"}, [NOW, None]),
    ],
    ids=[
        *("refused", "503", "markup", "list", "no values", "no labels", "no value", "number"),
        *("401", "a time without end", "labels that are no words", "null"),
    ],
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
    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 1


async def test_a_query_that_fails_leaves_out_its_metric_and_no_other(
    prometheus_with_a_queue: Prometheus, caplog: pytest.LogCaptureFixture
) -> None:
    rate = m.TASK_RATE.name

    class Choosy(Prometheus):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            response = super().__call__(request)
            return httpx.Response(422) if rate in self.queries[-1] else response

    choosy = Choosy()
    choosy.series = prometheus_with_a_queue.series
    choosy.put(rate, [1.0] * 60, "backend=a")
    with caplog.at_level(logging.INFO):
        scene = await warm(choosy)

    scene.answer(e.WORKERS, (m.QUEUE_LENGTH, 14.0), (m.TASK_RATE, 1.0))
    assert (scene.samples(QUEUE), scene.samples(rate)) == (61, 1)
    [record] = caplog.records
    assert record.getMessage() == "anomalies warmed in part"
    fields = {"target": "default", "samples": 60, "missing": rate, "detail": "HTTP 422"}
    assert record.fields == fields  # type: ignore[attr-defined]


async def test_what_is_not_of_the_span_is_left_out(prometheus_with_a_queue: Prometheus) -> None:
    class Confused(Prometheus):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            tree = super().__call__(request).json()
            for one in tree["data"]["result"]:
                one["values"] += [[True, "1"], [NOW + 9e8, "2"], ["1e300", "3"], [-1e300, "4"]]
            return httpx.Response(200, json=tree)

    confused = Confused()
    confused.series = prometheus_with_a_queue.series
    scene = await warm(confused)

    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 61


async def test_a_fallback_is_known_by_its_own_answers_where_the_owner_never_gave_one() -> None:
    prometheus, scene = Prometheus(), Scene()
    success = own.ENDPOINT_LAST_SUCCESS.name + '{endpoint="database"}'
    prometheus.put(success, [NOW - STEP_S * (20 - n) for n in range(20)], "backend=a")
    prometheus.put(m.DATABASE_POOL_USAGE.name, [0.5] * 20, "backend=a")
    await warm(prometheus, scene)

    scene.fail(e.POOL)
    scene.answer(e.DATABASE, (m.DATABASE_POOL_USAGE, 0.5))
    assert scene.samples(m.DATABASE_POOL_USAGE.name) == 21


async def test_a_prometheus_that_starts_later_is_waited_for_and_the_log_says_so_once(
    prometheus_with_a_queue: Prometheus, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [refused, lambda: httpx.Response(503), refused]

    def next_one() -> httpx.Response:
        answer = answers.pop(0)
        if not answers:
            prometheus_with_a_queue.answer = None
        return answer()

    prometheus_with_a_queue.answer = next_one
    scene = Scene()
    with caplog.at_level(logging.INFO):
        await warming(prometheus_with_a_queue, scene, waits_s=(0.0, 0.0, 0.0, 0.0)).run()

    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["anomalies wait for Prometheus", "anomalies warmed"]
    queue(scene, 10.0)
    assert scene.samples(QUEUE) == 61


async def test_a_prometheus_that_never_starts_is_not_waited_for_for_ever(
    prometheus_with_a_queue: Prometheus, caplog: pytest.LogCaptureFixture
) -> None:
    prometheus_with_a_queue.answer = refused
    scene = Scene()
    with caplog.at_level(logging.INFO):
        await warming(prometheus_with_a_queue, scene, waits_s=(0.0, 0.0)).run()

    assert len(prometheus_with_a_queue.queries) == 3
    messages = [record.getMessage() for record in caplog.records]
    assert messages == ["anomalies wait for Prometheus", "anomalies not warmed"]
    assert not scene.anomalies.warming


class Slow(Prometheus):
    """Lets the queue of a scene tell a 10 before it answers for the first time."""

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self.scene = scene

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not self.queries:
            queue(self.scene, 10.0)
        return super().__call__(request)


async def test_answers_that_come_meanwhile_are_judged_by_what_was_learnt(
    prometheus_with_a_queue: Prometheus,
) -> None:
    """The result is shown at once, without another answer."""
    slow = Slow(scene := Scene())
    slow.series = prometheus_with_a_queue.series
    one = warming(slow, scene)
    queue(scene, 14.0)
    assert scene.samples(QUEUE) == 1

    await one.run()
    assert scene.samples(QUEUE) == 62
    values = [*map(noisy, range(60)), 14.0]
    mean = sum(values) / 61
    deviation = (sum((value - mean) ** 2 for value in values) / 61) ** 0.5
    zscore = scene.shown(own.ANOMALY_ZSCORE)[(QUEUE,)]
    assert zscore == pytest.approx((10.0 - mean) / deviation)


async def test_answers_that_come_meanwhile_count_also_when_nothing_was_learnt() -> None:
    slow = Slow(scene := Scene())
    await warm(slow, scene)

    assert scene.samples(QUEUE) == 1


async def test_what_was_learnt_in_part_is_nowhere_to_be_seen(
    prometheus_with_a_queue: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ended amid learning: the detectors know their own answers, and that they are not warm."""
    scene = Scene()
    one = warming(prometheus_with_a_queue, scene)
    queue(scene, 10.0)
    begun, end = asyncio.Event(), threading.Event()
    loop, learn = asyncio.get_running_loop(), Anomalies.learn

    def slow(*arguments: Any) -> None:
        learn(*arguments)
        loop.call_soon_threadsafe(begun.set)
        assert end.wait(30.0)

    monkeypatch.setattr(Anomalies, "learn", slow)
    task = asyncio.create_task(one.run())
    await begun.wait()
    state = scene.anomalies.state(NOW)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    end.set()

    assert state["0.detectors.views.count"].tolist() == [1]
    assert scene.anomalies.warming
    assert scene.samples(QUEUE) == 1


async def test_a_day_is_asked_for_and_never_more_points_than_prometheus_gives() -> None:
    counts = []
    for step_s in (30.0, 300.0, 1.0):
        prometheus = Prometheus()
        history = History("http://127.0.0.1:9/prefix", httpx.MockTransport(prometheus))
        one = Warming("default", Scene().anomalies, history, step_s=step_s)
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
