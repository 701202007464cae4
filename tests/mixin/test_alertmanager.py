"""Alertmanager's configuration, as amtool 0.25 sees it."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.catalogue.model import Severity
from exporter.links import Links
from exporter.mixin.alertmanager import (
    SWITCH_RECEIVER,
    WATCHDOG,
    WATCHDOG_RECEIVER,
    configuration,
    drop_in,
    receiver_of,
)
from exporter.settings import AlertmanagerSettings
from tests.mixin.written import ALERTMANAGER

if TYPE_CHECKING:
    from pathlib import Path

LINKS = Links(
    exporter_url="http://e",
    actions_url="http://a",
    grafana_url="http://g",
    alertmanager_url="http://m",
)
NOBODY = AlertmanagerSettings()
# All that 0.25 has.
EVERYBODY = AlertmanagerSettings.model_validate(
    {
        "webhook_token_file": "/run/actions",
        "slack": [{"api_url_file": "/run/slack", "channel": "#ops"}],
        "email": [
            {
                "to": ["a@example.org", "b@example.org"],
                "sender": "c@example.org",
                "smarthost": "mail.example.org:587",
                "auth_username": "c",
                "auth_password_file": "/run/password",
            }
        ],
        "pagerduty": [{"routing_key_file": "/run/key", "severities": ["critical"]}],
        "webhook": [
            {"url": "https://x.example.org/?a=b", "severities": ["info"]},
            {"url": "https://y.example.org", "credentials_file": "/run/y", "severities": ["info"]},
        ],
        "dead_mans_switch": {"url": "https://z.example.org", "interval": "1m"},
    }
)
NEWEST = AlertmanagerSettings.model_validate(
    {
        "version": "0.28",
        "msteams": [{"webhook_url_file": "/run/teams"}],
        "webhook": [{"url_file": "/run/webhook"}],
        "dead_mans_switch": {"url_file": "/run/heartbeat"},
    }
)


def _tree(settings: AlertmanagerSettings) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(configuration(LINKS, settings))
    return tree


def _receivers(settings: AlertmanagerSettings) -> dict[str, dict[str, Any]]:
    return {receiver["name"]: receiver for receiver in _tree(settings)["receivers"]}


def _run(*command: object) -> None:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("settings", [NOBODY, EVERYBODY], ids=["nobody", "everybody"])
def test_amtool_accepts_it(amtool: Path, tmp_path: Path, settings: AlertmanagerSettings) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(LINKS, settings), "utf-8")

    _run(amtool, "check-config", path)


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_reaches_its_receiver_by_a_route_of_its_own(
    amtool: Path, severity: Severity
) -> None:
    test = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")

    _run(amtool, *test, f"--verify.receivers={receiver_of(severity)}", f"severity={severity}")

    routes = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))["route"]["routes"]
    assert [f'severity="{severity}"'] in [route["matchers"] for route in routes]


@pytest.mark.parametrize(
    ("settings", "receivers"),
    [(NOBODY, WATCHDOG_RECEIVER), (EVERYBODY, f"{SWITCH_RECEIVER},{WATCHDOG_RECEIVER}")],
    ids=["without a switch", "with a switch"],
)
def test_the_watchdog_reaches_machines_and_never_the_people_who_want_to_know_of_infos(
    amtool: Path, tmp_path: Path, settings: AlertmanagerSettings, receivers: str
) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(LINKS, settings), "utf-8")
    test = ("config", "routes", "test", f"--config.file={path}", f"--verify.receivers={receivers}")

    _run(amtool, *test, f"alertname={WATCHDOG}", "severity=info")


def test_every_receiver_but_the_switch_tells_the_action_service_of_all_and_of_the_end() -> None:
    for name, receiver in _receivers(EVERYBODY).items():
        if name != SWITCH_RECEIVER:
            assert receiver["webhook_configs"][0] == {
                "url": "http://a/webhooks/alertmanager",
                "send_resolved": True,
                "max_alerts": 0,
                "http_config": {"authorization": {"credentials_file": "/run/actions"}},
            }


def test_behind_a_proxy_the_action_service_is_told_at_its_own_address() -> None:
    direct = AlertmanagerSettings(actions_url="http://127.0.0.1:9848")

    found = {config["url"] for r in _receivers(direct).values() for config in r["webhook_configs"]}

    assert found == {"http://127.0.0.1:9848/webhooks/alertmanager"}


def test_people_hear_of_the_severities_that_they_want_and_by_default_not_of_infos() -> None:
    found = _receivers(EVERYBODY)

    kinds = {name: {k: len(v) for k, v in r.items() if k != "name"} for name, r in found.items()}
    assert kinds == {
        "ops-watchdog": {"webhook_configs": 1},
        "ops-dead-mans-switch": {"webhook_configs": 1},
        "ops-critical": {
            "slack_configs": 1,
            "email_configs": 2,
            "pagerduty_configs": 1,
            "webhook_configs": 1,
        },
        "ops-warning": {"slack_configs": 1, "email_configs": 2, "webhook_configs": 1},
        "ops-info": {"webhook_configs": 3},
    }


def test_everybody_is_told_of_the_end_but_the_switch_which_would_take_it_for_a_sign_of_life() -> (
    None
):
    for name, receiver in _receivers(EVERYBODY).items():
        for configs in (value for key, value in receiver.items() if key != "name"):
            for config in configs:
                assert config["send_resolved"] is (name != SWITCH_RECEIVER)


def test_the_switch_hears_of_us_in_each_interval() -> None:
    """Said again only when the last time is longer ago than repeat_interval, at each interval."""
    (route,) = [r for r in _tree(EVERYBODY)["route"]["routes"] if r["receiver"] == SWITCH_RECEIVER]

    assert (route["group_wait"], route["group_interval"]) == ("0s", "60s")
    assert route["repeat_interval"] == "54s"


def test_what_a_newer_version_has_is_rendered_for_it() -> None:
    found = _receivers(NEWEST)

    assert found["ops-critical"]["msteamsv2_configs"][0]["webhook_url_file"] == "/run/teams"
    assert found["ops-critical"]["webhook_configs"][1]["url_file"] == "/run/webhook"
    assert found[SWITCH_RECEIVER]["webhook_configs"][0]["url_file"] == "/run/heartbeat"


def test_without_a_token_file_no_authorization_is_configured() -> None:
    assert "authorization" not in configuration(LINKS, NOBODY)


def test_it_fits_into_the_configuration_of_somebody_else(amtool: Path, tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "route": {
            "receiver": "theirs",
            "routes": [{"receiver": "theirs", "matchers": ["severity=~warning|critical"]}],
        },
        "inhibit_rules": [],
        "receivers": [{"name": "theirs"}],
    }
    ours = yaml.safe_load(drop_in(LINKS, EVERYBODY))
    tree["route"]["routes"] = [*ours["route"]["routes"], *tree["route"]["routes"]]
    tree["receivers"] += ours["receivers"]
    tree["inhibit_rules"] += ours["inhibit_rules"]
    tree["templates"] = ours["templates"]
    path = tmp_path / "alertmanager.yml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    test = ("config", "routes", "test", f"--config.file={path}")

    _run(amtool, "check-config", path)
    _run(amtool, *test, "--verify.receivers=ops-critical", "alertname=OpsA", "severity=critical")
    _run(amtool, *test, "--verify.receivers=theirs", "alertname=DiskFull", "severity=critical")


def test_an_outage_of_the_exporter_hides_what_it_explains_for_the_same_backend_only() -> None:
    rules = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))["inhibit_rules"]

    (down,) = [rule for rule in rules if "OpsExporterDown" in rule["source_matchers"][0]]
    assert "OpsMonitoringApiDown" in down["target_matchers"][0]
    assert down["equal"] == ["backend"]
