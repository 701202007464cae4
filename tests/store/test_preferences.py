from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from exporter.catalogue.rules import ALERTS
from exporter.settings import Settings
from exporter.store import preferences
from exporter.store.database import Database
from exporter.store.preferences import Conflict, Preferences, PreferencesError, in_force

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS = Settings(
    alerts={"OpsQueueBacklogHigh": {"threshold": 250}, "OpsModuleDown": {"enabled": False}}
)


async def save(
    database: Database,
    version: int,
    thresholds: Mapping[str, float] | None = None,
    enabled: Mapping[str, bool] | None = None,
    **more: Any,
) -> Preferences:
    return await database.write(
        preferences.save,
        SETTINGS,
        version=version,
        thresholds=thresholds or {},
        enabled=enabled or {},
        **cast("dict[str, Any]", {"sound": True, "who": "ann", "now": 5.0} | more),
    )


def test_every_alert_has_what_holds_for_it() -> None:
    found = in_force(Settings(), Preferences())

    assert list(found) == list(dict.fromkeys(alert.name for alert in ALERTS))
    for name, one in found.items():
        limits = {a.limit.threshold.value for a in ALERTS if a.name == name and a.limit}
        assert {one.threshold} - {None} == limits, name
        assert one.enabled


def test_the_configuration_is_the_default() -> None:
    found = in_force(SETTINGS, Preferences())

    backlog, down = found["OpsQueueBacklogHigh"], found["OpsModuleDown"]
    assert (backlog.threshold, backlog.default_threshold) == (250.0, 250.0)
    assert (down.enabled, down.default_enabled) == (False, False)


async def test_what_people_set_wins(database: Database) -> None:
    saved = await save(
        database,
        0,
        {"OpsQueueBacklogHigh": 7, "OpsApiErrorRateHigh": 0.5},
        {"OpsModuleDown": True, "OpsModuleSlow": False},
        sound=False,
    )

    assert await database.read(preferences.current) == saved
    assert (saved.version, saved.who, saved.at, saved.sound) == (1, "ann", 5.0, False)
    found = in_force(SETTINGS, saved)
    assert found["OpsQueueBacklogHigh"].threshold == 7.0
    assert found["OpsApiErrorRateHigh"].threshold == 0.5
    assert found["OpsApiErrorRateHigh"].default_threshold == 0.05
    assert (found["OpsModuleDown"].enabled, found["OpsModuleSlow"].enabled) == (True, False)


async def test_what_is_as_by_default_is_not_kept(database: Database) -> None:
    """So that a later change of the configuration is not in vain."""
    saved = await save(
        database,
        0,
        {"OpsQueueBacklogHigh": 250, "OpsApiErrorRateHigh": 0.05},
        {"OpsModuleDown": False, "OpsModuleSlow": True, "OpsWatchdog": True},
    )

    assert (saved.thresholds, saved.enabled) == ({}, {})


async def test_each_change_is_a_version_and_takes_the_place_of_the_whole(
    database: Database,
) -> None:
    await save(database, 0, {"OpsQueueBacklogHigh": 7})
    saved = await save(database, 1, {}, {"OpsModuleSlow": False})

    assert (saved.version, saved.thresholds, saved.enabled) == (2, {}, {"OpsModuleSlow": False})


async def test_who_was_slower_is_told_and_nothing_is_lost(database: Database) -> None:
    first = await save(database, 0, {"OpsQueueBacklogHigh": 7})

    with pytest.raises(Conflict) as raised:
        await save(database, 0, {"OpsQueueBacklogHigh": 9}, who="bob")

    assert raised.value.current == first
    assert await database.read(preferences.current) == first


async def test_of_two_replicas_at_the_same_time_one_is_told(postgresql: str) -> None:
    replicas = [Database(postgresql) for _ in range(2)]
    try:
        found = await asyncio.gather(
            *(save(one, 0, {"OpsQueueBacklogHigh": n}) for n, one in enumerate(replicas, 5)),
            return_exceptions=True,
        )
    finally:
        for one in replicas:
            one.close()

    assert sorted(type(one).__name__ for one in found) == ["Conflict", "Preferences"]


@pytest.mark.parametrize(
    ("name", "low", "high", "words"),
    [
        ("OpsApiErrorRateHigh", 0, 1, "Write a number from 0 to 100 %."),
        ("OpsApiResponseTimeHigh", 0, 604800, "Write a number from 0 to a week."),
        ("OpsQueueBacklogHigh", 0, 1e9, "Write a number from 0 to 1e9."),
    ],
)
async def test_a_threshold_has_bounds_in_its_unit(
    database: Database, name: str, low: float, high: float, words: str
) -> None:
    for version, value in enumerate((low, high)):
        saved = await save(database, version, {name: value})
        assert saved.thresholds == {name: value}
    for value in (-0.001, high * 1.001, float("nan"), float("inf"), True):
        with pytest.raises(PreferencesError) as raised:
            await save(database, 2, {name: value})
        assert raised.value.problems == {name: words}


async def test_every_mistake_is_told_at_once_and_nothing_is_saved(database: Database) -> None:
    with pytest.raises(PreferencesError) as raised:
        await save(
            database,
            0,
            {"OpsSystemDown": 1, "OpsNoSuch": 1, "OpsQueueBacklogHigh": 9},
            {"OpsWatchdog": False, "OpsModuleSlow": False},
        )

    assert raised.value.problems == {
        "OpsSystemDown": "It judges a state and has no threshold.",
        "OpsNoSuch": "There is no such alert.",
        "OpsWatchdog": "It cannot be off: nobody would know that nothing works.",
    }
    assert await database.read(preferences.current) == Preferences()


def test_what_an_earlier_version_has_kept_of_an_alert_that_changed_does_not_count() -> None:
    saved = Preferences(
        version=1,
        thresholds={"OpsGone": 1.0, "OpsSystemDown": 2.0, "OpsApiErrorRateHigh": 5.0},
        enabled={"OpsGone": False, "OpsWatchdog": False},
    )
    found = in_force(Settings(), saved)

    assert "OpsGone" not in found
    assert found["OpsSystemDown"].threshold is None
    assert found["OpsApiErrorRateHigh"].threshold == 0.05
    assert found["OpsWatchdog"].enabled
