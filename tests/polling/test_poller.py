from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.verdicts import FAILURES, Verdict
from exporter.collectors import cache
from tests.polling import virtual_time
from tests.polling.fake_api import (
    HANGS,
    STARTED_AT,
    FakeApi,
    FakeScheduler,
    Script,
    cache_payload,
    poller_of,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exporter.catalogue.model import Metric
    from exporter.polling.poller import Poller

USER = "user-4711"


def values(poller: Poller, metric: Metric) -> dict[tuple[str, ...], float]:
    return {s.labels: s.value for s in poller.families().by_metric.get(metric, ())}


def verdict(poller: Poller, endpoint: str) -> str:
    [one] = [
        labels[1]
        for labels, value in values(poller, own.ENDPOINT_STATUS).items()
        if labels[0] == endpoint and value == 1
    ]
    return one


def interval_s(poller: Poller, endpoint: str) -> float:
    return values(poller, own.ENDPOINT_INTERVAL)[(endpoint,)]


def only(*endpoints: str) -> dict[str, Any]:
    """Return a configuration that polls these alone."""
    every = {"health", "performance", "backend_metrics", "recommendations", "engagement"}
    every |= {"database", "pool", "events", "event_history", "cache", "workers", "ml", "models"}
    every |= {"edge_worker", "jobs", "ingestion"}
    switched_off = {name: {"enabled": False} for name in every - set(endpoints)}
    return {"poll": {"endpoints": switched_off}}


def play(
    scene: Callable[[Poller, FakeApi], Awaitable[None]],
    scripts: dict[str, Script] | None = None,
    tree: dict[str, Any] | None = None,
) -> FakeApi:
    """Run *scene* with a poller that was just started, stop it, and see that nothing is left."""
    api = FakeApi(scripts=scripts or {})

    async def run() -> None:
        poller = poller_of(api, tree, scheduler=FakeScheduler())
        poller.start()
        await scene(poller, api)
        await poller.stop()
        assert asyncio.all_tasks() - {asyncio.current_task()} == set()
        assert api.closed

    virtual_time.run(run())
    return api


# one job per endpoint


def test_every_endpoint_is_asked_within_seconds_and_then_at_its_pace() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(10)
        assert all(api.times(record.endpoint.name) == 1 for record, _ in poller.records())

        await asyncio.sleep(60)
        assert api.times("cache") == 3

    play(scene)


def test_an_endpoint_that_is_switched_off_is_not_asked_and_has_no_series() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(10)

        assert api.times("events") == 0
        for samples in poller.families().by_metric.values():
            assert not [s for s in samples if "events" in s.labels]

    play(scene, tree={"poll": {"endpoints": {"events": {"enabled": False}}}})


def test_an_endpoint_has_the_interval_and_deadline_of_its_own() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(21)

        assert api.times("cache") in {4, 5}
        start, end = api.spans["jobs"][0]
        assert end - start == pytest.approx(2)
        assert verdict(poller, "jobs") == "timeout"

    endpoints = {"cache": {"interval": "5s"}, "jobs": {"timeout": "2s"}}
    play(scene, {"jobs": HANGS}, {"poll": {"endpoints": endpoints}})


def test_a_request_that_takes_longer_than_the_interval_is_never_sent_twice_at_once() -> None:
    """The fake fails when it is asked for an endpoint that it is still answering."""

    async def scene(_: Poller, api: FakeApi) -> None:
        await asyncio.sleep(120)
        assert api.times("cache") > 5

    play(scene, {"cache": HANGS}, {"poll": {"interval": "1s"}})


# the life of a value


def test_never_asked_there_is_no_verdict() -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(0)
        by_metric = poller.families().by_metric
        for metric in (own.UP, own.ENDPOINT_SUCCESS, own.ENDPOINT_STATUS, own.POLLS):
            assert not by_metric.get(metric)
        assert not by_metric.get(own.ENDPOINT_FAILURES)

    play(scene)


def test_a_success_replaces_what_was_told_before() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(10)
        assert values(poller, m.CACHE_HIT_RATIO) == {(): 0.9}
        assert values(poller, m.CACHE_KEY_SIZE) == {("a",): 1, ("b",): 2}

        api.scripts["cache"] = Script(cache_payload(50, b=3, c=4))
        await asyncio.sleep(30)
        assert values(poller, m.CACHE_HIT_RATIO) == {(): 0.5}
        assert values(poller, m.CACHE_KEY_SIZE) == {("b",): 3, ("c",): 4}

    play(scene, {"cache": Script(cache_payload(90, a=1, b=2))})


@pytest.mark.parametrize(
    "script",
    [
        *(Script(verdict=v) for v in Verdict if v not in {Verdict.OK, Verdict.TIMEOUT}),
        HANGS,
        Script({"status": "ok", "something": "else"}),
        Script(error=RuntimeError(USER)),
    ],
    ids=lambda script: f"{script.verdict} {script.takes_s} {script.payload}",
)
def test_the_values_of_an_endpoint_that_gave_none_vanish_and_its_verdict_stays(
    script: Script,
) -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(5)
        assert values(poller, m.CACHE_HIT_RATIO)

        api.scripts["cache"] = script
        await asyncio.sleep(45)
        assert not [s for s in poller.families().by_metric if s in cache_metrics]
        assert verdict(poller, "cache") != "ok"
        success = verdict(poller, "cache") in {"not_applicable", "not_offered"}
        assert values(poller, own.ENDPOINT_SUCCESS)[("cache",)] == success

        api.scripts["cache"] = Script(cache_payload())
        await asyncio.sleep(600)
        assert values(poller, m.CACHE_HIT_RATIO)
        assert verdict(poller, "cache") == "ok"

    cache_metrics = {m.CACHE_HIT_RATIO, m.CACHE_SIZE, m.CACHE_KEY_HITS, m.CACHE_KEY_SIZE}
    play(scene, {"cache": Script(cache_payload(a=1))})


def test_failures_are_counted_by_reason_and_the_last_success_is_dated() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(5)
        [(_, first_end)] = api.spans["cache"]
        for failure in (Verdict.REFUSED, Verdict.REFUSED, Verdict.HTTP_ERROR):
            api.scripts["cache"] = Script(verdict=failure)
            await asyncio.sleep(30)

        failures = values(poller, own.ENDPOINT_FAILURES)
        assert {r: failures["cache", r] for r in FAILURES if failures["cache", r]} == {
            "refused": 2,
            "http_error": 1,
        }
        assert values(poller, own.POLLS)[("cache",)] == 4
        last = values(poller, own.ENDPOINT_LAST_SUCCESS)[("cache",)]
        assert last == pytest.approx(STARTED_AT + first_end)

    play(scene, {"cache": Script(cache_payload())})


@pytest.mark.parametrize(
    ("script", "up"),
    [
        (Script({"status": "down", "timestamp": "2027-01-01T00:00:00Z", "modules": {}}), 1),
        (Script(verdict=Verdict.HTTP_ERROR), 0),
        (HANGS, 0),
    ],
    ids=["down", "http error", "hangs"],
)
def test_up_tells_whether_health_answered_not_what_it_said(script: Script, up: float) -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(20)
        assert values(poller, own.UP) == {(): up}

    play(scene, {"health": script})


def test_a_shape_of_neither_dialect_is_a_schema_error() -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(5)
        assert verdict(poller, "cache") == "schema"

    play(scene, {"cache": Script([USER])})


def test_an_exception_in_a_collector_is_told_without_what_the_answer_held(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(payload: Any, _: object) -> None:
        raise KeyError(payload)

    monkeypatch.setitem(cache.READERS, "cache", broken)

    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(5)
        [record] = [r for r, _ in poller.records() if r.endpoint.name == "cache"]
        assert record.answer is not None
        assert record.answer.verdict is Verdict.SCHEMA
        assert "KeyError in test_poller.py:" in record.answer.detail
        assert USER not in record.answer.detail

    play(scene, {"cache": Script({"key": USER})})
    assert USER not in logged(caplog)


# logs


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(f"{r.getMessage()} {r.__dict__.get('fields', '')}" for r in caplog.records)


def test_a_change_of_verdict_is_logged_once_and_no_payload_with_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)

    async def scene(_: Poller, api: FakeApi) -> None:
        await asyncio.sleep(100)
        api.scripts["cache"] = Script(verdict=Verdict.HTTP_ERROR, detail="HTTP 500")
        await asyncio.sleep(100)
        api.scripts["cache"] = Script(error=RuntimeError(USER))
        await asyncio.sleep(100)
        api.scripts["cache"] = Script(cache_payload(**{USER: 1}))
        await asyncio.sleep(100)

    play(scene, {"cache": Script(cache_payload(**{USER: 1}))}, only("cache"))

    changes = [r for r in caplog.records if r.name == "exporter.polling.poller"]
    assert [r.__dict__["fields"]["verdict"] for r in changes] == [
        "ok",
        "http_error",
        "invalid",
        "ok",
    ]
    assert [r.levelname for r in changes] == ["INFO", "WARNING", "WARNING", "INFO"]
    assert changes[1].__dict__["fields"]["detail"] == "HTTP 500"
    assert USER not in logged(caplog)


# the pace in force


def test_the_pace_changes_in_both_directions_and_is_exposed() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(20)
        assert interval_s(poller, "cache") == 60
        await asyncio.sleep(600)
        assert interval_s(poller, "cache") == 300

        api.scripts["cache"] = Script(cache_payload())
        await asyncio.sleep(300)
        assert interval_s(poller, "cache") == 30
        before = api.times("cache")
        await asyncio.sleep(61)
        assert api.times("cache") == before + 2

    play(scene, {"cache": HANGS})


def test_what_is_not_offered_is_asked_again_after_ten_minutes() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(590)
        assert api.times("pool") == 1
        assert interval_s(poller, "pool") == 600
        await asyncio.sleep(20)
        assert api.times("pool") == 2

    play(scene, {"pool": Script(verdict=Verdict.NOT_OFFERED)})


def test_several_heavy_endpoints_share_what_one_may_take() -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(900)
        assert interval_s(poller, "cache") == interval_s(poller, "events") > 110

    names = ("cache", "events", "jobs")
    slow = {name: Script(takes_s=3, verdict=Verdict.NOT_APPLICABLE) for name in names}
    play(scene, slow, only(*names))


# asking early


def test_refresh_asks_the_quick_ones_and_returns_with_their_answers() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(15)
        api.scripts["cache"] = Script(cache_payload(40), takes_s=0.3)
        start = virtual_time.now()

        answer = await poller.poll_now()

        assert virtual_time.now() - start == pytest.approx(0.3)
        assert values(poller, m.CACHE_HIT_RATIO) == {(): 0.4}
        assert len(answer.asked) == 15
        assert answer.joined == answer.too_soon == ()

    tree = {"poll": {"endpoints": {"jobs": {"enabled": False}}}}
    play(scene, {"cache": Script(cache_payload())}, tree)


def test_refresh_does_not_keep_the_quick_ones_waiting_for_the_heavy_ones() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(70)
        start = virtual_time.now()

        answer = await poller.poll_now()

        assert virtual_time.now() - start < 0.1
        assert {"health", "workers"} <= set(answer.asked)
        await asyncio.sleep(6)
        assert api.spans["health"][-1] == pytest.approx((start + 0.01, start + 2.01))
        assert api.spans["workers"][-1] == pytest.approx((start + 2.01, start + 5.01))

    play(scene, SLOW)


SLOW = {
    "health": Script(takes_s=2, verdict=Verdict.NOT_APPLICABLE),
    "workers": Script(takes_s=3, verdict=Verdict.NOT_APPLICABLE),
}


def test_refresh_asks_a_heavy_endpoint_at_most_once_a_minute() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(20)
        heavy = {"health", "workers"}
        seen: list[tuple[set[str], set[str]]] = []
        while len(seen) < 7:
            answer = await poller.poll_now()
            seen.append((heavy & set(answer.asked), heavy & set(answer.too_soon)))
            await asyncio.sleep(10)

        assert api.times("health") == 3
        assert seen == [(heavy, set()), *[(set(), heavy)] * 5, (heavy, set())]

    play(scene, SLOW)


def test_refresh_twice_within_a_second_asks_once() -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(15)
        await poller.poll_now()
        answer = await poller.poll_now()
        assert "cache" in answer.too_soon
        await asyncio.sleep(1.1)
        answer = await poller.poll_now()
        assert "cache" in answer.asked

    play(scene)


def test_refresh_asks_the_quick_ones_also_right_after_their_scheduled_poll() -> None:
    """Who has changed something wants to see it now, not at the next poll."""

    async def scene(poller: Poller, api: FakeApi) -> None:
        while not api.times("cache"):  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)

        assert "cache" in (await poller.poll_now()).asked

    play(scene, {"cache": Script(cache_payload())})


