"""What detail dashboards have in common: badges, the banner, and words where nothing is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import promql_parser

from exporter.catalogue import endpoints, metrics
from exporter.catalogue.rules.infrastructure import DATABASE_POOL_SATURATED
from exporter.links import Links
from exporter.mixin import answers
from exporter.mixin.badges import at_end, badged, beyond
from exporter.mixin.charts import Line, Style, lines
from exporter.mixin.leads import runbook
from exporter.mixin.parts import BLUE, explained

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

LINKS = Links(
    exporter_url="https://e.example.org",
    actions_url="https://a.example.org",
    grafana_url="https://g.example.org",
    alertmanager_url="https://m.example.org",
)


def expression(panel: Panel) -> str:
    targets: Any = panel.targets
    return str(targets[0].expr)


def test_a_value_over_its_threshold_is_told_rather_than_an_anomaly() -> None:
    over = beyond(at_end(metrics.DATABASE_POOL_USAGE), DATABASE_POOL_SATURATED)

    query = badged("x", metrics.DATABASE_POOL_USAGE, over=over)

    assert promql_parser.parse(query.expr)
    marks = [query.expr.index(mark) for mark in ("▲ over threshold", "▲ anomaly", "✔ usual")]
    assert marks == sorted(marks)
    assert "▼ too low" not in query.expr
    assert query.legend == "{{mark}}"


def test_the_banner_speaks_of_the_endpoints_of_its_page_alone() -> None:
    panel = answers.banner(1, endpoints.DATABASE, endpoints.POOL, size=(5, 5))

    expr = expression(panel)
    assert promql_parser.parse(expr)
    # Whether the pool is missed depends on the database alone.
    of_the_page = expr.count('endpoint=~"database|pool"') + expr.count('endpoint=~"database",')
    assert of_the_page == expr.count("ops_endpoint_")


def test_a_panel_without_data_says_why() -> None:
    line = Line(title="Size", expr="x", colour=BLUE)
    panel = lines(1, "Size", "Why.", line, unit="decbytes", size=(12, 9), style=Style.BARS)

    explained(panel, "○ The backend does not tell it")

    config: Any = panel.field_config
    assert config.defaults.no_value == "○ The backend does not tell it"
    assert config.defaults.custom.fill_opacity == 80


def test_the_runbook_opens_where_it_speaks_of_the_alert() -> None:
    lead = runbook(LINKS, DATABASE_POOL_SATURATED)

    assert lead.title == "Runbook: OpsDatabasePoolSaturated"
    assert lead.url == "https://e.example.org/runbook#opsdatabasepoolsaturated"
    assert runbook(LINKS).url == "https://e.example.org/runbook"
