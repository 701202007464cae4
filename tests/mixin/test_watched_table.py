"""What docs/metrics.md says of the metrics that are watched for anomalies."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.catalogue import metrics as m
from exporter.catalogue.watched import BY_NAME, WATCHABLE, Watched
from exporter.mixin import tables
from exporter.mixin.tables import watched

if TYPE_CHECKING:
    from exporter.catalogue.model import Metric


def test_each_metric_that_can_be_watched_is_named_once() -> None:
    table, _, others = watched().partition("Not watched unless")

    assert re.findall(r"^\| `(ops_\w+)`", table, re.MULTILINE) == list(BY_NAME)
    assert set(re.findall(r"`(ops_\w+)`", others)) == WATCHABLE.keys() - BY_NAME.keys()
    assert "ops_module_status" not in watched()


@pytest.mark.parametrize(
    "row",
    [
        "| `ops_a_seconds` | `module` | too high | `0.25` (25 %) | value, level and variance |",
        "| `ops_b_ratio` | | too low | `0.05` (5 percentage points) | value, level and variance |",
        "| `ops_c_ratio` | | too low | `0.01` (1 percentage point) | value, level and variance |",
        "| `ops_d_total` | | both | `0.1` (per second) | value, level and variance |",
        "| `ops_e` | | too high | `3` | value and level |",
        "| `ops_f` | | both | | value, level and variance |",
    ],
)
def test_a_row_says_which_side_is_bad_and_what_is_too_little(
    row: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def like(metric: Metric, name: str) -> Metric:
        return replace(metric, name=name)

    chosen = (
        Watched(
            metric=like(m.MODULE_RESPONSE_TIME, "ops_a_seconds"), direction=1, log=True, floor=0.25
        ),
        Watched(metric=like(m.CACHE_HIT_RATIO, "ops_b_ratio"), direction=-1, floor=0.05),
        Watched(metric=like(m.CACHE_HIT_RATIO, "ops_c_ratio"), direction=-1, floor=0.01),
        Watched(metric=like(m.EVENTS_EMITTED, "ops_d_total"), floor=0.1),
        Watched(metric=like(m.QUEUE_LENGTH, "ops_e"), direction=1, patterns=False, floor=3.0),
        Watched(metric=like(m.QUEUE_LENGTH, "ops_f")),
    )
    monkeypatch.setattr(tables, "WATCHED", chosen)

    assert row in tables.watched().splitlines()
