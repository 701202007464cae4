"""What is marked in graphs: the alerts that fired and what was unusual, each where it belongs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from grafana_foundation_sdk.models import prometheus

from exporter.catalogue import dashboards
from exporter.catalogue.rules import ALERTS
from exporter.catalogue.rules.anomalies import ANOMALY
from exporter.catalogue.rules.monitoring import ACTIONS_DOWN, API_DOWN, ENDPOINT_FAILING
from exporter.catalogue.rules.performance import ERROR_RATE, RESPONSE_TIME_HIGH
from exporter.catalogue.rules.workers import BACKLOG
from exporter.mixin.frame import fired
from tests.mixin.written import DASHBOARDS, dashboard, panels, selectors

if TYPE_CHECKING:
    from pathlib import Path

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def graphs(tree: dict[str, Any]) -> dict[int, dict[str, Any]]:
    """Return the panels that can be marked, by their ids."""
    return {panel["id"]: panel for panel in panels(tree) if panel["type"] == "timeseries"}


def marked(tree: dict[str, Any]) -> set[tuple[str, int]]:
    """Return each alert with the panels in which it is marked."""
    return {
        (alert, panel)
        for layer in tree["annotations"]["list"]
        for selector in selectors(layer["target"]["expr"])
        for matcher in selector.matchers.matchers
        if selector.name == "ALERTS" and matcher.name == "alertname"
        for alert in matcher.value.split("|")
        for panel in layer["filter"]["ids"]
    }


@each_dashboard
def test_each_layer_marks_graphs_that_are_named_and_no_others(path: Path) -> None:
    tree = dashboard(path)

    for layer in tree["annotations"]["list"]:
        assert layer["filter"]["ids"], layer["name"]
        assert set(layer["filter"]["ids"]) <= graphs(tree).keys(), layer["name"]
        assert not layer["filter"].get("exclude"), layer["name"]


@each_dashboard
def test_the_names_of_layers_are_unique_and_their_alerts_exist(path: Path) -> None:
    tree = dashboard(path)
    names = [layer["name"] for layer in tree["annotations"]["list"]]

    assert len(names) == len(set(names))
    assert {alert for alert, _ in marked(tree)} <= {alert.name for alert in ALERTS}


@each_dashboard
def test_an_alert_is_marked_wherever_its_threshold_is_drawn(path: Path) -> None:
    tree = dashboard(path)
    drawn = {
        (alert, panel_id)
        for panel_id, panel in graphs(tree).items()
        for target in panel["targets"]
        for alert in re.findall(r'ops_alert_threshold:current{alert="(\w+)"', target["expr"])
    }

    assert drawn <= marked(tree)


@each_dashboard
def test_an_alert_is_marked_in_the_graph_that_it_leads_to(path: Path) -> None:
    tree = dashboard(path)
    # Of an anomaly the graph has violet regions for the very series that it shows.
    led_to = {
        (alert.name, alert.panel.id)
        for alert in ALERTS
        if alert.panel.dashboard.uid == path.stem and alert.name != ANOMALY.name
    }

    assert {(name, panel) for name, panel in led_to if panel in graphs(tree)} <= marked(tree)


@each_dashboard
def test_whoever_looks_at_a_marked_graph_is_told_what_the_marks_are(path: Path) -> None:
    tree = dashboard(path)

    for _, panel_id in marked(tree):
        assert "Red regions: " in graphs(tree)[panel_id]["description"]


def test_the_overview_marks_what_its_three_graphs_with_a_threshold_show() -> None:
    tree = dashboard(next(path for path in DASHBOARDS if path.stem == "ops-overview"))

    assert marked(tree) == {
        (RESPONSE_TIME_HIGH.name, dashboards.OVERVIEW_RESPONSE_TIME.id),
        (ERROR_RATE.name, dashboards.OVERVIEW_ERROR_RATE.id),
        (BACKLOG.name, 64),
    }


def test_where_no_graph_shows_what_an_alert_judges_there_is_no_such_layer() -> None:
    tree = dashboard(next(path for path in DASHBOARDS if path.stem == "ops-engagement"))

    assert marked(tree) == set()


def test_alerts_in_one_layer_are_told_apart_by_the_labels_that_all_of_them_have() -> None:
    layer = fired("Alerts: failures", API_DOWN, ENDPOINT_FAILING, on=[13])

    assert isinstance(layer.target, prometheus.Dataquery)
    assert layer.target.expr == (
        'max by (alertname, backend) (ALERTS{alertstate="firing",'
        ' alertname=~"OpsMonitoringApiDown|OpsMonitoringEndpointFailing",'
        ' backend=~"$backend|"})'
    )
    assert (layer.title_format, layer.text_format) == ("{{alertname}}", "{{backend}}")


def test_an_alert_without_a_backend_is_marked_too() -> None:
    layer = fired("Alerts: action service", ACTIONS_DOWN, on=[21, 22])

    assert layer.text_format == "{{job}}"
    assert layer.filter_val is not None
    assert layer.filter_val.ids == [21, 22]