def test_refresh_joins_a_request_that_is_under_way() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(15)
        api.scripts["cache"] = Script(cache_payload(), takes_s=0.4)
        first = asyncio.create_task(poller.poll_now())
        await asyncio.sleep(0.2)
        before, start = api.times("cache"), virtual_time.now()

        answer = await poller.poll_now()

        assert "cache" in answer.joined
        assert virtual_time.now() - start == pytest.approx(0.2)
        assert api.times("cache") == before + 1
        assert "cache" in (await first).asked

    play(scene, {"cache": Script(cache_payload())})


def test_refresh_overtakes_a_heavy_request_that_waits_for_its_share_of_time() -> None:
    """Workers hung from the start: health may not be asked before two minutes have passed."""

    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(95)
        asked, start = api.times("health"), virtual_time.now()

        answer = await poller.poll_now()

        assert "health" in answer.asked
        await asyncio.sleep(3)
        assert api.times("health") == asked + 1
        assert api.spans["health"][-1][0] < start + 0.5
        answer = await poller.poll_now()
        assert "health" in answer.too_soon

    play(scene, {**SLOW, "workers": HANGS})


def test_after_refresh_the_next_poll_of_a_heavy_endpoint_is_a_whole_interval_away() -> None:
    async def scene(poller: Poller, api: FakeApi) -> None:
        await asyncio.sleep(80)
        await poller.poll_now()
        await asyncio.sleep(80)
        assert api.times("health") == 2

    play(scene, SLOW)


