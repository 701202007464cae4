"""What Grafana reads at its start: the data source, and where the dashboards are."""

from __future__ import annotations

import json
from typing import Any

import yaml

from tests.conftest import ROOT
from tests.mixin.written import DASHBOARDS, dashboard

PROVISIONING = ROOT / "grafana" / "provisioning"


def provisioned(kind: str) -> list[dict[str, Any]]:
    """Return what all files of a kind list, in the format that every version of Grafana reads."""
    found = []
    for path in sorted((PROVISIONING / kind).glob("*.yml")):
        tree = yaml.safe_load(path.read_text("utf-8"))
        assert tree["apiVersion"] == 1
        found += tree[{"datasources": "datasources", "dashboards": "providers"}[kind]]
    return found


def test_the_data_source_is_a_prometheus_that_grafana_asks_for_the_browser() -> None:
    (source,) = provisioned("datasources")

    assert (source["uid"], source["type"]) == ("prometheus", "prometheus")
    assert (source["access"], source["url"]) == ("proxy", "http://127.0.0.1:9090")
    assert source["isDefault"]
    assert source["jsonData"]["httpMethod"] == "POST"


def test_the_data_source_knows_how_often_prometheus_scrapes() -> None:
    """Grafana works out from it over how much it takes a rate."""
    (source,) = provisioned("datasources")
    prometheus = yaml.safe_load((ROOT / "prometheus" / "prometheus.yml").read_text("utf-8"))

    assert source["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"] == "15s"
    assert not any("scrape_interval" in job for job in prometheus["scrape_configs"])


def test_the_dashboards_come_from_files_and_stay_as_they_are() -> None:
    (provider,) = provisioned("dashboards")

    assert provider["type"] == "file"
    assert provider["folder"] == "Operations"
    assert provider["allowUiUpdates"] is False
    # No sooner than the dashboards themselves are refreshed.
    assert provider["updateIntervalSeconds"] == 30


def test_no_secret_stands_in_a_file() -> None:
    for path in PROVISIONING.rglob("*.*"):
        assert "secureJsonData" not in path.read_text("utf-8")


def test_no_two_dashboards_of_the_folder_have_one_uid_or_title() -> None:
    """Otherwise Grafana would stop writing all dashboards of the provider."""
    trees = [dashboard(path) for path in DASHBOARDS]

    assert len({tree["uid"] for tree in trees}) == len(trees)
    assert len({tree["title"] for tree in trees}) == len(trees)


def test_a_dashboard_is_in_the_format_that_files_may_have() -> None:
    """The newer one, with elements and a layout, is refused from files by Grafana 13.0."""
    for path in DASHBOARDS:
        tree = json.loads(path.read_text("utf-8"))
        assert tree["schemaVersion"] == 42
        assert {"apiVersion", "spec", "elements"}.isdisjoint(tree)
