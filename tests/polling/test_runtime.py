from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from exporter.catalogue.verdicts import Verdict
from exporter.polling.runtime import Runtime, connect
from exporter.settings import ConfigurationError, Settings
from tests.polling.fake_api import HANGS, FakeApi, Script, cache_payload, configured

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from exporter.api.client import ApiClient
    from exporter.settings import Target

DEADLINE_S = 10.0


@dataclass
class World:
    """A runtime on fake APIs; `load` returns what is configured now, or raises it."""

    tree: dict[str, Any]
    apis: dict[str, list[FakeApi]] = field(default_factory=dict)
    scripts: dict[str, dict[str, Script]] = field(default_factory=dict)
    broken: ConfigurationError | None = None
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.runtime = Runtime(
            self.load, configured(self.tree), wall=lambda: self.now, connect=self.connect
        )

    def load(self) -> Settings:
        if self.broken:
            raise self.broken
        return configured(self.tree)

    def connect(self, target: Target, settings: Settings) -> ApiClient:
        del settings
        scripts = self.scripts.setdefault(target.name, {"cache": Script(cache_payload())})
        api = FakeApi(scripts=scripts)
        self.apis.setdefault(target.name, []).append(api)
        return cast("ApiClient", api)

    def text(self, target: str | None = None) -> str:
        page = self.runtime.page(target)
        assert page is not None
        return page.get("text/plain", "").body.decode()

    def has(self, line: str, target: str | None = None) -> bool:
        return line in self.text(target).splitlines()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not true():  # noqa: ASYNC110 - what is awaited tells nobody
            await asyncio.sleep(0.01)


def targets(*names: str, **urls: str) -> dict[str, Any]:
    return {
        "targets": [
            {"name": name, "url": urls.get(name, f"http://127.0.0.1:1/{name}")} for name in names
        ]
    }


@pytest.fixture
async def world() -> AsyncIterator[World]:
    one = World(targets("one", "two"))
    await one.runtime.start()
    yield one
    await one.runtime.stop()
    assert asyncio.all_tasks() - {asyncio.current_task()} == set()
    assert all(api.closed for apis in one.apis.values() for api in apis)


CACHE_OK = 'ops_endpoint_success{endpoint="cache"} 1.0'


async def test_before_the_start_nothing_is_ready_and_there_is_no_page() -> None:
    runtime = World(targets("one")).runtime

    assert not runtime.ready
    assert runtime.page(None) is None
    assert runtime.verdicts() == []
    assert await runtime.poll_now(None) is None


async def test_the_page_without_a_target_is_the_first_ones_with_the_exporters_own_metrics(
    world: World,
) -> None:
    await until(lambda: world.has(CACHE_OK))

    assert "ops_build_info{" in world.text()
    assert "process_resident_memory_bytes" in world.text()
    assert "ops_build_info{" not in world.text("one")
    assert world.runtime.ready


async def test_each_target_has_a_page_of_its_own(world: World) -> None:
    world.scripts["two"]["cache"] = Script(verdict=Verdict.HTTP_ERROR)
    await until(lambda: world.has(CACHE_OK, "one"))
    await until(lambda: world.has('ops_endpoint_success{endpoint="cache"} 0.0', "two"))

    assert "ops_cache_hit_ratio 0.9" in world.text("one")
    assert "ops_cache_hit_ratio" not in world.text("two")
    assert world.runtime.page("three") is None


async def test_the_verdict_table_has_a_row_for_each_target_and_endpoint(world: World) -> None:
    await until(lambda: world.has(CACHE_OK, "two"))

    rows = world.runtime.verdicts()
    assert len(rows) == 32
    [row] = [r for r in rows if (r.target, r.endpoint) == ("two", "cache")]
    assert (row.verdict, row.interval_s, row.detail) == ("ok", 30, "")


async def test_an_early_poll_is_for_the_target_named_or_the_first(world: World) -> None:
    await until(lambda: world.has(CACHE_OK, "one") and world.has(CACHE_OK, "two"))
    before = [world.apis[name][0].times("cache") for name in ("one", "two")]
    await asyncio.sleep(1.1)  # two polls within a second are one

    answer = await world.runtime.poll_now("two")
    assert answer is not None
    assert "cache" in answer.asked
    assert [world.apis[name][0].times("cache") for name in ("one", "two")] == [
        before[0],
        before[1] + 1,
    ]
    answer = await world.runtime.poll_now(None)
    assert answer is not None
    assert "cache" in answer.asked
    assert world.apis["one"][0].times("cache") == before[0] + 1
    assert await world.runtime.poll_now("three") is None


async def test_targets_that_did_not_change_go_on_undisturbed(world: World) -> None:
    await until(lambda: world.has(CACHE_OK, "one"))
    asked = world.apis["one"][0].times("cache")

    world.tree = targets("new", "one", new="http://127.0.0.1:1/new")
    await world.runtime.reload()

    assert world.has(CACHE_OK, "one"), "no value is lost"
    assert len(world.apis["one"]) == 1
    assert not world.apis["one"][0].closed
    assert world.apis["one"][0].times("cache") == asked
    await until(lambda: world.has(CACHE_OK, None))
    assert world.text().count(CACHE_OK) == 1


async def test_a_target_that_is_gone_is_asked_no_more_and_has_no_page(world: World) -> None:
    await until(lambda: world.has(CACHE_OK, "two"))
    world.tree = targets("one")
    await world.runtime.reload()

    assert world.runtime.page("two") is None
    assert world.apis["two"][0].closed
    assert {row.target for row in world.runtime.verdicts()} == {"one"}


