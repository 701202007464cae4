"""The dashboards: identity, layout, and the rules of dashboard-linter."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import promql_parser
import pytest
from grafana_foundation_sdk.models.dashboard import GridPos, Panel

from exporter.catalogue import actions
from exporter.catalogue import dashboards as identities
from exporter.catalogue.alerting import Recording
from exporter.catalogue.rules import ACTIONS_JOB, ALERTS, GROUPS
from exporter.mixin import files
from exporter.mixin.frame import placed
from exporter.mixin.panels import row
from exporter.mixin.parts import Query
from exporter.mixin.stats import single
from tests.mixin.written import DASHBOARDS, METRICS, dashboard, panels, parsed, selectors, targets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Links, annotations and bookmarks hold these numbers: one may be added, none may change.
PANEL_IDS = {
    "ops-overview": {
        1: "Updated",
        2: "Stale data",
        3: "Not healthy",
        4: "Alerts that fire",
        5: "Acknowledged alerts",
        6: "Modules",
        10: "System status",
        20: "Latency P95",
        21: "Requests",
        22: "Errors",
        23: "Uptime",
        30: "Response time of the API",
        31: "Failed requests",
        32: "Actions",
        41: "Module health",
        42: "Modules in detail",
        51: "Database: connection pool",
        52: "Database: queries",
        53: "Database: tables",
        54: "Event bus",
        55: "Event bus: events by type",
        56: "Event bus: types",
        57: "Cache: hit rate",
        58: "Cache: size and evictions",
        59: "Cache: most used keys",
        61: "Jobs by state",
        62: "Ingestion jobs",
        63: "Worker heartbeat",
        64: "Queue length",
        65: "Workers",
        71: "ML models",
        81: "Engagement",
        82: "Recommendation quality",
        83: "Recommendation models",
        91: "Sparse embeddings",
    },
    "ops-database": {
        1: "Reachability",
        2: "Pool in use",
        3: "Mean query",
        4: "Slow queries now",
        5: "Stale data",
        10: "Connection pool",
        11: "Slow queries",
        12: "Connections over time",
        13: "Connections now",
        20: "Query durations",
        30: "Tables",
        31: "Size of tables",
        32: "Growth of tables in a day",
        40: "Timed methods",
    },
    "ops-events": {
        1: "Emitted",
        2: "Latency P95",
        3: "Failed in 10 min",
        4: "Stale data",
        5: "One by one",
        10: "Time to emit an event",
        11: "Failed deliveries",
        20: "Events per second",
        21: "Handlers for each event",
        30: "Share of each type",
        31: "Types over time",
        32: "Last event of each type",
    },
    "ops-module": {
        1: "Status",
        2: "Status now",
        3: "Now",
        4: "Stale data",
        10: "Response time",
        11: "Errors",
        12: "New errors",
        20: "Alerts of these modules",
    },
    "ops-cache": {
        1: "Hit rate now",
        2: "Traffic and contents",
        3: "Stale data",
        4: "Actions",
        10: "Hit rate",
        11: "Hits and misses now",
        20: "Hits and misses",
        21: "Invalidations",
        30: "Size",
        31: "Evictions",
        32: "Most used keys",
    },
    "ops-ingestion": {
        1: "Waiting and failed",
        2: "At work",
        3: "Stale data",
        4: "Actions",
        10: "Queue length",
        11: "Worker health",
        12: "Workers and their heartbeat",
        13: "Tasks processed per second",
        14: "Failed tasks",
        15: "Tasks by name",
        16: "Workers over time",
        20: "Jobs",
        21: "Jobs by state",
        22: "Jobs by state over time",
        23: "Duration of jobs",
    },
    "ops-models": {
        1: "Models",
        2: "Models now",
        3: "Stale data",
        4: "Actions",
        10: "Inference time",
        11: "Failed inferences",
        12: "Memory",
        13: "Time since the last inference",
        14: "Loaded over time",
        20: "Generation that runs",
        21: "Time remaining and last success",
        22: "Progress over time",
    },
    "ops-engagement": {
        1: "What users do",
        2: "How good recommendations are",
        3: "Stale data",
        10: "Active users",
        11: "Resources created",
        12: "Resources updated",
        13: "Searches",
        14: "Annotations created",
        15: "Collections created",
        20: "Accuracy",
        21: "Click-through",
        22: "Rating",
        30: "Recommendation models",
        31: "Precision",
        32: "Recall",
        33: "F1",
    },
    "ops-anomalies": {
        1: "Series and expected band",
        2: "Now",
        3: "Active anomalies",
        10: "Place in the expected band",
        11: "Score",
        12: "z-score",
        13: "Active anomalies by kind",
        20: "Watched series",
    },
    "ops-alerts": {
        1: "Alerts that fire",
        2: "Acknowledged alerts",
        3: "Now",
        4: "Switched off",
        5: "Alerts over time",
        6: "Alerts by severity",
        7: "Most frequent alerts",
        15: "Thresholds: shares",
        16: "Thresholds: durations",
        17: "Thresholds: counts",
        20: "Action service",
        21: "Notifications received",
        22: "Actions run",
    },
    "ops-exporter": {
        1: "Exporter",
        2: "Monitoring API",
        3: "Endpoints failing",
        4: "Oldest answer",
        5: "Configuration",
        6: "Version",
        7: "Verdict on each endpoint",
        8: "Verdicts over time",
        10: "Duration of requests",
        11: "Pace in force",
        12: "Requests",
        13: "Failures by reason",
        14: "Age of the last usable answer",
        21: "Fields missing",
        22: "Fields unknown",
        23: "Series dropped",
        24: "Counters that fell",
        31: "Memory",
        32: "CPU",
        33: "Open files",
        34: "Time since the configuration was loaded",
    },
}
# Units of Grafana that the dashboards use; a unit that it does not know is shown as text.
UNITS = {
    *("short", "locale", "percentunit", "s", "dtdurations", "dateTimeFromNow", "bytes", "decbytes"),
    *("cpm", "cps", "reqps"),
}
# What rules record knows the backend alone, and what the action service tells serves them all.
RECORDED = {r.record for group in GROUPS for r in group.rules if isinstance(r, Recording)}
SERVICE = {metric.name for metric in METRICS.values() if metric.service}

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def everything(tree: dict[str, Any]) -> list[dict[str, Any]]:
    """Return rows and panels, with those in collapsed rows."""
    return [p for panel in tree["panels"] for p in (panel, *panel.get("panels", ()))]


def test_the_identity_of_each_dashboard_is_pinned() -> None:
    assert {identity.uid: identity.title for identity in identities.DASHBOARDS} == {
        "ops-overview": "System Operations",
        "ops-module": "Module",
        "ops-database": "Database",
        "ops-events": "Event bus",
        "ops-cache": "Cache",
        "ops-ingestion": "Ingestion and workers",
        "ops-models": "ML models",
        "ops-engagement": "Engagement",
        "ops-alerts": "Alerts and history",
        "ops-anomalies": "Anomalies",
        "ops-exporter": "Exporter",
    }


@each_dashboard
def test_the_id_of_each_panel_is_pinned(path: Path) -> None:
    assert {p["id"]: p["title"] for p in panels(dashboard(path))} == PANEL_IDS[path.stem]


def test_each_panel_that_something_links_to_has_the_title_of_the_catalogue() -> None:
    for panel in identities.PANELS:
        if panel.dashboard.uid in PANEL_IDS:
            assert PANEL_IDS[panel.dashboard.uid][panel.id] == panel.title


@each_dashboard
def test_a_dashboard_has_its_own_file_and_identity(path: Path) -> None:
    tree = dashboard(path)
    (identity,) = [known for known in identities.DASHBOARDS if known.uid == path.stem]

    assert (tree["uid"], tree["title"]) == (identity.uid, identity.title)
    assert "ops" in tree["tags"]
    assert {"id", "version", "__inputs", "__requires"}.isdisjoint(tree)


@each_dashboard
def test_ids_are_unique_also_those_of_rows(path: Path) -> None:
    ids = [item["id"] for item in everything(dashboard(path))]

    assert len(ids) == len(set(ids))


@each_dashboard
def test_no_panel_lies_on_another_or_beyond_the_edge(path: Path) -> None:
    tree = dashboard(path)
    # What is in a collapsed row has places of its own.
    shelves = [tree["panels"], *(row["panels"] for row in tree["panels"] if row.get("panels"))]

    for shelf in shelves:
        for first, second in combinations(shelf, 2):
            a, b = first["gridPos"], second["gridPos"]
            beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
            above = a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
            assert beside or above, (first["title"], second["title"])
        for panel in shelf:
            assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


@each_dashboard
def test_it_cannot_be_edited_and_refreshes_no_faster_than_the_data(path: Path) -> None:
    tree = dashboard(path)

    assert tree["editable"] is False
    assert tree["refresh"] == "30s"
    assert [r["from"] for r in tree["timepicker"]["quick_ranges"]] == [
        "now-1h",
        "now-6h",
        "now-24h",
        "now-7d",
    ]


@each_dashboard
def test_there_is_one_data_source_variable_and_everything_uses_it(path: Path) -> None:
    tree = dashboard(path)
    sources = [v for v in tree["templating"]["list"] if v["type"] == "datasource"]
    used = [p["datasource"] for p in panels(tree) if p["type"] != "text"]
    used += [t["datasource"] for p in panels(tree) for t in p.get("targets", ())]
    used += [v["datasource"] for v in tree["templating"]["list"] if v["type"] == "query"]
    used += [a["datasource"] for a in tree["annotations"]["list"]]

    assert [v["name"] for v in sources] == ["datasource"]
    assert all(use == {"type": "prometheus", "uid": "${datasource}"} for use in used)


@each_dashboard
@pytest.mark.parametrize("name", ["job", "backend", "instance"])
def test_a_variable_takes_several_values_and_all(path: Path, name: str) -> None:
    (variable,) = [v for v in dashboard(path)["templating"]["list"] if v["name"] == name]

    assert variable["label"] == name.capitalize()
    assert variable["multi"]
    assert variable["includeAll"]
    assert variable["allValue"] == ".+"
    assert variable["refresh"] == 2


@each_dashboard
def test_every_query_keeps_to_the_variables(path: Path) -> None:
    for title, expr in targets(dashboard(path)):
        for selector in selectors(expr):
            matchers = {m.name: m.value for m in selector.matchers.matchers}
            name = selector.name or ""
            if name in SERVICE or name.startswith("alert:"):
                continue
            if (name, matchers.get("job")) == ("up", ACTIONS_JOB):
                continue
            if name in {*RECORDED, "ALERTS", "ALERTS_FOR_STATE"}:
                assert matchers["backend"] in {"$backend", "$backend|"}, (title, name)
                continue
            wanted = {(label, f"${label}") for label in ("job", "backend", "instance")}
            assert wanted <= matchers.items(), (title, name)


@each_dashboard
def test_every_panel_explains_itself(path: Path) -> None:
    for panel in panels(dashboard(path)):
        assert panel["title"]
        assert re.fullmatch(r"[A-Z○✔].+\.", panel["description"], re.DOTALL), panel["title"]
        if panel["type"] == "text":
            assert panel["options"]["content"]
            continue
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
        assert panel["targets"], panel["title"]


@each_dashboard
def test_every_number_has_a_unit_that_grafana_knows_or_words(path: Path) -> None:
    for panel in panels(dashboard(path)):
        if panel["type"] == "text":
            continue
        config = panel["fieldConfig"]
        units = [
            prop["value"]
            for override in config["overrides"]
            for prop in override["properties"]
            if prop["id"] == "unit"
        ]
        if panel["type"] == "table":
            assert len(units) == len(panel["targets"])
        else:
            units.append(config["defaults"].get("unit"))
        if not config["defaults"].get("mappings"):
            assert set(units) <= UNITS, panel["title"]


@each_dashboard
def test_every_graph_has_a_legend_and_a_tooltip_for_all_its_series(path: Path) -> None:
    for panel in panels(dashboard(path)):
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"]
            assert panel["options"]["tooltip"]["mode"] == "multi"


@each_dashboard
def test_one_value_is_the_last_that_is_not_null(path: Path) -> None:
    for panel in panels(dashboard(path)):
        if panel["type"] == "stat":
            assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]


@each_dashboard
def test_a_state_is_read_by_sign_and_word_and_not_by_colour_alone(path: Path) -> None:
    # What is wrong is told as a sentence, beside its severity.
    sentences = {alert.summary for alert in ALERTS}
    for text in set(mapped_texts(dashboard(path))) - sentences:
        assert re.fullmatch(r"[✔▲▼✖○▶◷↻] [A-Za-z ]+", text), text


def mapped_texts(tree: dict[str, Any]) -> Iterator[str]:
    """Yield the text of every value mapping."""
    for panel in panels(tree):
        config = panel.get("fieldConfig", {"defaults": {}, "overrides": []})
        mappings = list(config["defaults"].get("mappings", ()))
        for override in config["overrides"]:
            mappings += [
                m for p in override["properties"] if p["id"] == "mappings" for m in p["value"]
            ]
        for mapping in mappings:
            options = mapping["options"]
            results = [options["result"]] if "result" in options else options.values()
            yield from (result["text"] for result in results)


@each_dashboard
def test_rates_are_taken_over_the_interval_that_grafana_works_out(path: Path) -> None:
    for title, expr in targets(dashboard(path)):
        for window in re.findall(r"\b(?:rate|irate)\([^\[]+\[([^\]]+)\]", expr):
            assert window == "$__rate_interval", title


@each_dashboard
def test_a_counter_is_only_looked_at_by_how_it_grows(path: Path) -> None:
    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call) and node.func.name in {"rate", "irate", "increase"}:
            grown.extend(arg.vector_selector.name for arg in node.args)

    for title, expr in targets(dashboard(path)):
        grown: list[str] = []
        promql_parser.walk(parsed(expr), visit)
        counters = [s.name for s in selectors(expr) if (s.name or "").endswith("_total")]
        assert counters == grown, title


@each_dashboard
def test_links_and_annotations_are_not_hidden_in_a_menu(path: Path) -> None:
    tree = dashboard(path)

    assert [x for x in (*tree["links"], *tree["annotations"]["list"]) if "placement" in x] == []


@each_dashboard
def test_the_family_is_linked_with_time_and_variables_kept(path: Path) -> None:
    (family,) = [link for link in dashboard(path)["links"] if link["type"] == "dashboards"]

    assert (family["tags"], family["keepTime"], family["includeVars"]) == (["ops"], True, True)


@each_dashboard
def test_every_action_is_a_link_to_a_page_that_asks_first_and_opens_beside(path: Path) -> None:
    text = path.read_text("utf-8")
    base = files.defaults().actions.url
    routes = {route.path for route in actions.ROUTES}

    assert '"actions"' not in text
    for link in everywhere(dashboard(path)):
        if link["url"].startswith(base):
            assert urlsplit(link["url"].removeprefix(base)).path in routes
            assert link["targetBlank"], link["title"]


def everywhere(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every link: of the dashboard, of its panels, of their values."""
    yield from (link for link in tree["links"] if "url" in link)
    for panel in panels(tree):
        yield from panel.get("links", ())
        for override in panel.get("fieldConfig", {"overrides": []})["overrides"]:
            for prop in override["properties"]:
                if prop["id"] == "links":
                    yield from prop["value"]


