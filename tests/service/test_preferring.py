"""Preferences are saved with an entry in the audit, and are in force at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from exporter.service import preferring
from exporter.store.preferences import Conflict, Preferences, PreferencesError
from tests.service.frame import serving

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.service.runtime import Runtime

RATE, P95, DOWN = "OpsApiErrorRateHigh", "OpsApiResponseTimeHigh", "OpsModuleDown"


async def save(runtime: Runtime, version: int, **more: Any) -> Preferences:
    values = {"thresholds": {}, "enabled": {}, "sound": True, "who": "ann", "via": "page"}
    return await preferring.save(
        runtime, version=version, **cast("dict[str, Any]", {**values, **more})
    )


async def test_what_changed_is_in_the_audit_in_words(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await save(service.runtime, 0, thresholds={RATE: 0.07, P95: 0.25}, enabled={DOWN: False})
        await save(service.runtime, 1, thresholds={RATE: 0.07}, sound=False)
        await save(service.runtime, 2, thresholds={RATE: 0.07}, sound=False)
        third, second, first = await service.runtime.performer.records(10)

    assert (first.who, first.via, first.action, first.state) == (
        "ann",
        "page",
        "preferences",
        "done",
    )
    assert first.parameters == {"version": 1}
    assert first.details == {
        f"{RATE} threshold": "5 % → 7 %",
        f"{P95} threshold": "500 ms → 250 ms",
        DOWN: "on → off",
    }
    assert second.details == {
        f"{P95} threshold": "250 ms → 500 ms",
        DOWN: "off → on",
        "sound": "on → off",
    }
    assert second.message == f"Version 2 is in force: {DOWN}, {P95} threshold, sound changed."
    assert third.message == "Version 3 is in force: nothing has changed."


async def test_many_changes_are_one_sentence(tmp_path: Path) -> None:
    off = dict.fromkeys((DOWN, RATE, P95, "OpsModuleSlow", "OpsSystemDown"), False)
    async with serving(tmp_path) as service:
        await save(service.runtime, 0, enabled=off)
        (entry,) = await service.runtime.performer.records(10)

    assert entry.message.endswith(" and 2 more changed.")
    assert len(entry.details) == 5


async def test_the_metrics_tell_them_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await save(service.runtime, 0, thresholds={RATE: 0.07}, enabled={DOWN: False})
        page = service.runtime.metrics.render("", "").body.decode()

    assert f'ops_alert_threshold{{alert="{RATE}"}} 0.07' in page
    assert f'ops_alert_enabled{{alert="{DOWN}"}} 0.0' in page


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"version": 1}, Conflict),
        ({"version": 0, "thresholds": {RATE: 2.0}}, PreferencesError),
    ],
)
async def test_what_is_not_saved_is_not_in_the_audit(
    tmp_path: Path, values: dict[str, Any], error: type[Exception]
) -> None:
    async with serving(tmp_path) as service:
        with pytest.raises(error):
            await save(service.runtime, **values)

        assert await service.runtime.performer.records(10) == []
        assert await service.runtime.preferences() == Preferences()