def test_refresh_waits_for_no_endpoint_that_hung_the_last_time() -> None:
    async def scene(poller: Poller, _: FakeApi) -> None:
        await asyncio.sleep(75)
        start = virtual_time.now()
        answer = await poller.poll_now()
        assert "cache" in answer.asked
        assert virtual_time.now() - start < 0.1

    play(scene, {"cache": HANGS})


# the end


@pytest.mark.parametrize("stopped_at_s", [0.0, 0.3, 0.55, 3.0, 9.0, 30.2, 100.0])
def test_a_stop_while_requests_are_under_way_leaves_nothing_behind(stopped_at_s: float) -> None:
    """In `play`: no task is left, the client is closed, and nothing is asked afterwards."""

    async def scene(_: Poller, __: FakeApi) -> None:
        await asyncio.sleep(stopped_at_s)

    names = ("health", "workers", "cache", "jobs")
    play(scene, dict.fromkeys(names, HANGS))


def test_nothing_is_asked_after_the_stop() -> None:
    async def scene() -> None:
        api = FakeApi()
        poller = poller_of(api, scheduler=FakeScheduler())
        poller.start()
        await asyncio.sleep(10)
        await poller.stop()
        asked = sum(map(len, api.spans.values()))
        answer = await poller.poll_now()
        await asyncio.sleep(600)

        assert answer.asked == ()
        assert asked == sum(map(len, api.spans.values()))

    virtual_time.run(scene())