@each_dashboard
def test_the_sdk_reads_what_it_wrote(path: Path) -> None:
    """What it does not know it drops: a name that is wrong would be lost on the way."""
    from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415
    from grafana_foundation_sdk.cog.plugins import register_default_plugins  # noqa: PLC0415
    from grafana_foundation_sdk.models.dashboard import Dashboard  # noqa: PLC0415

    register_default_plugins()
    tree = dashboard(path)

    again = json.loads(JSONEncoder().encode(Dashboard.from_json(tree)))

    for hidden in (*again["links"], *again["annotations"]["list"]):
        hidden.pop("placement", None)
    for variable in again["templating"]["list"]:
        for name in ("auto", "auto_min", "auto_count"):
            variable.pop(name)
    assert again == tree


def test_the_overview_asks_for_little_at_each_refresh() -> None:
    tree = dashboard(next(path for path in DASHBOARDS if path.stem == "ops-overview"))

    queries = [expr for _, expr in targets(tree)] + tree["annotations"]["list"]

    assert len(queries) <= 60


def test_a_line_of_panels_that_is_not_full_is_refused() -> None:
    with pytest.raises(ValueError, match="One: its line of panels is not 24 columns wide"):
        placed([single(1, "One", "Why.", Query(expr="up"))])


def test_panels_of_different_heights_in_one_line_are_refused() -> None:
    tall = Panel(title="Tall", grid_pos=GridPos(w=20, h=9))

    with pytest.raises(ValueError, match="Tall: does not fit into its line of panels"):
        placed([single(1, "One", "Why.", Query(expr="up")), tall])


def test_what_is_below_an_open_row_begins_after_its_panels() -> None:
    def wide(panel_id: int) -> Panel:
        return Panel(id_val=panel_id, grid_pos=GridPos(w=24, h=5))

    items = placed([row(1, "Open", wide(2), wide(3)), row(4, "Closed", wide(5), collapsed=True)])

    assert [(i.id_val, i.grid_pos.y) for i in items if i.grid_pos] == [
        (1, 0),
        (2, 1),
        (3, 6),
        (4, 11),
    ]
