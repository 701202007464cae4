"""Detectors of the running exporter: who has some, what they start with, what they leave behind."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue.verdicts import Verdict
from exporter.polling import history
from exporter.settings import ConfigurationError
from tests.polling.fake_api import Script, cache_payload
from tests.polling.test_runtime import World, targets, until

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.api.client import ApiClient
    from exporter.settings import Settings, Target

SAMPLES = 'ops_anomaly_samples{metric="ops_cache_hit_ratio"}'


async def lives(tree: dict[str, Any]) -> World:
    """Return a world whose runtime was started, has judged an answer, and was stopped."""
    world = World(tree)
    await world.runtime.start()
    await until(lambda: "ops_cache_hit_ratio 0.9" in world.text())
    await world.runtime.stop()
    return world


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def count(world: World) -> float | None:
    """Return how many samples of the cache's hit ratio were judged."""
    [line, *_] = [*(one for one in world.text().splitlines() if one.startswith(SAMPLES)), ""]
    return float(line.split()[-1]) if line else None


async def test_what_is_learnt_is_saved_at_the_end_and_gone_on_with(tmp_path: Path) -> None:
    tree = targets("one") | {"state_dir": str(tmp_path)}
    first = await lives(tree)
    second = await lives(tree)

    assert (count(first), count(second)) == (1, 2)
    assert "ops_anomaly_state_restored 0.0" in first.text()
    assert "ops_anomaly_state_restored 1.0" in second.text()
    assert files(tmp_path) == ["anomalies-one.npz"]


async def test_without_a_folder_nothing_is_saved_and_nothing_is_said_of_it() -> None:
    world = await lives(targets("one"))

    assert count(world) == 1
    assert "ops_anomaly_state" not in world.text()


async def test_however_many_servers_scrape_an_answer_is_judged_once() -> None:
    world = World(targets("one"))
    await world.runtime.start()
    await until(lambda: count(world) == 1)
    before = world.text().splitlines()
    assert {count(world) for _ in range(20)} == {1}
    await world.runtime.stop()

    after = world.text().splitlines()
    anomalies = [[line for line in page if "ops_anomaly_" in line] for page in (before, after)]
    assert anomalies[0] == anomalies[1] != []


async def test_each_target_has_its_own(tmp_path: Path) -> None:
    world = World(targets("one", "two") | {"state_dir": str(tmp_path)})
    await world.runtime.start()
    await until(lambda: SAMPLES in world.text("one") and SAMPLES in world.text("two"))
    await world.runtime.stop()

    assert files(tmp_path) == ["anomalies-one.npz", "anomalies-two.npz"]


async def test_switched_off_there_is_nothing_of_it() -> None:
    world = await lives(targets("one") | {"anomaly": {"enabled": False}})

    assert "ops_anomaly" not in world.text()


async def test_a_reload_goes_on_where_the_detectors_were() -> None:
    world = World(targets("one"))
    await world.runtime.start()
    await until(lambda: count(world) == 1)

    world.tree |= {"anomaly": {"watch": {"ops_queue_length": {"floor": 20}}}}
    await world.runtime.reload()
    await until(lambda: count(world) == 2)
    await world.runtime.stop()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the URLs of the Prometheus servers that are asked; none of them answers."""
    urls: list[str] = []

    class Unreachable(history.History):
        def __init__(self, url: str) -> None:
            urls.append(url)
            super().__init__(url)

    monkeypatch.setattr(history, "History", Unreachable)
    return urls


async def test_prometheus_is_asked_only_where_the_configuration_names_it(
    asked: list[str],
) -> None:
    await lives(targets("one"))
    assert asked == []

    world = await lives(targets("one") | {"prometheus_url": "http://127.0.0.1:1"})
    assert asked == ["http://127.0.0.1:1"]
    assert count(world) == 1, "what is answered meanwhile is judged"


async def test_who_has_a_saved_state_asks_nobody(asked: list[str], tmp_path: Path) -> None:
    tree = targets("one") | {"state_dir": str(tmp_path)}
    await lives(tree)

    world = await lives(tree | {"prometheus_url": "http://127.0.0.1:1"})
    assert count(world) == 2
    assert asked == []


class Remembers(history.History):
    """A Prometheus that saw 20 answers of the cache; the last query waits until it may go on."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.go_on = asyncio.Event()
        REMEMBERING.append(self)

    async def values(self, query: str, span: history.Span) -> list[history.Past]:
        if "ops_recommendation_click_through_ratio" in query:
            await self.go_on.wait()
        values = dict.fromkeys(range(span.count - 20, span.count), 0.9)
        if "ops_endpoint_last_success_timestamp_seconds" in query:
            values = {n: 1000.0 + n for n in values}
        elif "ops_cache_hit_ratio" not in query:
            return []
        return [history.Past({"backend": "one"}, values)]


