from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.polling.gate import Gate
from tests.polling import virtual_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HUNG = 10.0


@dataclass
class Backend:
    """Takes requests through a gate and notes when each was on its way."""

    gate: Gate = field(default_factory=lambda: Gate(virtual_time.now))
    spans: dict[str, list[tuple[float, float]]] = field(default_factory=dict)

    async def light(self, name: str, takes_s: float = 0.1) -> None:
        async with self.gate.light():
            await self._answer(name, takes_s)

    async def heavy(
        self,
        name: str,
        takes_s: float = 2.0,
        *,
        cost_s: float = 4.0,
        patience_s: float = 4.0,
        urgent: bool = False,
    ) -> None:
        async with self.gate.heavy(cost_s, patience_s=patience_s, urgent=urgent):
            await self._answer(name, takes_s)

    async def _answer(self, name: str, takes_s: float) -> None:
        start = virtual_time.now()
        try:
            await asyncio.sleep(takes_s)
        finally:
            self.spans.setdefault(name, []).append((start, virtual_time.now()))

    def overlaps(self, one: str, other: str) -> bool:
        return any(
            a < d and c < b for a, b in self.spans[one] for c, d in self.spans[other] if a != c
        )


async def after(seconds: float, request: Callable[[], Awaitable[None]]) -> None:
    await asyncio.sleep(seconds)
    await request()


def test_light_requests_go_side_by_side() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(*(backend.light(f"light {n}", 1.0) for n in range(10)))

        assert virtual_time.now() == 1

    virtual_time.run(scene())


def test_a_heavy_request_is_alone() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(
            backend.light("before", 0.3),
            after(0.1, lambda: backend.heavy("heavy")),
            after(0.2, lambda: backend.light("while it waits")),
            after(1.0, lambda: backend.light("beside it")),
        )

        assert backend.spans["heavy"] == [(0.3, 2.3)]
        assert not any(backend.overlaps(name, "heavy") for name in backend.spans)

    virtual_time.run(scene())


def test_two_heavy_requests_never_meet() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(backend.heavy("one"), backend.heavy("other"))

        assert not backend.overlaps("one", "other")

    virtual_time.run(scene())


def test_after_a_heavy_request_the_backend_gets_as_long_to_catch_up() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(backend.heavy("one", 2.0), backend.heavy("other", 2.0))

        assert backend.spans["one"] == [(0, 2)]
        assert backend.spans["other"] == [(4, 6)]

    virtual_time.run(scene())


def test_a_hung_heavy_request_delays_light_ones_only_while_it_is_expected() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(
            backend.heavy("hung", HUNG, patience_s=4.0),
            after(1.0, lambda: backend.light("early")),
            after(5.0, lambda: backend.light("late")),
        )

        assert [start for start, _ in backend.spans["early"]] == [4.0]
        assert [start for start, _ in backend.spans["late"]] == [5.0]

    virtual_time.run(scene())


def test_a_hung_light_request_delays_others_by_a_second_at_most() -> None:
    async def scene() -> None:
        backend = Backend()
        await asyncio.gather(
            backend.light("hung", HUNG),
            after(0.5, lambda: backend.heavy("heavy", 2.0)),
            after(0.6, lambda: backend.light("light")),
        )

        assert backend.spans["heavy"] == [(1.5, 3.5)]
        assert [start for start, _ in backend.spans["light"]] == [3.5]

    virtual_time.run(scene())


def test_heavy_requests_do_not_starve_among_light_ones_that_never_pause() -> None:
    async def scene() -> None:
        backend = Backend()

        async def flow(name: str, offset_s: float) -> None:
            await asyncio.sleep(offset_s)
            while True:
                await backend.light(name, 0.4)

        flows = [asyncio.create_task(flow(f"light {n}", n * 0.1)) for n in range(4)]
        await asyncio.sleep(5)
        await backend.heavy("heavy")
        for task in flows:
            task.cancel()
        await asyncio.wait(flows)

        [(start, _)] = backend.spans["heavy"]
        assert start <= 6
        assert not any(backend.overlaps(f"light {n}", "heavy") for n in range(4))

    virtual_time.run(scene())


def test_a_heavy_request_waits_until_its_time_is_within_the_limit() -> None:
    async def scene() -> None:
        backend = Backend()
        await backend.heavy("one", 5.0, cost_s=5.0)
        await backend.heavy("two", 5.0, cost_s=5.0)
        await backend.heavy("three", 5.0, cost_s=5.0)

        spans = [span for name in ("one", "two", "three") for span in backend.spans[name]]
        assert spans[:2] == [(0, 5), (10, 15)]
        assert virtual_time.busiest(spans, 120) <= 12
        assert spans[2][0] < 125

    virtual_time.run(scene())


