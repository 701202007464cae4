"""The banner of stale data, as Prometheus works it out: whose numbers are old, and since when."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.catalogue import endpoints as e
from exporter.mixin import answers
from exporter.mixin.promql import VARIABLES
from tests.mixin.written import DASHBOARDS, dashboard, targets

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.catalogue.model import Endpoint

# Minutes after the start; every answer is of the minute.
NOW = 30
NEVER = 0
CURRENT = {"every endpoint": 0}
NAMES = ("ops_endpoint_success", "ops_endpoint_last_success_timestamp_seconds")


def expression(*endpoints: Endpoint) -> str:
    """Return what the banner asks of *endpoints*, for all backends."""
    targets: Any = answers.banner(1, *endpoints, size=(5, 5)).targets
    expr = str(targets[0].expr)
    for name in VARIABLES:
        expr = expr.replace(f'"${name}"', '".+"')
    return expr


def series(endpoint: str, until: int) -> list[dict[str, str]]:
    """Return an endpoint that answered in each minute before *until*."""
    labels = f'{{job="j", instance="i", backend="b", endpoint="{endpoint}"}}'
    minutes = range(NOW + 1)
    values = [[int(minute < until) for minute in minutes]]
    if until:
        values.append([60 * min(minute, until - 1) for minute in minutes])
    return [
        {"series": f"{name}{labels}", "values": " ".join(map(str, numbers))}
        for name, numbers in zip(NAMES, values, strict=False)
    ]


@pytest.mark.parametrize(
    ("asked", "until", "wanted"),
    [
        pytest.param((e.DATABASE, e.POOL), {}, CURRENT, id="all answer"),
        pytest.param((e.DATABASE, e.POOL), {"pool": 10}, CURRENT, id="the fallback tells it"),
        pytest.param((e.DATABASE, e.POOL), {"pool": 28}, CURRENT, id="so it does at once"),
        pytest.param(
            (e.DATABASE, e.POOL), {"database": 20}, {"database": 1140}, id="the other tells a part"
        ),
        pytest.param(
            (e.DATABASE, e.POOL),
            {"pool": 10, "database": 20},
            {"pool": 540, "database": 1140},
            id="neither answers",
        ),
        pytest.param((e.MODELS, e.ML), {"models": NEVER}, CURRENT, id="one never did"),
        pytest.param((e.MODELS, e.ML), {"ml": 10}, CURRENT, id="the stand-in is not needed"),
        pytest.param(
            (e.MODELS, e.ML),
            {"models": NEVER, "ml": NEVER},
            {"models": 0.001, "ml": 0.001},
            id="neither ever did",
        ),
        pytest.param(
            (e.WORKERS, e.EDGE_WORKER),
            {"edge_worker": 10},
            {"edge_worker": 540},
            id="one tells of further workers",
        ),
        pytest.param(
            (e.PERFORMANCE, e.BACKEND_METRICS),
            {"performance": 10},
            {"performance": 540},
            id="a dialect has no fallback",
        ),
    ],
)
def test_an_endpoint_is_missed_when_no_other_tells_its_numbers(
    promtool: Path,
    tmp_path: Path,
    asked: tuple[Endpoint, ...],
    until: dict[str, int],
    wanted: dict[str, float],
) -> None:
    inputs = [{"series": 'up{job="j", instance="i", backend="b"}', "values": f"1x{NOW}"}]
    for endpoint in asked:
        inputs += series(endpoint.name, until.get(endpoint.name, NOW + 1))
    backend = "" if wanted is CURRENT else 'backend="b", '
    samples = [
        {"labels": f'{{{backend}endpoint="{name}"}}', "value": 1000 * value}
        for name, value in wanted.items()
    ]
    case = {"expr": expression(*asked), "eval_time": f"{NOW}m", "exp_samples": samples}
    test = {"interval": "1m", "input_series": inputs, "promql_expr_test": [case]}
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}), "utf-8")

    done = subprocess.run(  # noqa: S603 - the real promtool
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_overview_names_the_same_endpoints_as_the_banners() -> None:
    tree = dashboard(next(path for path in DASHBOARDS if path.stem == "ops-overview"))

    (expr,) = (expr for title, expr in targets(tree) if title == "Stale data")
    assert expr.startswith(f"bottomk(3, {answers.silent()})")
