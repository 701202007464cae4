"""Alertmanager's configuration, as amtool and Alertmanager 0.25 see it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from exporter.catalogue.model import Severity
from exporter.links import Links
from exporter.mixin.alertmanager import RECEIVER, configuration
from tests.mixin.written import ALERTMANAGER

LINKS = Links(
    exporter_url="http://e",
    actions_url="http://a",
    grafana_url="http://g",
    alertmanager_url="http://m",
)


def _run(*command: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603


@pytest.mark.parametrize("credentials", [None, Path("/run/secrets/webhook")])
def test_amtool_accepts_it(amtool: Path, tmp_path: Path, credentials: Path | None) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(configuration(LINKS, credentials_file=credentials), "utf-8")

    done = _run(amtool, "check-config", path)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("severity", list(Severity))
def test_each_severity_reaches_the_receiver_by_a_route_of_its_own(
    amtool: Path, severity: Severity
) -> None:
    test = ("config", "routes", "test", f"--config.file={ALERTMANAGER}")

    done = _run(amtool, *test, f"--verify.receivers={RECEIVER}", f"severity={severity}")

    assert done.returncode == 0, done.stdout + done.stderr
    routes = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))["route"]["routes"]
    assert [f'severity="{severity}"'] in [route["matchers"] for route in routes]


def test_without_a_token_file_no_authorization_is_configured() -> None:
    assert "authorization" not in configuration(LINKS)


def test_the_token_stands_in_its_file_alone() -> None:
    text = configuration(LINKS, credentials_file=Path("/run/secrets/webhook"))

    (receiver,) = yaml.safe_load(text)["receivers"]
    assert receiver["webhook_configs"][0]["http_config"] == {
        "authorization": {"credentials_file": "/run/secrets/webhook"}
    }


def test_an_outage_of_the_exporter_hides_what_it_explains_for_the_same_backend_only() -> None:
    rules = yaml.safe_load(ALERTMANAGER.read_text("utf-8"))["inhibit_rules"]

    (down,) = [rule for rule in rules if 'alertname=~"OpsExporterDown"' in rule["source_matchers"]]
    assert "OpsMonitoringApiDown" in down["target_matchers"][0]
    assert down["equal"] == ["backend"]
