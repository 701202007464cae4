"""One alert through the real Alertmanager to everybody; servers of ours stand in for theirs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import yaml

from exporter.mixin import files
from exporter.settings import Settings
from scripts.layout import quicken
from tests.e2e.fakes import http_sink, mail_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage
    from pathlib import Path

    from tests.conftest import Start
    from tests.e2e.fakes import Posted

# Longer than any of this takes: a notification that does not come fails the test.
PATIENCE_S = 60
MODULE = "<b>search</b> & <!here> <http://evil.example|click>"
SUMMARY = "The API answers many requests with errors."
ANNOTATIONS = {
    "summary": SUMMARY,
    "description": f"7.5 % of the requests to {MODULE} fail.",
    "value": "7.5 %",
    "threshold": "5 %",
    "runbook_url": "http://127.0.0.1:9847/runbook#opsapierrorratehigh",
    "dashboard_url": "http://127.0.0.1:3000/d/ops-overview?var-backend=a&viewPanel=4",
    "refresh_url": "javascript:alert(1)",
}
ANSWERS = {
    "/webhooks/alertmanager": (200, b""),
    "/slack": (200, b"ok"),
    "/pagerduty": (202, b'{"status": "success"}'),
    "/other?team=ops": (200, b""),
    "/heartbeat": (200, b""),
}


@dataclass(frozen=True)
class Told:
    """What arrived where: each request by its path, and the mail."""

    posted: dict[str, Any]
    authorization: dict[str, str | None]
    mail: EmailMessage


def settings(folder: Path, http: int, smtp: int) -> Settings:
    """Return settings that send everything to these ports; secrets end with a line break."""
    secrets = {"slack": f"http://127.0.0.1:{http}/slack", "key": "k" * 32, "token": "s3cret"}
    for name, text in secrets.items():
        (folder / name).write_text(f"{text}\n", "utf-8")
    return Settings.model_validate(
        {
            "actions": {"url": f"http://127.0.0.1:{http}"},
            "alertmanager": {
                "webhook_token_file": folder / "token",
                "slack": [{"api_url_file": folder / "slack"}],
                "email": [
                    {
                        "to": ["ops@example.org"],
                        "sender": "alertmanager@example.org",
                        "smarthost": f"127.0.0.1:{smtp}",
                        "require_tls": False,
                    }
                ],
                "pagerduty": [
                    {
                        "routing_key_file": folder / "key",
                        "url": f"http://127.0.0.1:{http}/pagerduty",
                    }
                ],
                "webhook": [{"url": f"http://127.0.0.1:{http}/other?team=ops"}],
                "dead_mans_switch": {"url": f"http://127.0.0.1:{http}/heartbeat"},
            },
        }
    )


@pytest.fixture
def told(
    tmp_path: Path, alertmanager: Path, start: Start, free_port: Callable[[], int]
) -> Iterator[Told]:
    with http_sink(ANSWERS) as (http, requests), mail_server() as (smtp, mails):
        for name, text in files.rendered(settings(tmp_path, http, smtp)).items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        path = tmp_path / "alertmanager" / "alertmanager.yml"
        config = yaml.safe_load(path.read_text("utf-8"))
        quicken(config["route"], 1)
        path.write_text(yaml.safe_dump(config), "utf-8")
        url = f"http://127.0.0.1:{free_port()}"
        start(
            alertmanager,
            f"--config.file={path}",
            f"--storage.path={tmp_path / 'data'}",
            f"--web.listen-address={url.removeprefix('http://')}",
            "--cluster.listen-address=",
            ready=f"{url}/-/ready",
        )
        begun = datetime.now(UTC)
        alerts = [
            {
                "labels": {
                    "alertname": "OpsApiErrorRateHigh",
                    "severity": "critical",
                    "backend": "production",
                    "module": MODULE,
                },
                "annotations": ANNOTATIONS,
                "startsAt": begun.isoformat(),
                "endsAt": (begun + timedelta(minutes=5)).isoformat(),
            },
            {"labels": {"alertname": "OpsWatchdog", "severity": "info"}},
        ]
        httpx.post(f"{url}/api/v2/alerts", json=alerts, trust_env=False).raise_for_status()
        arrived: dict[str, Posted] = {}
        while arrived.keys() < ANSWERS.keys():
            request = requests.get(timeout=PATIENCE_S)
            # The action service is told of both.
            if request.body.get("receiver") != "ops-watchdog":
                arrived[request.path] = request
        yield Told(
            posted={path: request.body for path, request in arrived.items()},
            authorization={path: request.authorization for path, request in arrived.items()},
            mail=mails.get(timeout=PATIENCE_S),
        )


def test_one_alert_reaches_everybody_who_wants_to_know_of_it(told: Told) -> None:
    webhook = told.posted["/webhooks/alertmanager"]
    assert webhook["receiver"] == "ops-critical"
    assert webhook["truncatedAlerts"] == 0
    assert [alert["labels"]["module"] for alert in webhook["alerts"]] == [MODULE]
    assert told.posted["/other?team=ops"]["alerts"] == webhook["alerts"]
    assert told.authorization == {
        "/webhooks/alertmanager": "Bearer s3cret",
        "/slack": None,
        "/pagerduty": None,
        "/other?team=ops": None,
        "/heartbeat": None,
    }
    fingerprint = webhook["alerts"][0]["fingerprint"]
    acknowledge = f"/alerts/acknowledge?fingerprint={fingerprint}"

    (slack,) = told.posted["/slack"]["attachments"]
    assert slack["title"] == f"CRITICAL: {SUMMARY.removesuffix('.')} · production"
    assert slack["color"] == "#b42318"
    assert "*7.5 %* (threshold 5 %) · Firing since 20" in slack["text"]
    assert "`module=&lt;b&gt;search&lt;/b&gt; &amp; &lt;!here&gt;" in slack["text"]
    assert f"{acknowledge}|Acknowledge>" in slack["text"]
    assert "javascript" not in slack["text"]

    event = told.posted["/pagerduty"]
    assert (event["event_action"], event["routing_key"]) == ("trigger", "k" * 32)
    assert event["payload"]["summary"] == slack["title"]
    assert event["payload"]["severity"] == "critical"
    assert event["payload"]["component"] == MODULE
    # A number for newer ones, a text for 0.25.
    assert str(event["payload"]["custom_details"]["num_firing"]) == "1"
    assert acknowledge in event["payload"]["custom_details"]["alerts"]
    assert [link["href"] for link in event["links"]] == [
        ANNOTATIONS["dashboard_url"],
        ANNOTATIONS["runbook_url"],
    ]

    assert told.mail["Subject"] == slack["title"]
    assert told.mail["To"] == "ops@example.org"
    plain, html = (told.mail.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert f'module="{MODULE}"' in plain.get_content()
    assert acknowledge in html.get_content()
    assert "&lt;b&gt;search&lt;/b&gt; &amp; &lt;!here&gt;" in html.get_content()
    assert "<b>" not in html.get_content()
    assert "javascript" not in html.get_content()

    heartbeat = told.posted["/heartbeat"]
    assert heartbeat["receiver"] == "ops-dead-mans-switch"
    assert heartbeat["status"] == "firing"