REMEMBERING: list[Remembers] = []


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> list[Remembers]:
    monkeypatch.setattr(history, "History", Remembers)
    REMEMBERING.clear()
    return REMEMBERING


def warming(folder: Path) -> World:
    world = World(
        targets("one") | {"state_dir": str(folder), "prometheus_url": "http://127.0.0.1:1"}
    )
    world.scripts["one"] = {
        "cache": Script(cache_payload()),
        "recommendations": Script(verdict=Verdict.HTTP_ERROR),
    }
    return world


async def test_what_was_learnt_is_shown_without_another_answer(
    remembering: list[Remembers], tmp_path: Path
) -> None:
    world = warming(tmp_path)
    await world.runtime.start()
    await until(lambda: count(world) == 1)

    remembering[0].go_on.set()
    await until(lambda: count(world) == 21)
    await world.runtime.stop()

    assert world.apis["one"][0].times("cache") == 1
    assert count(await lives({**world.tree})) == 22


async def test_a_reload_amid_warming_begins_it_again(
    remembering: list[Remembers], tmp_path: Path
) -> None:
    world = warming(tmp_path)
    await world.runtime.start()
    await until(lambda: count(world) == 1)

    world.tree |= {"anomaly": {"watch": {"ops_queue_length": {"floor": 20}}}}
    await world.runtime.reload()
    assert count(world) == 1, "what was said stays until the next answer"
    remembering[0].go_on.set()
    await until(lambda: len(remembering) == 2)
    remembering[1].go_on.set()
    await until(lambda: (count(world) or 0) >= 20)
    await until(lambda: world.apis["one"][1].times("cache") == 1)
    await until(lambda: count(world) == 21)
    await world.runtime.stop()

    assert files(tmp_path) == ["anomalies-one.npz"]


async def test_a_reload_of_something_else_leaves_the_warming_alone(
    remembering: list[Remembers], tmp_path: Path
) -> None:
    world = warming(tmp_path)
    await world.runtime.start()
    await until(lambda: count(world) == 1)

    world.tree |= {"exporter_url": "http://127.0.0.1:2"}
    await world.runtime.reload()
    remembering[0].go_on.set()
    await until(lambda: count(world) == 21)
    await world.runtime.stop()

    assert len(remembering) == 1


async def test_a_stop_amid_warming_saves_nothing_so_that_the_next_start_warms_again(
    remembering: list[Remembers], tmp_path: Path
) -> None:
    for number in (1, 2):
        await lives(warming(tmp_path).tree)
        assert files(tmp_path) == []
        assert len(remembering) == number


async def test_a_reload_that_fails_begins_no_warming(
    remembering: list[Remembers], tmp_path: Path
) -> None:
    world = World(targets("one"))
    await world.runtime.start()
    tree = warming(tmp_path).tree
    world.tree = tree | targets("one", "two", two="http://127.0.0.1:1/refused")
    connect = world.connect

    def refuse(target: Target, settings: Settings) -> ApiClient:
        if target.name == "two":
            raise ConfigurationError(target.name)
        return connect(target, settings)

    world.runtime._connect = refuse
    with pytest.raises(ConfigurationError):
        await world.runtime.reload()
    await world.runtime.stop()

    assert remembering == []
