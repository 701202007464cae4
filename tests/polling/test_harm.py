"""How much of the backend's time the slow endpoints take, in simulated hours."""

from __future__ import annotations

import asyncio
import random
from itertools import pairwise
from math import inf

import pytest

from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.verdicts import Verdict
from tests.polling import virtual_time
from tests.polling.fake_api import FakeApi, FakeScheduler, Script, poller_of

HOUR_S = 3600.0
FIRST_S = 120
LIMIT_S = 12.0  # 10 % of two minutes


def slow(takes_s: float) -> Script:
    return Script(takes_s=takes_s, verdict=Verdict.NOT_APPLICABLE)


def after(
    scripts: dict[str, Script], *, hours: float = 0.5, chance: random.Random | None = None
) -> FakeApi:
    """Return the API after it was polled for so long, from the start of the exporter."""
    api = FakeApi(scripts=scripts)

    async def scene() -> None:
        poller = poller_of(api, scheduler=FakeScheduler())
        poller.start()
        for _ in range(round(hours * 120)):
            if chance:
                for name, least_s, most_s in (("health", 2, 4), ("workers", 3, 6)):
                    scripts[name] = slow(chance.uniform(least_s, most_s))
            await asyncio.sleep(30)
        await poller.stop()

    virtual_time.run(scene())
    return api


def heavy(api: FakeApi, *names: str) -> list[tuple[float, float]]:
    return sorted(span for name in names or ("health", "workers") for span in api.spans[name])


def longest_gap(spans: list[tuple[float, float]]) -> float:
    return max(b - a for (a, _), (b, _) in pairwise(spans))


def test_health_of_2_s_and_workers_of_3_s_take_a_tenth_of_any_two_minutes() -> None:
    api = after({"health": slow(2), "workers": slow(3)})

    assert virtual_time.busiest(heavy(api), 120) <= LIMIT_S
    for name in ("health", "workers"):
        assert sum(end - start for start, end in api.spans[name]) / (HOUR_S / 2) <= 0.05
        assert longest_gap(api.spans[name]) <= 150


def test_so_they_do_when_a_dependency_is_down() -> None:
    api = after({"health": slow(4), "workers": slow(6.1)})

    assert virtual_time.busiest(heavy(api), 120) <= LIMIT_S
    assert longest_gap(api.spans["workers"]) <= 300


@pytest.mark.parametrize("seed", range(3))
def test_so_they_do_when_each_answer_takes_another_time(seed: int) -> None:
    api = after({"health": slow(2), "workers": slow(3)}, chance=random.Random(seed))  # noqa: S311

    assert virtual_time.busiest(heavy(api), 120) <= LIMIT_S


@pytest.mark.parametrize("hung", [("health",), ("workers",), ("health", "workers")])
def test_so_they_do_when_one_hangs_once_that_is_known(hung: tuple[str, ...]) -> None:
    scripts = {"health": slow(2), "workers": slow(3)} | dict.fromkeys(hung, slow(inf))
    api = after(scripts)

    # At first nobody knows, and the others must not be late for it.
    first, known = (
        [span for span in heavy(api) if (span[0] < FIRST_S) is early] for early in (True, False)
    )
    assert virtual_time.busiest(first, 120) <= 10 * len(hung) + 4
    assert virtual_time.busiest(known, 120) <= LIMIT_S
    for name in scripts:
        assert longest_gap(api.spans[name]) <= (450 if name in hung else 300)


def test_a_health_endpoint_that_hangs_from_the_start_delays_the_workers_by_seconds() -> None:
    api = after({"health": slow(inf), "workers": slow(3)}, hours=0.1)

    assert api.spans["workers"][0][0] <= 15


def test_light_endpoints_have_answered_before_a_heavy_one_is_asked() -> None:
    api = after({"health": slow(inf), "workers": slow(inf)}, hours=0.1)

    first_heavy_s = heavy(api)[0][0]
    light = [e.name for e in ENDPOINTS if e.name not in {"health", "workers"}]
    assert all(api.spans[name][0][1] <= first_heavy_s for name in light)


def test_a_heavy_request_is_alone_for_as_long_as_it_is_expected() -> None:
    api = after({"health": slow(2), "workers": slow(3)})

    light = [
        s for name, spans in api.spans.items() if name not in {"health", "workers"} for s in spans
    ]
    for start, end in heavy(api):
        assert not [(a, b) for a, b in light if a < end and start < b]


@pytest.mark.parametrize("hung", ["health", "cache"])
def test_a_hung_endpoint_hardly_delays_another(hung: str) -> None:
    """Light ones wait for a heavy one while it is expected; nobody waits for a light one."""
    api = after({hung: slow(inf)})

    for name, spans in api.spans.items():
        if name not in {hung, "workers"}:
            assert longest_gap(spans) <= 30 + 5


def test_a_hung_light_endpoint_backs_off() -> None:
    assert after({"cache": slow(inf)}).times("cache") <= 10


def test_all_endpoints_slow_take_a_tenth_together_once_that_is_known() -> None:
    api = after({endpoint.name: slow(3) for endpoint in ENDPOINTS}, hours=1)

    first_round = max(spans[0][1] for spans in api.spans.values())
    later = [span for span in heavy(api, *api.spans) if span[0] > first_round]
    assert virtual_time.busiest(later, 120) <= LIMIT_S
    # 15 times 3 s fit into 10 minutes, and each comes to its turn.
    assert all(longest_gap(spans[1:]) <= 900 for spans in api.spans.values())


def test_a_backend_that_is_quick_again_is_asked_at_the_usual_pace_again() -> None:
    scripts = {"health": slow(2), "cache": slow(inf)}
    api = FakeApi(scripts=scripts)

    async def scene() -> None:
        poller = poller_of(api, scheduler=FakeScheduler())
        poller.start()
        await asyncio.sleep(HOUR_S / 2)
        scripts.update(health=slow(0.01), cache=slow(0.01))
        await asyncio.sleep(HOUR_S / 2)
        await poller.stop()

    virtual_time.run(scene())
    for name in scripts:
        last = api.spans[name][-2:]
        assert longest_gap(last) == pytest.approx(30, abs=0.1)
