"""Alerts by the API: what fires and has fired, and what people say of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.service.api.calling import Place, Script, calling, problem
from tests.service.fake_alertmanager import fingerprint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NAME: Final = "OpsModuleDown"
LABELS: Final = {"backend": "default", "module": "auth"}
WARNING: Final = {"alertname": NAME, **LABELS, "severity": "warning"}
BODY: Final = {"alertname": NAME, "labels": LABELS, "comment": "on it"}
QUERY: Final = {"alertname": NAME, "label": ["backend=default", "module=auth"]}
ACKNOWLEDGE: Final = "/alerts/acknowledge"
DISMISS: Final = "/alerts/dismiss"
DAY: Final = "2027-01-16T08:00:00Z"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with calling(tmp_path) as place:
        place.alertmanager.fire(**WARNING)
        yield place


@pytest.fixture
async def script(place: Place) -> AsyncIterator[Script]:
    async with place.script() as script:
        yield script


async def test_what_fires_is_told_with_what_hides_it(place: Place, script: Script) -> None:
    await place.notified(labels=WARNING, fingerprint="a1")
    await place.notified(
        labels={**WARNING, "alertname": "OpsModuleSlow", "severity": "info"}, fingerprint="a2"
    )
    acknowledged = (await script.post(ACKNOWLEDGE, BODY)).json()["acknowledgement"]["id"]

    told = (await script.get("/alerts")).json()
    warnings = (await script.get("/alerts", severity="warning", limit=1)).json()

    assert told["total"] == 2
    by_name = {alert["alertname"]: alert for alert in told["alerts"]}
    down = by_name[NAME]
    assert (down["acknowledgement"], down["severity"], down["status"]) == (
        acknowledged,
        "warning",
        "firing",
    )
    assert down["labels"] == {**LABELS, "severity": "warning"}
    assert down["annotations"] == {"summary": "A module is down."}
    assert (down["starts_at"], down["ends_at"]) == ("2027-01-15T07:00:00Z", None)
    assert by_name["OpsModuleSlow"]["acknowledgement"] is None
    assert ([alert["alertname"] for alert in warnings["alerts"]], warnings["total"]) == ([NAME], 1)


async def test_no_more_is_told_at_once_than_asked_for_and_all_of_it_in_portions(
    place: Place, script: Script
) -> None:
    for number in range(7):
        await place.notified(
            labels={**WARNING, "module": f"m{number}"},
            fingerprint=f"a{number}",
            startsAt=f"2027-01-15T07:0{number // 2}:00Z",
        )

    found: list[str] = []
    more: dict[str, Any] = {}
    while True:
        told = (await script.get("/alerts/history", limit=3, **more)).json()
        assert told["total"] == 7
        found += [alert["labels"]["module"] for alert in told["alerts"]]
        if told["next"] is None:
            break
        more = {"before": told["next"]}

    assert found == [f"m{number}" for number in reversed(range(7))]
    firing = (await script.get("/alerts", limit=2)).json()
    assert (len(firing["alerts"]), firing["total"]) == (2, 7)


async def test_the_history_is_searched(place: Place, script: Script) -> None:
    await place.notified(labels=WARNING, fingerprint="a1")
    await place.notified(
        labels=WARNING, fingerprint="a1", status="resolved", endsAt="2027-01-15T07:30:00Z"
    )
    await place.notified(labels={**WARNING, "module": "search", "severity": "info"})

    by_word = (await script.get("/alerts/history", q="MODULE=auth down")).json()
    by_severity = (await script.get("/alerts/history", severity="info")).json()
    nothing = (await script.get("/alerts/history", q="' OR 1=1 --")).json()
    one = (await script.get(f"/alerts/history/{by_word['alerts'][0]['id']}")).json()

    assert [alert["ended_by"] for alert in by_word["alerts"]] == ["resolved"]
    assert one == by_word["alerts"][0]
    assert one["ends_at"] == "2027-01-15T07:30:00Z"
    assert [alert["labels"]["module"] for alert in by_severity["alerts"]] == ["search"]
    assert nothing == {"alerts": [], "total": 0, "next": None}


@pytest.mark.parametrize("path", [ACKNOWLEDGE, DISMISS])
async def test_what_it_would_hide_is_said_and_nothing_changes(
    place: Place, script: Script, path: str
) -> None:
    before = await place.service.fingerprint()
    by_labels = (await script.get(path, **QUERY)).json()
    by_fingerprint = (await script.get(path, fingerprint=fingerprint(WARNING))).json()

    assert by_labels == by_fingerprint
    assert (by_labels["alertname"], by_labels["labels"]) == (NAME, LABELS)
    assert [alert["labels"]["module"] for alert in by_labels["alerts"]] == ["auth"]
    assert by_labels["until"] == (DAY if path == ACKNOWLEDGE else "2027-01-15T08:30:00Z")
    assert by_labels["refusal"] == ""
    assert 'module="auth"' in by_labels["matchers"]
    assert place.alertmanager.posts == 0
    assert await place.service.fingerprint() == before


async def test_what_is_previewed_can_be_sent_as_it_is(script: Script) -> None:
    told = (await script.get(ACKNOWLEDGE, fingerprint=fingerprint(WARNING))).json()
    answer = await script.post(ACKNOWLEDGE, {name: told[name] for name in ("alertname", "labels")})

    assert answer.status_code == 200, answer.text
    assert (await script.get(ACKNOWLEDGE, **QUERY)).json()["existing"] == answer.json()[
        "acknowledgement"
    ]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({}, "name the alert"),
        ({"alertname": NAME}, "at least one more label"),
        ({"alertname": "OpsWatchdog", "label": ["backend=default"]}, "nobody hides it"),
        ({"alertname": NAME, "label": ["a=1", "a=2"]}, "each label once"),
        ({"alertname": NAME, "label": ["alertname=x"]}, "each label once"),
        ({"alertname": NAME, "label": ["backend"]}, "pattern"),
        ({"alertname": NAME, "label": ["a=b"], "fingerprint": "aa"}, "alone"),
        ({"fingerprint": "../x"}, "pattern"),
        ({"alertname": NAME, "label": ["a=\0"]}, "256 characters"),
        ({"alertname": NAME, "backend": "default"}, "Extra inputs"),
    ],
)
async def test_a_query_that_names_no_alert_is_refused(
    script: Script, query: dict[str, Any], words: str
) -> None:
    told = problem(await script.get(ACKNOWLEDGE, **query), 422, "invalid")

    assert words in told.detail


@pytest.mark.parametrize(
    ("body", "place_"),
    [
        ({"alertname": NAME}, "body.labels"),
        ({"alertname": NAME, "labels": {}}, "body.labels"),
        ({"alertname": "", "labels": LABELS}, "body.alertname"),
        ({"alertname": NAME, "labels": {"a": 1}}, "body.labels.a"),
        ({"alertname": NAME, "labels": {"a-b": "1"}}, "body.labels.a-b.[key]"),
        ({"alertname": NAME, "labels": LABELS, "comment": "x" * 1001}, "body.comment"),
        ({"alertname": NAME, "labels": {"alertname": "x"}}, "labels"),
        ({"alertname": NAME, "labels": {"a": ""}}, "alertname"),
        ({"fingerprint": "aa"}, "body.alertname"),
    ],
)
async def test_a_body_that_names_no_alert_is_refused(
    place: Place, script: Script, body: dict[str, Any], place_: str
) -> None:
    told = problem(await script.post(ACKNOWLEDGE, body), 422, "invalid")

    assert told.errors[0].place == place_
    assert place.alertmanager.posts == 0


async def test_an_acknowledgement_is_in_force_until_it_is_withdrawn(
    place: Place, script: Script
) -> None:
    answer = await script.post(ACKNOWLEDGE, BODY)
    told = answer.json()
    number = told["acknowledgement"]["id"]
    active = (await script.get("/acknowledgements")).json()["acknowledgements"]
    hidden = place.alertmanager.hidden(**WARNING)
    withdrawn = await script.post(f"/acknowledgements/{number}/withdraw", key="w")
    again = await script.post(f"/acknowledgements/{number}/withdraw", key="w")
    over = await script.post(f"/acknowledgements/{number}/withdraw")

    assert (answer.status_code, told["state"]) == (200, "done")
    assert told["acknowledgement"] == {
        "id": number,
        "kind": "acknowledge",
        "alertname": NAME,
        "labels": LABELS,
        "severity": "warning",
        "who": "all",
        "comment": "on it",
        "at": "2027-01-15T08:00:00Z",
        "expires_at": DAY,
        "confirmed": True,
        "ended_at": None,
        "ended_by": None,
    }
    assert active == [told["acknowledgement"]]
    assert len(hidden) == 1
    assert withdrawn.json()["message"] == "Withdrawn: what still fires is told again."
    assert again.json()["audit"] == withdrawn.json()["audit"]
    assert over.json()["message"] == "It had ended already."
    assert place.alertmanager.hidden(**WARNING) == []
    gone = (await script.get(f"/acknowledgements/{number}")).json()
    assert gone["ended_by"] == "withdrawn"
    assert (await script.get("/acknowledgements")).json() == {"acknowledgements": []}


async def test_a_dismissal_is_short(script: Script) -> None:
    told = (await script.post(DISMISS, BODY)).json()["acknowledgement"]

    assert (told["kind"], told["expires_at"]) == ("dismiss", "2027-01-15T08:30:00Z")


async def test_the_same_key_is_one_acknowledgement_and_no_other_one(
    place: Place, script: Script
) -> None:
    first = await script.post(ACKNOWLEDGE, BODY, key="once")
    again = await script.post(ACKNOWLEDGE, BODY, key="once")
    other = await script.post(ACKNOWLEDGE, {**BODY, "comment": "why"}, key="once")
    elsewhere = await script.post("/acknowledgements/7/withdraw", key="once")

    assert again.json() == first.json()
    problem(other, 422, "key-reused")
    problem(elsewhere, 404)
    assert place.alertmanager.posts == 1


async def test_what_does_not_fire_is_not_acknowledged(place: Place, script: Script) -> None:
    place.alertmanager.resolve(**WARNING)

    refused = problem(await script.post(ACKNOWLEDGE, BODY), 409)

    assert refused.detail.startswith("No such alert fires")
    entry = (await script.get(f"/audit/{refused.audit}")).json()
    assert (entry["action"], entry["state"]) == ("acknowledge", "refused")


async def test_what_alertmanager_has_not_confirmed_is_accepted(
    place: Place, script: Script
) -> None:
    place.alertmanager.deaf = True

    answer = await script.post(ACKNOWLEDGE, BODY)

    assert (answer.status_code, answer.json()["state"]) == (202, "started")
    assert "has not confirmed" in answer.json()["message"]
    assert answer.json()["acknowledgement"]["confirmed"] is False


async def test_an_alertmanager_that_is_away_is_said_so(place: Place, script: Script) -> None:
    place.alertmanager.unreachable = True

    looked = (await script.get(ACKNOWLEDGE, **QUERY)).json()
    refused = problem(await script.post(ACKNOWLEDGE, BODY), 409)

    assert looked["refusal"] == refused.detail
    assert refused.detail.startswith("Alertmanager does not say what fires.")
    assert looked["until"] is None
