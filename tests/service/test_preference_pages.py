"""The page on which people set thresholds and switches."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue.rules import ALERTS
from tests.service.frame import form_of, serving

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PAGE = "/alerts/preferences"
FIELD = re.compile(r'name="threshold\.(\w+)"[^>]* value="([^"]*)"')
CHECKED = re.compile(r'name="enabled\.(\w+)" value="on" checked')
VERSION = re.compile(r'name="version" value="(\d+)"')


def text_of(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def filled(page: httpx.Response) -> dict[str, str]:
    """Return the form as a browser would send it."""
    found = VERSION.search(page.text)
    assert found
    form = {f"threshold.{name}": value for name, value in FIELD.findall(page.text)}
    form |= {f"enabled.{name}": "on" for name in CHECKED.findall(page.text)}
    form |= {"sound": "on"} if 'name="sound" value="on" checked' in page.text else {}
    return form | {"version": found[1]}


async def save(client: httpx.AsyncClient, **changes: str | None) -> httpx.Response:
    page = await client.get(PAGE)
    form = {**filled(page), **await form_of(client, PAGE)}
    for name, value in changes.items():
        key = name.replace("__", ".")
        if value is None:
            del form[key]
        else:
            form[key] = value
    return await client.post(PAGE, data=form)


async def metrics(client: httpx.AsyncClient) -> str:
    return (await client.get("/metrics", headers={"accept": "text/plain"})).text


async def test_every_alert_stands_there_with_what_is_in_force(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        page = await client.get(PAGE)

    limits = {alert.name for alert in ALERTS if alert.limit}
    assert dict(FIELD.findall(page.text)).keys() == limits
    assert set(CHECKED.findall(page.text)) == {alert.name for alert in ALERTS}
    shown = dict(FIELD.findall(page.text))
    assert (shown["OpsApiErrorRateHigh"], shown["OpsApiResponseTimeHigh"]) == ("5", "500")
    assert "Default 5 %, at most 100 %" in text_of(page)
    assert "Nobody has changed anything yet." in text_of(page)


async def test_a_change_is_in_the_metrics_at_once_and_in_the_audit(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        answer = await save(
            client,
            threshold__OpsApiErrorRateHigh="7",
            threshold__OpsApiResponseTimeHigh="250",
            enabled__OpsModuleSlow=None,
        )
        told = await metrics(client)
        page = await client.get(PAGE)
        audit = await client.get("/audit?action=preferences")

    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert 'ops_alert_threshold{alert="OpsApiErrorRateHigh"} 0.07\n' in told
    assert 'ops_alert_threshold{alert="OpsApiResponseTimeHigh"} 0.25\n' in told
    assert re.search(r'ops_alert_enabled{alert="OpsModuleSlow"} 0(\.0)?\n', told)
    assert dict(FIELD.findall(page.text))["OpsApiErrorRateHigh"] == "7"
    assert "Version 1, saved by ann just now" in text_of(page)
    assert "OpsApiErrorRateHigh threshold" in unescape(audit.text)


async def test_an_empty_field_is_the_default(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        await save(client, threshold__OpsQueueBacklogHigh="150")
        await save(client, threshold__OpsQueueBacklogHigh="")
        page = await client.get(PAGE)

    assert dict(FIELD.findall(page.text))["OpsQueueBacklogHigh"] == "100"


@pytest.mark.parametrize(
    "text", ["five", "5,5", "-1", "1e3", "NaN", "101", "5 %", "\u0665", "9" * 13, "<b>", "0x10"]
)
async def test_a_mistake_is_said_beside_the_field_and_nothing_is_lost(
    tmp_path: Path, text: str
) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        answer = await save(
            client, threshold__OpsApiErrorRateHigh=text, threshold__OpsQueueBacklogHigh="150"
        )
        told = await metrics(client)

    assert answer.status_code == 422
    shown = {name: unescape(value) for name, value in FIELD.findall(answer.text)}
    assert shown["OpsApiErrorRateHigh"] == text
    assert shown["OpsQueueBacklogHigh"] == "150"
    assert 'id="p-OpsApiErrorRateHigh"' in answer.text
    assert "Nothing was saved." in text_of(answer)
    assert "In force: 5 %" in text_of(answer)
    assert 'ops_alert_threshold{alert="OpsQueueBacklogHigh"} 100' in told


async def test_who_was_slower_loses_nothing_and_overwrites_nothing(tmp_path: Path) -> None:
    async with (
        serving(tmp_path) as service,
        service.signed_in() as ann,
        service.signed_in("admin") as admin,
    ):
        seen = {**filled(await admin.get(PAGE)), **await form_of(admin, PAGE)}
        await save(ann, threshold__OpsQueueBacklogHigh="150")
        late = await admin.post(PAGE, data=seen | {"threshold.OpsQueueBacklogHigh": "200"})
        held = dict(FIELD.findall((await admin.get(PAGE)).text))["OpsQueueBacklogHigh"]
        form = {
            **filled(late),
            "form_token": late.text.split('form_token" value="')[1].split('"')[0],
        }
        again = await admin.post(PAGE, data=form)
        after = dict(FIELD.findall((await admin.get(PAGE)).text))["OpsQueueBacklogHigh"]

    assert late.status_code == 409
    assert "ann has saved version 1 meanwhile" in text_of(late)
    assert "In force: 150" in text_of(late)
    assert held == "150"
    assert (again.status_code, after) == (303, "200")


async def test_what_must_not_be_off_stays_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        await save(client, enabled__OpsWatchdog=None)
        told = await metrics(client)
        page = await client.get(PAGE)

    assert re.search(r'ops_alert_enabled{alert="OpsWatchdog"} 1(\.0)?\n', told)
    assert "Cannot be off: nobody would know that nothing works." in text_of(page)


async def test_the_sound_is_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        await save(client, sound=None)
        page = await client.get(PAGE)

    assert 'name="sound" value="on" checked' not in page.text


async def test_who_may_only_look_sees_everything_and_has_no_button(tmp_path: Path) -> None:
    async with serving(tmp_path) as service, service.signed_in("vic") as client:
        page = await client.get(PAGE)

    assert ">Save<" not in page.text
    assert "You may look and not act" in text_of(page)


@pytest.mark.parametrize("version", ["", "x", "-1", "9" * 30, "7"])
async def test_a_version_that_there_is_not_overwrites_nothing(tmp_path: Path, version: str) -> None:
    async with serving(tmp_path) as service, service.signed_in() as client:
        answer = await save(client, version=version, threshold__OpsQueueBacklogHigh="150")
        told = await metrics(client)

    assert answer.status_code == 409
    assert 'ops_alert_threshold{alert="OpsQueueBacklogHigh"} 100' in told
