"""What Prometheus makes of an expression of a dashboard, by promtool."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import yaml

from exporter.mixin.promql import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

# What each series bears of its target.
TARGET = 'job="j", instance="i", backend="b"'


def check(
    promtool: Path,
    folder: Path,
    expression: str,
    series: Sequence[Mapping[str, str]],
    wanted: Mapping[str, float],
    minute: int = 30,
) -> None:
    """
    Let promtool compare what *expression* gives in a *minute* with what is *wanted*.

    Args:
        series: One value for each minute, in promtool's notation.
        wanted: By labels, as ``{a="b"}``.
    """
    for name in VARIABLES:
        expression = expression.replace(f'"${name}', '".+')
    samples = [{"labels": labels, "value": value} for labels, value in wanted.items()]
    case = {"expr": expression, "eval_time": f"{minute}m", "exp_samples": samples}
    test = {"interval": "1m", "input_series": list(series), "promql_expr_test": [case]}
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": [], "tests": [test]}), "utf-8")

    done = subprocess.run(  # noqa: S603 - the real promtool
        [promtool, "test", "rules", path], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
