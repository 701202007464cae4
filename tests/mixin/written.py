"""Reads the committed files as the programs do that use them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import promql_parser
import yaml

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.alerting import Recording
from exporter.catalogue.model import Kind
from exporter.catalogue.rules import GROUPS
from exporter.exposition.process import ProcessSampler
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
ALERTMANAGER = ROOT / "alertmanager" / "alertmanager.yml"
METRICS = {metric.name: metric for metric in (*metrics.ALL, *own_metrics.ALL)}


def rules() -> Iterator[dict[str, Any]]:
    """Yield every rule."""
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            yield from group["rules"]


def dashboard(path: Path) -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return tree


def panels(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every panel of a dashboard but its rows, also those in collapsed ones."""
    for panel in tree["panels"]:
        if panel["type"] != "row":
            yield panel
        yield from panel.get("panels", ())


def targets(tree: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield title and expression of every query of a dashboard."""
    for panel in panels(tree):
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def expressions() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every expression that is written anywhere."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for path in DASHBOARDS:
        tree = dashboard(path)
        for title, expr in targets(tree):
            yield f"{path.stem}: {title}", expr
        for annotation in tree["annotations"]["list"]:
            yield f"{path.stem}: {annotation['name']}", annotation["target"]["expr"]
        for variable in tree["templating"]["list"]:
            if variable["type"] == "query":
                inner = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"])
                assert inner, variable["query"]
                yield f"{path.stem}: ${variable['name']}", inner[1]


def parsed(expr: str) -> promql_parser.Expr:
    """Parse an expression; what Grafana fills in is replaced by what it could be."""
    for name in ("__rate_interval", "__interval", "__range"):
        expr = expr.replace(f"${name}", "5m")
    return promql_parser.parse(expr)


def selectors(expr: str) -> list[promql_parser.VectorSelector]:
    """Return every selector in an expression."""
    found: list[promql_parser.VectorSelector] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(parsed(expr), visit)
    return found


def known_names() -> set[str]:
    """Return every name that an expression may use."""
    names = {"up", "ALERTS", "ALERTS_FOR_STATE"}
    for metric in METRICS.values():
        names.add(metric.name)
        if metric.kind is Kind.HISTOGRAM:
            names |= {f"{metric.name}{suffix}" for suffix in ("_bucket", "_sum", "_count")}
    names |= {r.record for group in GROUPS for r in group.rules if isinstance(r, Recording)}
    return names | {block.name for block in ProcessSampler().sample()}
