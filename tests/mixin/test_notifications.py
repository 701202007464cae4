"""The templates, rendered by the real amtool 0.25 from what Alertmanager would hand to them."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from exporter.links import Links
from exporter.mixin.notifications import FITTING, templates
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Render = Callable[[str, dict[str, Any]], str]

GOLDEN = ROOT / "tests" / "golden" / "notifications"
LINKS = Links(
    exporter_url="https://exporter.example.org",
    actions_url="https://actions.example.org",
    grafana_url="https://grafana.example.org",
    alertmanager_url="https://alertmanager.example.org",
)
HTML: Final = "ops.email.html"
# Every template that Alertmanager's configuration names, or may name.
NAMES: Final = (
    "ops.title",
    "ops.text",
    "ops.slack.title",
    "ops.slack.fallback",
    "ops.slack.title_link",
    "ops.slack.color",
    "ops.slack.text",
    "ops.email.subject",
    "ops.email.text",
    HTML,
    "ops.pagerduty.description",
    "ops.pagerduty.class",
    "ops.pagerduty.component",
    "ops.pagerduty.group",
    "ops.pagerduty.client_url",
    "ops.pagerduty.dashboard",
    "ops.pagerduty.runbook",
    "ops.pagerduty.alerts",
    "ops.pagerduty.num_firing",
    "ops.pagerduty.num_resolved",
    "ops.msteams.title",
    "ops.msteams.text",
)
FIRING: dict[str, Any] = {
    "status": "firing",
    "labels": {
        "alertname": "OpsApiErrorRateHigh",
        "severity": "critical",
        "backend": "production",
        "module": "search",
    },
    "annotations": {
        "summary": "The API answers many requests with errors.",
        "description": "7.5 % of the requests to backend production fail; 5 % are allowed.",
        "value": "7.5 %",
        "threshold": "5 %",
        "runbook_url": "https://exporter.example.org/runbook#opsapierrorratehigh",
        "dashboard_url": "https://grafana.example.org/d/ops-overview?var-backend=a&viewPanel=4",
        "refresh_url": "https://actions.example.org/actions/refresh?backend=production",
    },
    "startsAt": "2026-01-02T03:12:05.4Z",
    "fingerprint": "0123456789abcdef",
}
RESOLVED = FIRING | {
    "status": "resolved",
    "labels": FIRING["labels"] | {"module": "ingestion"},
    "endsAt": "2026-01-02T03:40:00Z",
}
BARE: dict[str, Any] = {"status": "firing"}
HOSTILE = FIRING | {
    "labels": FIRING["labels"]
    | {
        "module": "<b>bold</b> & <http://evil.example|click> <!here> @channel",
        "job_id": "`x` [click](http://evil.example) *b* \\ \u202eright to left\nsecond line",
        "script": "</span></style><script>alert(1)</script>",
    },
    "annotations": {
        "summary": "A <b>summary</b> & <!channel>.",
        "description": "See <http://evil.example|here> and [there](http://evil.example).",
        "value": '"><img src=x onerror=alert(1)>',
        "threshold": "<5>",
        "dashboard_url": "javascript:alert(1)",
        "runbook_url": "https://exporter.example.org/> <!here>",
        "refresh_url": "https://actions.example.org/actions/refresh|text",
        "clear_cache_url": "HTTPS://actions.example.org/",
        "retry_job_url": "https://actions.example.org/actions/retry-job?a=(b)&c='d'",
    },
    "fingerprint": "0123456789abcdef|x",
}


def notification(*alerts: dict[str, Any]) -> dict[str, Any]:
    """Return what Alertmanager makes of these alerts."""

    def common(kind: str) -> dict[str, str]:
        first = alerts[0].get(kind, {}) if alerts else {}
        return {k: v for k, v in first.items() if all(a.get(kind, {}).get(k) == v for a in alerts)}

    fires = not alerts or any(alert["status"] == "firing" for alert in alerts)
    return {
        "receiver": "ops-critical",
        "status": "firing" if fires else "resolved",
        "alerts": list(alerts),
        "groupLabels": {},
        "commonLabels": common("labels"),
        "commonAnnotations": common("annotations"),
        "externalURL": "https://alertmanager.example.org",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates")
    for name, text in templates(LINKS).items():
        (folder / name).write_text(text, "utf-8")
    return folder


@pytest.fixture
def render(amtool: Path, folder: Path, tmp_path: Path) -> Render:
    def rendered(name: str, data: dict[str, Any]) -> str:
        path = tmp_path / "data.json"
        path.write_text(json.dumps(data), "utf-8")
        done = subprocess.run(  # noqa: S603
            [
                amtool,
                "template",
                "render",
                f"--template.glob={folder}/*.tmpl",
                f"--template.text={{{{ template {json.dumps(name)} . }}}}",
                f"--template.type={'html' if name == HTML else 'text'}",
                f"--template.data={path}",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr
        return done.stdout

    return rendered


CASES = {
    "firing": notification(FIRING),
    "resolved": notification(RESOLVED),
    "both": notification(FIRING, RESOLVED),
    "hostile": notification(HOSTILE),
    "bare": notification(BARE),
    "none": notification(),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(
    "name", ["ops.slack.text", "ops.text", "ops.msteams.text", "ops.title", "ops.email.html"]
)
def test_each_format_says_what_its_golden_file_says(render: Render, name: str, case: str) -> None:
    """Written anew by removing the files below tests/golden/notifications and running the tests."""
    suffix = "html" if name == HTML else "txt"
    path = GOLDEN / f"{name}.{case}.{suffix}"
    got = render(name, CASES[case])
    if not path.exists():
        path.write_text(got, "utf-8")
        pytest.fail(f"{path.name} was not there: written, look at it")

    assert got == path.read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", CASES)
def test_no_template_stumbles_over_what_is_missing_or_many(
    render: Render, name: str, case: str
) -> None:
    got = render(name, CASES[case])

    assert "<no value>" not in got
    assert "ZgotmplZ" not in got
    assert "0001-01-01" not in got


def test_every_template_is_named_by_the_tests() -> None:
    defined = {
        name
        for text in templates(LINKS).values()
        for name in re.findall(r'\{\{ define "([^"]+)"', text)
    }

    assert {name for name in defined if not name.endswith(".alert")} == set(NAMES)


@pytest.mark.parametrize("name", ["ops.slack.text", "ops.slack.title", "ops.slack.fallback"])
def test_nothing_in_an_alert_makes_a_link_or_a_mention_in_slack(render: Render, name: str) -> None:
    got = render(name, CASES["hostile"])

    assert re.findall(r"<[^>]*>?", got) == []
    assert "\u202e" not in got


def test_nothing_in_an_alert_makes_a_link_in_teams(
    render: Render,
) -> None:
    got = render("ops.msteams.text", CASES["hostile"])

    assert re.findall(r"\]\(([^)]*)\)", got) == []
    assert "<" not in got


def test_nothing_in_an_alert_becomes_html_in_a_mail(
    render: Render,
) -> None:
    got = render(HTML, CASES["hostile"])

    assert {"<script", "<img", "<b>", "javascript:"} & set(re.findall(r"<\w+>?|\w+:", got)) == set()
    assert re.findall(r'href="([^"]*)"', got) == ["https://actions.example.org/alerts"]


def _longest(count: int, status: str, *, link: int, letter: str) -> list[dict[str, Any]]:
    """Return alerts with each part longer than it may be, and links of just that length."""
    long = letter * 4096
    url = "https://example.org/?".ljust(link, "x")
    names = ("dashboard_url", "runbook_url", *(name for name, _ in FITTING))
    return [
        {
            "status": status,
            "labels": {f"label_{n:02}_{'x' * 4096}": f"{number}{long}" for n in range(30)}
            | {"alertname": long, "backend": long, "severity": "critical"},
            "annotations": dict.fromkeys(("summary", "description", "value", "threshold"), long)
            | dict.fromkeys(names, url),
            "startsAt": "2026-01-02T03:12:05Z",
            "endsAt": "2026-01-05T03:12:05Z",
            "fingerprint": "0123456789abcdef",
        }
        for number in range(count)
    ]


# Characters: what the sources in the templates allow, and the longest link of each format.
LIMITS = {
    "ops.slack.text": (40_000, 350, "&"),
    "ops.slack.title": (1024, 350, "&"),
    "ops.msteams.text": (14_000, 220, "<"),
    "ops.pagerduty.description": (1024, 1000, "&"),
    "ops.pagerduty.alerts": (512_000, 1000, "&"),
    "ops.email.subject": (998, 1000, "&"),
    HTML: (102_000, 240, "x"),
}


@pytest.mark.parametrize("name", LIMITS)
def test_the_longest_notification_keeps_to_the_limit_of_its_format(
    render: Render, name: str
) -> None:
    limit, link, letter = LIMITS[name]
    firing = _longest(20, "firing", link=link, letter=letter)
    resolved = _longest(20, "resolved", link=link, letter=letter)

    got = render(name, notification(*firing, *resolved))

    assert 0 < len(got) <= limit
    if name in {"ops.slack.text", "ops.msteams.text", HTML}:
        assert got.count("https://example.org/?") > 2 * len(FITTING), "the links were shown"


@pytest.mark.parametrize("name", ["ops.slack.text", "ops.slack.title"])
def test_no_entity_is_cut_in_two(render: Render, name: str) -> None:
    for shift in range(5):
        letters = "x" * shift + "&" * 500
        alert = FIRING | {"annotations": {"summary": letters, "description": letters}}

        got = render(name, notification(alert))

        assert re.findall(r"&(?!amp;)", got) == []


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("ops.slack.text", "… and <https://actions.example.org/alerts|995 more firing>"),
        ("ops.text", "… and 990 more firing:\nAll alerts: https://actions.example.org/alerts"),
        ("ops.msteams.text", "… and [997 more firing](https://actions.example.org/alerts)"),
        (HTML, "… and 990 more firing."),
    ],
)
def test_of_a_thousand_alerts_the_first_are_shown_and_the_rest_is_a_link(
    render: Render, name: str, more: str
) -> None:
    data = notification(*([FIRING] * 1000))

    assert more in render(name, data)


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ("2026-01-02T03:12:05.4Z", "Resolved at 2026-01-02 03:12:05 UTC;"),
        ("2026-01-02T03:12:17Z", "after 12 s;"),
        ("2026-01-02T03:13:05.4Z", "after 1 min;"),
        ("2026-01-02T03:40:00Z", "after 27 min 55 s;"),
        ("2026-01-02T05:12:05.4Z", "after 2 h 0 min;"),
        ("2026-01-05T06:24:10Z", "after 75 h 12 min;"),
    ],
)
def test_a_resolved_alert_says_how_long_it_lasted(render: Render, ends: str, text: str) -> None:
    assert text in render("ops.text", notification(RESOLVED | {"endsAt": ends}))


def test_the_end_of_a_critical_limit_is_no_all_clear(render: Render) -> None:
    assert render("ops.title", notification(RESOLVED)).startswith("RESOLVED critical: ")
    assert "; its warning may go on" in render("ops.text", notification(RESOLVED))
    warning = RESOLVED | {"labels": RESOLVED["labels"] | {"severity": "warning"}}
    assert "may go on" not in render("ops.text", notification(warning))


def test_what_is_over_can_be_looked_at_and_not_acknowledged(
    render: Render,
) -> None:
    got = render("ops.slack.text", notification(RESOLVED))

    assert "|Dashboard>" in got
    assert "|Acknowledge>" not in got
    assert "|Refresh now>" not in got
