"""Preferences by the API: as a whole, of the version that was seen, and nothing impossible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.catalogue.rules import ALERTS
from tests.service.api.calling import Place, Script, calling, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATH: Final = "/alerts/preferences"
RATE: Final = "OpsApiErrorRateHigh"
BODY: Final[dict[str, Any]] = {
    "thresholds": {RATE: 0.07},
    "enabled": {"OpsModuleSlow": False},
    "sound": False,
}
NOTHING: Final[dict[str, Any]] = {"thresholds": {}, "enabled": {}, "sound": True}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        yield place


@pytest.fixture
async def script(place: Place) -> AsyncIterator[Script]:
    async with place.script() as script:
        yield script


async def test_every_alert_is_told_with_what_holds_for_it(script: Script) -> None:
    answer = await script.get(PATH)
    told = answer.json()

    assert answer.headers["etag"] == '"0"'
    assert (told["version"], told["who"], told["at"], told["chosen"]) == (0, "", None, NOTHING)
    assert set(told["alerts"]) == {alert.name for alert in ALERTS}
    assert told["alerts"][RATE] == {
        "threshold": 0.05,
        "default_threshold": 0.05,
        "enabled": True,
        "default_enabled": True,
        "switchable": True,
        "unit": "ratio",
    }
    assert told["alerts"]["OpsWatchdog"]["switchable"] is False


async def test_what_is_put_is_in_force_at_once(place: Place, script: Script) -> None:
    answer = await script.put(PATH, BODY, '"0"')
    told = answer.json()

    assert (answer.status_code, answer.headers["etag"]) == (200, '"1"')
    assert (told["version"], told["who"], told["at"]) == (1, "all", "2027-01-15T08:00:00Z")
    assert told["chosen"] == BODY
    assert told["alerts"][RATE]["threshold"] == 0.07
    assert told["alerts"]["OpsModuleSlow"]["enabled"] is False
    assert (await script.get(PATH)).json() == told
    page = place.service.runtime.metrics.render("", "").body.decode()
    assert f'ops_alert_threshold{{alert="{RATE}"}} 0.07' in page
    (entry,) = (await script.get("/audit", action="preferences")).json()["records"]
    assert (entry["who"], entry["via"]) == ("all", "api")
    assert entry["details"][f"{RATE} threshold"] == "5 % → 7 %"


async def test_what_is_got_can_be_put_again(script: Script) -> None:
    first = await script.put(PATH, BODY, '"0"')
    again = await script.put(PATH, first.json()["chosen"], first.headers["etag"])

    assert again.json()["chosen"] == BODY
    assert again.headers["etag"] == '"2"'


async def test_what_is_as_configured_is_not_kept(script: Script) -> None:
    whole = {**BODY, "thresholds": {RATE: 0.05}, "enabled": {"OpsWatchdog": True, RATE: True}}

    told = (await script.put(PATH, whole, '"0"')).json()

    assert told["chosen"] == {**NOTHING, "sound": False}


async def test_who_has_seen_an_older_version_undoes_nothing(script: Script) -> None:
    await script.put(PATH, BODY, '"0"')

    late = await script.put(PATH, NOTHING, '"0"')
    early = await script.put(PATH, NOTHING, '"2"')

    for answer in (late, early):
        told = problem(answer, 412)
        assert told.detail == (
            "Nothing was saved: all has saved other preferences meanwhile. Version 1 is in force."
        )
        assert answer.headers["etag"] == '"1"'
    assert (await script.get(PATH)).json()["chosen"] == BODY


async def test_without_a_version_nothing_is_saved(script: Script) -> None:
    problem(await script.put(PATH, BODY), 428)


@pytest.mark.parametrize("version", ["0", "*", 'W/"0"', '"0", "1"', '"-1"', '"x"', '"9999999999"'])
async def test_a_version_that_is_none_is_refused(script: Script, version: str) -> None:
    told = problem(await script.put(PATH, BODY, version), 422, "invalid")

    assert told.errors[0].place == "header.If-Match"


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"thresholds": {RATE: 1.5}}, f"thresholds.{RATE}"),
        ({"thresholds": {RATE: -0.1}}, f"thresholds.{RATE}"),
        ({"thresholds": {RATE: "0.1"}}, f"thresholds.{RATE}"),
        ({"thresholds": {RATE: True}}, f"thresholds.{RATE}"),
        ({"thresholds": {RATE: None}}, f"thresholds.{RATE}"),
        ({"thresholds": {"OpsNoSuch": 1}}, "thresholds.OpsNoSuch"),
        ({"thresholds": {"OpsModuleDown": 1}}, "thresholds.OpsModuleDown"),
        ({"enabled": {"OpsWatchdog": False}}, "enabled.OpsWatchdog"),
        ({"enabled": {RATE: 0}}, f"enabled.{RATE}"),
        ({"enabled": {"OpsNoSuch": True}}, "enabled.OpsNoSuch"),
        ({"sound": "on"}, "sound"),
        ({"volume": 11}, "volume"),
    ],
)
async def test_what_cannot_be_is_named_and_nothing_is_saved(
    script: Script, change: dict[str, Any], at: str
) -> None:
    told = problem(await script.put(PATH, NOTHING | change, '"0"'), 422, "invalid")

    assert [mistake.place for mistake in told.errors] == [f"body.{at}"]
    assert (await script.get(PATH)).json()["version"] == 0


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_threshold_is_a_number(script: Script, number: str) -> None:
    body = f'{{"thresholds": {{"{RATE}": {number}}}, "enabled": {{}}, "sound": true}}'
    headers = {"content-type": "application/json", "if-match": '"0"'}

    answer = await script.client.put(f"/api/v1{PATH}", content=body, headers=headers)

    problem(answer, 422, "invalid")


async def test_every_part_must_be_sent(script: Script) -> None:
    for name in NOTHING:
        body = {other: value for other, value in NOTHING.items() if other != name}
        told = problem(await script.put(PATH, body, '"0"'), 422, "invalid")
        assert told.errors[0].place == f"body.{name}"
