"""Detectors of the running exporter: who has some, what they start with, what they leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.polling import history
from tests.polling.test_runtime import World, targets, until

if TYPE_CHECKING:
    from pathlib import Path

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
    assert count(world) in {None, 1.0}


async def test_who_has_a_saved_state_asks_nobody(asked: list[str], tmp_path: Path) -> None:
    tree = targets("one") | {"state_dir": str(tmp_path)}
    await lives(tree)

    world = await lives(tree | {"prometheus_url": "http://127.0.0.1:1"})
    assert count(world) == 2
    assert asked == []