def test_targets_are_kept_apart() -> None:
    async def scene() -> None:
        scheduler = FakeScheduler()
        good = FakeApi(scripts={"cache": Script(cache_payload())})
        bad = FakeApi(scripts={"cache": HANGS, "health": HANGS})
        pollers = [
            poller_of(api, name=name, scheduler=scheduler)
            for name, api in (("good", good), ("bad", bad))
        ]
        for poller in pollers:
            poller.start()
        await asyncio.sleep(20)

        assert verdict(pollers[0], "cache") == "ok"
        assert verdict(pollers[1], "cache") == "timeout"
        assert values(pollers[0], m.CACHE_HIT_RATIO)
        assert not values(pollers[1], m.CACHE_HIT_RATIO)
        assert interval_s(pollers[0], "cache") == 30
        assert all(end < 1 for _, end in good.spans["workers"])
        for poller in pollers:
            await poller.stop()

    virtual_time.run(scene())


def test_ask_all_asks_each_endpoint_once_without_waiting_for_a_share_of_time() -> None:
    async def scene() -> None:
        api = FakeApi(scripts=dict(SLOW))
        records = await poller_of(api).ask_all()

        assert {1} == {api.times(record.endpoint.name) for record in records}
        assert virtual_time.now() == pytest.approx(5.01)

    virtual_time.run(scene())
