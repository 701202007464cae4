"""Every expression parses and asks for what exists."""

from __future__ import annotations

import promql_parser

from exporter.catalogue.watched import LABELS
from exporter.mixin.promql import MEMORY
from tests.mixin.written import METRICS, expressions, known_names, parsed, selectors

# Labels that Prometheus adds to what it scrapes.
TARGET = ("job", "instance", "backend")


def test_every_metric_in_every_expression_exists() -> None:
    unknown = {
        (place, selector.name)
        for place, expr in expressions()
        for selector in selectors(expr)
        if selector.name not in known_names()
        # Or people choose the metric, from those that are watched.
        and ("__name__", "$metric") not in {(m.name, m.value) for m in selector.matchers.matchers}
    }

    assert unknown == set()


def test_every_label_in_every_expression_exists() -> None:
    """Beside the metric's own: what Prometheus adds to each target."""
    unknown = {
        (place, selector.name, matcher.name)
        for place, expr in expressions()
        for selector in selectors(expr)
        if (metric := METRICS.get(selector.name or ""))
        for matcher in selector.matchers.matchers
        # What speaks of another metric bears the labels of that one.
        if matcher.name not in {*(metric.open_labels * LABELS), *metric.labels, *TARGET}
    }

    assert unknown == set()


def test_every_state_in_every_expression_exists() -> None:
    unknown = {
        (place, selector.name, matcher.value)
        for place, expr in expressions()
        for selector in selectors(expr)
        if (metric := METRICS.get(selector.name or "")) and metric.states
        for matcher in selector.matchers.matchers
        # A dashboard's own filter, which offers some of them.
        if matcher.name == "status"
        and not set(matcher.value.split("|")) <= {*metric.states, "$status"}
    }

    assert unknown == set()


def test_a_value_is_looked_back_for_as_far_as_its_metric_says() -> None:
    """One missed poll must neither fire nor clear; what is older must not be judged."""
    wrong: list[tuple[str, object]] = []

    def visit(node: promql_parser.Expr) -> None:
        if isinstance(node, promql_parser.Call) and node.func.name == "last_over_time":
            (argument,) = node.args
            # What is recorded has a memory of its own: what people set holds for a day.
            metric = METRICS.get(argument.vector_selector.name)
            if metric:
                allowed = {metric.window, *more}
                if argument.range not in map(promql_parser.parse_duration, allowed):
                    wrong.append((metric.name, argument.range))

    for place, expr in expressions():
        # A dashboard also shows the last known value, and says since when it is that.
        more = {MEMORY} if place.startswith("ops-") else set()
        promql_parser.walk(parsed(expr), visit)

    assert wrong == []
