"""The rules of dashboard-linter, in our own words; `.lint` beside the dashboards says what but."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import promql_parser
import pytest
import yaml

from tests.conftest import ROOT
from tests.mixin.test_dashboards import UNITS
from tests.mixin.written import DASHBOARDS, dashboard, panels, parsed, selectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Tree = dict[str, Any]

LINT: Final = ROOT / "grafana" / "dashboards" / ".lint"
TREES: Final = [dashboard(path) for path in DASHBOARDS]
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
# The kinds of panels that rules about panels are for.
NUMBERS: Final = {"stat", "table", "timeseries", "gauge"}


def variables(tree: Tree, kind: str) -> list[Tree]:
    return [v for v in tree["templating"]["list"] if v["type"] == kind]


def queries(tree: Tree) -> Iterator[tuple[str, str]]:
    for panel in panels(tree):
        for target in panel.get("targets", ()):
            yield f"{panel['title']} {target['refId']}", target["expr"]


def template_datasource(tree: Tree) -> Iterator[str]:
    sources = variables(tree, "datasource")
    if [(v["name"], v["label"]) for v in sources] != [("datasource", "Data source")]:
        yield "variables"


def template(name: str) -> Callable[[Tree], Iterator[str]]:
    def rule(tree: Tree) -> Iterator[str]:
        wanted = {
            "datasource": SOURCE,
            "label": name.capitalize(),
            "multi": True,
            "allValue": ".+",
        }
        if not any(
            v["name"] == name and wanted.items() <= v.items() for v in variables(tree, "query")
        ):
            yield name

    return rule


def template_label_promql(tree: Tree) -> Iterator[str]:
    for variable in variables(tree, "query"):
        found = re.fullmatch(r"label_values\((.+), \w+\)", variable["query"])
        if not found or not selectors(found[1]):
            yield variable["name"]


def template_on_time_change_reload(tree: Tree) -> Iterator[str]:
    yield from (v["name"] for v in variables(tree, "query") if v["refresh"] != 2)


def panel_datasource(tree: Tree) -> Iterator[str]:
    for panel in panels(tree):
        if panel["type"] in NUMBERS and panel["datasource"] != SOURCE:
            yield panel["title"]


def panel_title_description(tree: Tree) -> Iterator[str]:
    for panel in panels(tree):
        if panel["type"] in NUMBERS and not (panel.get("title") and panel.get("description")):
            yield str(panel["id"])


def panel_units(tree: Tree) -> Iterator[str]:
    """Words in place of numbers need no unit."""
    for panel in panels(tree):
        if panel["type"] in NUMBERS:
            config = panel["fieldConfig"]
            told = [p for o in config["overrides"] for p in o["properties"]]
            words = config["defaults"].get("mappings") or [p for p in told if p["id"] == "mappings"]
            units = [p["value"] for p in told if p["id"] == "unit"]
            units += [config["defaults"].get("unit")]
            if not words and UNITS.isdisjoint(units):
                yield panel["title"]


def panel_no_targets(tree: Tree) -> Iterator[str]:
    yield from (p["title"] for p in panels(tree) if p["type"] in NUMBERS and not p.get("targets"))


def target_logql(tree: Tree) -> Iterator[str]:
    """There is no query of another language."""
    for panel in panels(tree):
        for target in panel.get("targets", ()):
            if target["datasource"] != SOURCE:
                yield panel["title"]


def target_promql(tree: Tree) -> Iterator[str]:
    for place, expr in queries(tree):
        try:
            parsed(expr)
        except ValueError:
            yield place


def target_rate_interval(tree: Tree) -> Iterator[str]:
    for place, expr in queries(tree):
        if set(re.findall(r"\bi?rate\([^\[]+\[([^\]]+)\]", expr)) - {"$__rate_interval"}:
            yield place


def target(label: str) -> Callable[[Tree], Iterator[str]]:
    def rule(tree: Tree) -> Iterator[str]:
        for place, expr in queries(tree):
            for selector in selectors(expr):
                if (label, f"${label}") not in {
                    (m.name, m.value) for m in selector.matchers.matchers
                }:
                    yield place

    return rule


def target_counter_agg(tree: Tree) -> Iterator[str]:
    for place, expr in queries(tree):
        grown: list[str] = []

        def visit(node: promql_parser.Expr, grown: list[str] = grown) -> None:
            if isinstance(node, promql_parser.Call) and node.func.name in {
                "rate",
                "irate",
                "increase",
            }:
                grown.extend(
                    argument.vector_selector.name or ""
                    for argument in node.args
                    if isinstance(argument, promql_parser.MatrixSelector)
                )

        promql_parser.walk(parsed(expr), visit)
        counters = sorted(s.name for s in selectors(expr) if s.name and s.name.endswith("_total"))
        if counters != sorted(name for name in grown if name.endswith("_total")):
            yield place


def uneditable_dashboard(tree: Tree) -> Iterator[str]:
    if tree["editable"] is not False:
        yield "editable"


RULES: Final[dict[str, Callable[[Tree], Iterator[str]]]] = {
    "template-datasource-rule": template_datasource,
    "template-job-rule": template("job"),
    "template-instance-rule": template("instance"),
    "template-label-promql-rule": template_label_promql,
    "template-on-time-change-reload-rule": template_on_time_change_reload,
    "panel-datasource-rule": panel_datasource,
    "panel-title-description-rule": panel_title_description,
    "panel-units-rule": panel_units,
    "panel-no-targets-rule": panel_no_targets,
    "target-logql-rule": target_logql,
    "target-logql-auto-rule": target_logql,
    "target-promql-rule": target_promql,
    "target-rate-interval-rule": target_rate_interval,
    "target-job-rule": target("job"),
    "target-instance-rule": target("instance"),
    "target-counter-agg-rule": target_counter_agg,
    "uneditable-dashboard": uneditable_dashboard,
}
EXCLUDED: Final[dict[str, dict[str, str]]] = yaml.safe_load(LINT.read_text("utf-8"))["exclusions"]


@pytest.mark.parametrize("name", RULES)
def test_each_rule_of_the_linter_holds_unless_it_is_excluded(name: str) -> None:
    """And only what does not hold is excluded."""
    broken = [(tree["uid"], place) for tree in TREES for place in RULES[name](tree)]

    assert bool(broken) == (name in EXCLUDED), broken


def test_whatever_is_excluded_is_a_rule_and_has_a_reason() -> None:
    assert EXCLUDED.keys() <= RULES.keys()
    assert all(len(rule["reason"].split()) > 5 for rule in EXCLUDED.values())


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("template-datasource-rule", ("templating", "list", 0, "label"), "Source"),
        ("template-job-rule", ("templating", "list", 1, "allValue"), ".*"),
        ("template-instance-rule", ("templating", "list", 3, "multi"), False),
        ("template-label-promql-rule", ("templating", "list", 1, "query"), "label_values(job)"),
        ("template-on-time-change-reload-rule", ("templating", "list", 1, "refresh"), 1),
        ("panel-datasource-rule", ("panels", 0, "datasource", "uid"), "prometheus"),
        ("panel-title-description-rule", ("panels", 0, "description"), ""),
        ("panel-units-rule", ("panels", 0, "fieldConfig", "defaults"), {"unit": "parsecs"}),
        ("panel-no-targets-rule", ("panels", 0, "targets"), []),
        ("target-logql-rule", ("panels", 0, "targets", 0, "datasource", "type"), "loki"),
        ("target-promql-rule", ("panels", 0, "targets", 0, "expr"), "max("),
        ("target-rate-interval-rule", ("panels", 0, "targets", 0, "expr"), "rate(up[5m])"),
        ("target-job-rule", ("panels", 0, "targets", 0, "expr"), 'up{job="a"}'),
        ("target-instance-rule", ("panels", 0, "targets", 0, "expr"), "up"),
        ("target-counter-agg-rule", ("panels", 0, "targets", 0, "expr"), "max(ops_polls_total)"),
        ("uneditable-dashboard", ("editable",), True),
    ],
)
def test_each_rule_finds_what_breaks_it(
    name: str, at: tuple[str | int, ...], value: object
) -> None:
    """On a dashboard of which nothing but that is changed."""
    tree = dashboard(next(path for path in DASHBOARDS if path.stem == "ops-exporter"))
    before = list(RULES[name](tree))
    part: Any = tree
    for step in at[:-1]:
        part = part[step]
    part[at[-1]] = value

    assert list(RULES[name](tree)) != before
