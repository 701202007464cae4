"""Every link in every generated file leads somewhere."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from exporter.catalogue import actions, dashboards
from exporter.catalogue.actions import WEBHOOK
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.rules.monitoring import API_DOWN
from exporter.links import Links, label
from exporter.mixin import files
from exporter.mixin.leads import VALUE
from exporter.service.pages import PAGES
from exporter.settings import AlertmanagerSettings
from exporter.web.pages import markdown, runbook
from tests.conftest import ROOT
from tests.mixin.written import DASHBOARDS, dashboard, panels

if TYPE_CHECKING:
    from collections.abc import Iterator

# What the action service serves.
SERVED_ROUTES: Final = frozenset((WEBHOOK.path, *(page.path for page in PAGES)))
# Up to what ends a URL in YAML, JSON and Markdown; a template within it is a part of it.
URL = re.compile(r"""(?:https?://|(?<=")/d/)(?:\{\{.*?\}\}|[^\s"'<>)|\\`])+""")
# Alerts hand on all that they are about. These dashboards show each beside the others and have no
# such variable, which Grafana leaves in the address and does nothing about.
UNCHOSEN: Final = {
    ("ops-exporter", "var-endpoint"),
    ("ops-ingestion", "var-job_id"),
    ("ops-ingestion", "var-worker"),
    ("ops-models", "var-model"),
}
DEFAULTS = files.defaults()
LINKS = Links(
    exporter_url="https://e.example.org",
    actions_url="https://a.example.org",
    grafana_url="https://g.example.org/grafana",
    alertmanager_url="https://m.example.org",
)


def urls() -> Iterator[str]:
    """Yield every URL that stands in a file which programs read."""
    for text in files.rendered(DEFAULTS).values():
        yield from URL.findall(text)


def below(base: str) -> list[str]:
    return [url.removeprefix(base) for url in urls() if url.startswith(base)]


def built() -> dict[str, set[int]]:
    """Return the ids of the panels of each dashboard that is generated."""
    return {path.stem: {p["id"] for p in panels(dashboard(path))} for path in DASHBOARDS}


def dashboard_links() -> list[str]:
    """Return every link to a dashboard, without the address of Grafana."""
    return [*below(DEFAULTS.grafana_url), *(url for url in urls() if url.startswith("/d/"))]


def linked_dashboards() -> list[tuple[str, int | None]]:
    """Return uid and panel id of each link to a dashboard."""
    found = []
    for path in dashboard_links():
        parts = urlsplit(path)
        panel = parse_qs(parts.query).get("viewPanel")
        found.append(
            (parts.path.removeprefix("/d/").split("/")[0], int(panel[0]) if panel else None)
        )
    return found


def test_a_link_sets_what_can_be_chosen_on_its_dashboard_but_for_what_is_listed() -> None:
    offered = {
        path.stem: {f"var-{v['name']}" for v in dashboard(path)["templating"]["list"]}
        for path in DASHBOARDS
    }
    wrong = {
        (uid, name)
        for path in dashboard_links()
        for parts in [urlsplit(path)]
        for uid in [parts.path.removeprefix("/d/").split("/")[0]]
        for name in parse_qs(parts.query, keep_blank_values=True)
        if name.startswith("var-") and name not in offered[uid]
    }

    assert wrong == UNCHOSEN
    assert any("var-module=" in path for path in dashboard_links())


def test_links_lead_only_to_what_the_catalogue_knows() -> None:
    bases = (DEFAULTS.exporter_url, DEFAULTS.actions.url, DEFAULTS.grafana_url, "/d/")

    assert [url for url in urls() if not url.startswith(bases)] == []
    uids = {identity.uid for identity in dashboards.DASHBOARDS}
    assert {uid for uid, _ in linked_dashboards()} <= uids
    routes = {route.path for route in actions.ROUTES}
    assert {urlsplit(path).path for path in below(DEFAULTS.actions.url)} <= routes


def test_a_link_sets_only_variables_that_its_dashboard_has() -> None:
    variables = {
        path.stem: {f"var-{v['name']}" for v in dashboard(path)["templating"]["list"]}
        for path in DASHBOARDS
    }
    queries = [urlsplit(url) for url in urls() if url.startswith("/d/")]
    set_ = [(q.path.removeprefix("/d/"), n) for q in queries for n in parse_qs(q.query)]

    assert ("ops-ingestion", "var-job_status") in set_
    assert [(u, n) for u, n in set_ if n.startswith("var-") and n not in variables[u]] == []


def test_the_exporter_serves_every_page_of_its_own_that_is_linked_to() -> None:
    headings, _ = markdown((ROOT / "docs" / "runbook.md").read_text("utf-8"))
    pages = {"/", "/runbook", *(f"/runbook#{anchor}" for anchor, _ in headings)}
    pages.add(f"/runbook#{VALUE}")  # the name of an alert; see below

    assert set(below(DEFAULTS.exporter_url)) <= pages


def test_nothing_that_is_linked_to_is_missing() -> None:
    there = built()
    missing = {
        f"/d/{uid}" + (f"?viewPanel={panel}" if panel else "")
        for uid, panel in linked_dashboards()
        if uid not in there or (panel and panel not in there[uid])
    }
    missing |= {urlsplit(path).path for path in below(DEFAULTS.actions.url)} - SERVED_ROUTES

    assert missing == set()


def test_the_search_for_links_finds_them() -> None:
    """Or the tests above would be content with nothing."""
    assert ("ops-exporter", 2) in linked_dashboards()
    assert "/runbook#opsmonitoringapidown" in below(DEFAULTS.exporter_url)
    assert "/webhooks/alertmanager" in below(DEFAULTS.actions.url)


def test_every_relative_link_in_the_documentation_is_there() -> None:
    headings, _ = markdown((ROOT / "docs" / "runbook.md").read_text("utf-8"))
    anchors = {anchor for anchor, _ in headings}

    for page, text in files.documented(ROOT).items():
        for path, anchor in re.findall(r"\]\((?!https?:)([^)#]+)#?([\w-]*)\)", text):
            assert ((ROOT / page).parent / path).exists(), f"{page}: {path}"
            if path.endswith("runbook.md") and anchor:
                assert anchor in anchors


def test_each_alert_leads_to_its_own_place_in_the_runbook() -> None:
    assert LINKS.runbook(API_DOWN) == ("https://e.example.org/runbook#opsmonitoringapidown")
    names = {alert.name for alert in ALERTS}
    assert len({alert.anchor for alert in ALERTS}) == len(names)


def test_the_runbook_may_stand_where_it_is_when_the_exporter_is_not() -> None:
    links = replace(LINKS, runbook_url="https://wiki.example.org/ops/runbook.html")

    assert links.runbook(API_DOWN) == (
        "https://wiki.example.org/ops/runbook.html#opsmonitoringapidown"
    )


def test_the_name_of_an_alert_is_an_anchor_wherever_the_runbook_is_read() -> None:
    """Grafana writes a name as it is, and browsers tell capital letters from small ones."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    page = runbook("")

    assert page is not None
    for alert in ALERTS:
        assert f'<a id="{alert.name}"></a>\n\n## {alert.name}\n' in text
        assert page.count(f' id="{alert.name}"') == 1
    assert "&lt;a" not in page


def test_each_row_of_an_alert_leads_to_its_place_in_the_runbook_that_is_configured() -> None:
    settings = DEFAULTS.model_copy(update={"runbook_url": "https://wiki.example.org/ops.html"})
    found = files.rendered(settings)

    rules = found["prometheus/rules/ops-monitoring.yml"]
    assert "runbook_url: https://wiki.example.org/ops.html#opsmonitoringapidown" in rules
    trees = [json.loads(text) for path, text in found.items() if path.endswith(".json")]
    columns = [
        {prop["id"]: prop["value"] for prop in override["properties"]}
        for tree in trees
        for panel in panels(tree)
        for override in panel.get("fieldConfig", {"overrides": []})["overrides"]
        if (panel["type"], override["matcher"]["options"]) == ("table", "Alert")
    ]
    assert columns
    for column in columns:
        (link,) = column["links"]
        assert link["url"] == f"https://wiki.example.org/ops.html#{VALUE}"


def test_a_dashboard_link_has_its_variables_and_its_panel() -> None:
    link = LINKS.dashboard(dashboards.EXPORTER, dashboards.EXPORTER_API, backend="a b&c")

    assert link == ("https://g.example.org/grafana/d/ops-exporter?var-backend=a+b%26c&viewPanel=2")


def test_a_template_is_left_to_escape_what_it_puts_in() -> None:
    link = LINKS.page(actions.RETRY_JOB, job_id=label("job_id"))

    assert link == (
        "https://a.example.org/actions/retry-job?job_id={{ $labels.job_id | urlquery }}"
    )


def test_a_page_without_values_has_no_query() -> None:
    assert LINKS.page(actions.JOBS) == "https://a.example.org/jobs"
    assert LINKS.dashboard(dashboards.OVERVIEW) == "https://g.example.org/grafana/d/ops-overview"


def test_a_silence_is_prefilled_with_the_matchers() -> None:
    link = LINKS.silence({"alertname": "OpsExporterDown", "backend": "a"})

    assert link == (
        "https://m.example.org/#/silences/new?filter="
        "%7Balertname%3D%22OpsExporterDown%22%2C%20backend%3D%22a%22%7D"
    )


def test_users_reach_alertmanager_at_its_external_address() -> None:
    inside = AlertmanagerSettings(url="http://10.0.0.1:9093")
    both = AlertmanagerSettings(url="http://10.0.0.1:9093", external_url="https://m.example.org")
    found = [
        Links.of(DEFAULTS.model_copy(update={"alertmanager": part})).silence({"job": "x"})
        for part in (inside, both)
    ]

    assert found[0].startswith("http://10.0.0.1:9093/#/silences/new?")
    assert found[1].startswith("https://m.example.org/#/silences/new?")