def test_what_takes_longer_than_was_reserved_does_not_hold_up_the_others() -> None:
    async def scene() -> None:
        backend = Backend()
        await backend.heavy("hung", HUNG, cost_s=4.0)
        await backend.heavy("next", 3.0, cost_s=6.0)

        assert backend.spans["next"] == [(HUNG, HUNG + 3)]

    virtual_time.run(scene())


def test_requests_that_fit_do_not_overtake_one_that_waits_for_more() -> None:
    async def scene() -> None:
        backend = Backend()
        await backend.heavy("first", 3.0)
        long = asyncio.create_task(backend.heavy("long", HUNG, cost_s=10.0))
        await asyncio.sleep(1)
        short = asyncio.create_task(backend.heavy("short", 1.0, cost_s=1.0))
        await asyncio.wait({long, short})

        assert backend.spans["long"][0][0] < backend.spans["short"][0][0]

    virtual_time.run(scene())


def test_an_urgent_request_does_not_wait_for_the_limit_but_still_goes_alone() -> None:
    async def scene() -> None:
        backend = Backend()
        await backend.heavy("hung", HUNG, cost_s=10.0)
        scheduled = asyncio.create_task(backend.heavy("scheduled", 3.0))
        await asyncio.sleep(1)
        await asyncio.gather(
            backend.light("light", 0.5),
            backend.heavy("urgent", 2.0, urgent=True),
            backend.heavy("urgent too", 2.0, urgent=True),
        )

        assert backend.spans["urgent"] == [(11.5, 13.5)]
        assert backend.spans["urgent too"] == [(13.5, 15.5)]
        assert not scheduled.done()
        scheduled.cancel()
        await asyncio.wait({scheduled})

    virtual_time.run(scene())


def test_later_requests_pay_for_an_urgent_one() -> None:
    async def scene() -> None:
        backend = Backend()
        await backend.heavy("urgent", HUNG, cost_s=10.0, urgent=True)
        await backend.heavy("scheduled", 4.0)

        spans = backend.spans["urgent"] + backend.spans["scheduled"]
        assert virtual_time.busiest(spans, 120) <= 12

    virtual_time.run(scene())


@pytest.mark.parametrize("cancelled_at_s", [0.0, 0.2, 0.6, 1.2, 3.0, 7.0, 20.0, 100.0])
@pytest.mark.parametrize("victim", ["light", "heavy", "queued", "urgent"])
def test_a_cancelled_request_leaves_the_way_free(cancelled_at_s: float, victim: str) -> None:
    """At whatever it was waiting for: light ones, its turn, the limit, the answer."""

    async def scene() -> None:
        backend = Backend()
        tasks = {
            "light": asyncio.create_task(backend.light("light", HUNG)),
            "heavy": asyncio.create_task(after(0.1, lambda: backend.heavy("heavy", HUNG))),
            "queued": asyncio.create_task(after(0.2, lambda: backend.heavy("queued", 5.0))),
            "urgent": asyncio.create_task(after(0.3, lambda: backend.heavy("urgent", urgent=True))),
        }
        await asyncio.sleep(cancelled_at_s)
        tasks[victim].cancel()
        await asyncio.wait(tasks.values())
        await asyncio.sleep(1000)

        start = virtual_time.now()
        await asyncio.gather(backend.light("new light"), backend.heavy("new heavy"))
        assert virtual_time.now() == pytest.approx(start + 2.1)

    virtual_time.run(scene())


def test_a_request_that_fails_leaves_the_way_free() -> None:
    async def scene() -> None:
        backend = Backend()
        with suppress(ValueError):
            async with backend.gate.heavy(4.0, patience_s=4.0):
                raise ValueError
        with suppress(ValueError):
            async with backend.gate.light():
                raise ValueError
        await asyncio.gather(backend.light("light"), backend.heavy("heavy"))

        assert virtual_time.now() == pytest.approx(2.1)

    virtual_time.run(scene())


requests = st.tuples(st.floats(0, 60), st.floats(0.1, 10), st.floats(0, 10))


@settings(max_examples=60)
@given(st.lists(requests, min_size=1, max_size=30))
def test_heavy_requests_stay_within_the_limit_whatever_they_take(
    plan: list[tuple[float, float, float]],
) -> None:
    """In every two minutes they take 10 %, as long as none takes more than its deadline."""

    async def scene() -> None:
        backend = Backend()
        async with asyncio.TaskGroup() as group:
            for pause_s, deadline_s, takes_s in plan:
                await asyncio.sleep(pause_s)
                request = backend.heavy(
                    "heavy", min(takes_s, deadline_s), cost_s=deadline_s, patience_s=3.0
                )
                group.create_task(request)

        assert len(plan) == len(backend.spans["heavy"])
        assert virtual_time.busiest(backend.spans["heavy"], 120) <= 12

    virtual_time.run(scene())