async def test_a_target_that_changed_is_asked_at_its_new_address(world: World) -> None:
    await until(lambda: world.has(CACHE_OK, "two"))
    world.tree = targets("one", "two", two="http://127.0.0.1:2")
    await world.runtime.reload()

    assert [api.closed for api in world.apis["two"]] == [True, False]
    await until(lambda: world.has(CACHE_OK, "two"))


async def test_another_pace_is_in_force_after_a_reload(world: World) -> None:
    await until(lambda: world.has(CACHE_OK))
    world.tree |= {"poll": {"interval": "1s"}}
    await world.runtime.reload()

    await until(lambda: world.apis["one"][1].times("cache") > 1)
    assert world.has('ops_endpoint_interval_seconds{endpoint="cache"} 1.0')
    assert world.apis["one"][0].closed


async def test_the_values_of_a_target_stay_until_its_next_answer_when_its_pace_changes(
    world: World,
) -> None:
    await until(lambda: world.has(CACHE_OK))
    before = [line for line in world.text().splitlines() if line.startswith("ops_cache_")]
    world.scripts["one"]["cache"] = HANGS
    world.tree["poll"] = {"interval": "7s"}
    await world.runtime.reload()

    assert before
    assert [line for line in world.text().splitlines() if line.startswith("ops_cache_")] == before
    assert world.has(CACHE_OK)
    assert world.has('ops_polls_total{endpoint="cache"} 1.0')


async def test_a_scrape_during_a_reload_sees_all_of_the_old_or_all_of_the_new(
    world: World,
) -> None:
    """Also while requests of the old targets take their time to end."""
    world.scripts["one"]["jobs"] = world.scripts["one"]["health"] = HANGS
    await until(lambda: world.has(CACHE_OK))
    world.tree = targets("three", "one", one="http://127.0.0.1:2")

    reload = asyncio.create_task(world.runtime.reload())
    seen = set()
    while not reload.done():
        seen.add(tuple(dict.fromkeys(row.target for row in world.runtime.verdicts())))
        assert "ops_build_info" in world.text()
        assert world.runtime.ready
        await asyncio.sleep(0)
    await reload

    assert seen <= {("one", "two"), ("three", "one")}


async def test_a_reload_that_fails_keeps_the_last_good_configuration_and_says_so(
    world: World,
) -> None:
    await until(lambda: world.has(CACHE_OK))
    assert world.has("ops_config_last_reload_successful 1.0")
    world.broken, world.now = ConfigurationError("poll.interval: no"), 2000.0

    with pytest.raises(ConfigurationError):
        await world.runtime.reload()
    assert world.has("ops_config_last_reload_successful 0.0")
    assert world.has("ops_config_last_reload_success_timestamp_seconds 1000.0")
    assert world.has(CACHE_OK)
    assert world.runtime.page("two") is not None

    world.broken, world.now = None, 3000.0
    await world.runtime.reload()
    assert world.has("ops_config_last_reload_successful 1.0")
    assert world.has("ops_config_last_reload_success_timestamp_seconds 3000.0")
    assert len(world.apis["one"]) == 1


async def test_a_reload_that_cannot_use_one_target_changes_none(world: World) -> None:
    await until(lambda: world.has(CACHE_OK))
    working, problems = world.connect, ("bad: ca_file: no",)

    def connect_or_not(target: Target, settings: Settings) -> ApiClient:
        if target.name == "bad":
            raise ConfigurationError(*problems)
        return working(target, settings)

    world.runtime._connect = connect_or_not
    world.tree = targets("new", "bad")
    with pytest.raises(ConfigurationError):
        await world.runtime.reload()

    assert {row.target for row in world.runtime.verdicts()} == {"one", "two"}
    assert world.has(CACHE_OK)
    assert world.apis["new"][0].times("cache") == 0
    world.apis["new"][0].closed = True  # it never opened a connection


async def test_a_web_configuration_at_fault_counts_as_a_failed_reload(world: World) -> None:
    world.runtime.reload_failed()

    assert world.has("ops_config_last_reload_successful 0.0")


async def test_a_reload_does_not_forget_what_the_backend_has_borne(world: World) -> None:
    """The heavy requests before a reload count for those after it."""
    gates = dict(world.runtime._gates)
    world.tree |= {"poll": {"interval": "5s"}}
    await world.runtime.reload()

    assert world.runtime._gates == gates


async def test_two_targets_on_one_backend_share_the_way_to_it() -> None:
    url = "http://127.0.0.1:1"
    one = World(targets("admin", "reader", admin=url, reader=url))
    await one.runtime.start()

    assert len(one.runtime._gates) == 1
    await one.runtime.stop()


async def test_it_starts_while_no_backend_answers_and_stops_at_once() -> None:
    one = World(targets("one"))
    names = ("health", "cache", "jobs", "workers")
    one.scripts["one"] = dict.fromkeys(names, HANGS) | {"events": Script(verdict=Verdict.REFUSED)}
    await one.runtime.start()
    await until(lambda: one.has('ops_endpoint_status{endpoint="events",status="refused"} 1.0'))

    async with asyncio.timeout(5):  # a request would take 10
        await one.runtime.stop()
    assert one.apis["one"][0].closed


def test_certificates_that_cannot_be_read_are_a_mistake_in_the_configuration() -> None:
    settings = configured({"api": {"url": "https://127.0.0.1:1", "ca_file": "/nowhere/ca.pem"}})

    with pytest.raises(ConfigurationError, match=r"default: ca_file: /nowhere/ca.pem: cannot be"):
        connect(settings.all_targets()[0], settings)
