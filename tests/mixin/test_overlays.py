"""What is drawn over a graph whose series name themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import metrics
from exporter.mixin.charts import graph
from exporter.mixin.overlays import coloured, with_anomalies, with_limit
from exporter.mixin.parts import RED, Query, config
from tests.mixin.written import parsed

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

EACH = "max by (backend, model) (x)"


@pytest.fixture
def panel() -> Panel:
    return graph(1, "Time", "Why.", Query(expr=EACH, legend="{{model}}"), unit="s")


def expressions(panel: Panel) -> list[str]:
    targets: Any = panel.targets
    return [target.expr for target in targets]


def drawn(panel: Panel) -> dict[Any, dict[str, Any]]:
    """Return the properties by what they are for."""
    return {
        o.matcher.options: {p.id_val: p.value for p in o.properties}
        for o in config(panel).overrides
    }


def test_anomalies_are_points_named_by_the_series_that_they_are_of(panel: Panel) -> None:
    with_anomalies(panel, EACH, metrics.MODEL_INFERENCE_DURATION, "model")

    (expr,) = expressions(panel)
    parsed(expr)
    assert expr.startswith(f"{EACH}\nor\nlabel_replace({EACH}\nand on (backend, model)\n")
    assert expr.endswith('"model", "Anomaly: $1", "model", "(.*)")')
    assert drawn(panel)["/^Anomaly/"]["custom.drawStyle"] == "points"


def test_an_anomaly_of_a_series_is_not_one_of_another(panel: Panel) -> None:
    with_anomalies(panel, EACH, metrics.MODEL_ERROR_RATIO, "model")

    (expr,) = expressions(panel)
    assert "max by (backend, model) (series:ops_anomaly_active:max" in expr


def test_a_threshold_is_drawn_only_while_there_is_something_to_judge(panel: Panel) -> None:
    with_limit(panel, "OpsModelErrorsHigh", "max(y)", "model")

    (expr,) = expressions(panel)
    parsed(expr)
    assert "and on ()\n(max(y))" in expr
    assert drawn(panel)["/^Threshold/"]["displayName"] == "Threshold"
    assert drawn(panel)["/^Threshold/"]["custom.lineStyle"]["fill"] == "dash"


def test_a_series_has_its_colour_whether_or_not_more_follows_its_name(panel: Panel) -> None:
    coloured(panel, failed=RED)

    assert drawn(panel) == {
        "/^failed( ·|$)/": {"color": {"mode": "fixed", "fixedColor": RED}},
    }
