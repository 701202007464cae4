"""What a table of alerts tells of each one's value, and how many the badge counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import promql_parser
import pytest

from exporter.catalogue.rules import ALERTS
from exporter.mixin import alert_values, firing
from tests.mixin.evaluated import TARGET, check

if TYPE_CHECKING:
    from pathlib import Path

MINUTES = 30
# An alert, what it is about, what is measured, its threshold, and what is read.
CASES = {
    "a share": (
        "OpsApiErrorRateHigh",
        "",
        'backend:ops_api_error_ratio:max{backend="b"} 0.0623',
        "0.05",
        "6.2 % (5 %)",
    ),
    "a short time": (
        "OpsModuleSlow",
        ', module="search"',
        f'ops_module_response_time_seconds{{{TARGET}, module="search"}} 0.82',
        "0.5",
        "820 ms (500 ms)",
    ),
    "a very short time": (
        "OpsEventLatencyHigh",
        "",
        f'ops_event_latency_seconds{{{TARGET}, quantile="0.95"}} 0.00135',
        "0.001",
        "1.4 ms (1 ms)",
    ),
    "an age": (
        "OpsMonitoringDataStale",
        ', endpoint="cache"',
        f'ops_endpoint_last_success_timestamp_seconds{{{TARGET}, endpoint="cache"}} 900',
        "300",
        "15 min (5 min)",
    ),
    "a count": (
        "OpsQueueBacklogHigh",
        "",
        'backend:ops_queue_length:max{backend="b"} 155',
        "120",
        "155 (120)",
    ),
}


def constant(series: str, value: str) -> dict[str, str]:
    return {"series": series, "values": f"{value}x{MINUTES}"}


def alert(name: str, severity: str, more: str = "") -> dict[str, str]:
    labels = f'alertname="{name}", alertstate="firing", backend="b", severity="{severity}"{more}'
    return constant(f"ALERTS{{{labels}}}", "1")


@pytest.mark.parametrize(("name", "about", "measured", "limit", "text"), CASES.values(), ids=CASES)
def test_a_value_is_told_in_its_unit_beside_the_threshold_in_force(
    promtool: Path, tmp_path: Path, name: str, about: str, measured: str, limit: str, text: str
) -> None:
    series = [
        alert(name, "warning", about),
        # Of one that is twice as bad both rules fire; it is one row.
        alert(name, "critical", about),
        constant(*measured.rsplit(" ", 1)),
        constant(f'alert:ops_alert_threshold:current{{alert="{name}"}}', limit),
    ]
    expression = f"count by (alertname, value) ({firing.value(acknowledged=False)})"

    check(promtool, tmp_path, expression, series, {f'{{alertname="{name}", value="{text}"}}': 1.0})


def test_every_alert_with_a_threshold_tells_its_value_but_for_those_with_several_reasons() -> None:
    told = {alert.name for alert in ALERTS if f'"{alert.name}"' in alert_values.written()}
    limited = {alert.name for alert in ALERTS if alert.limit is not None}

    assert limited - told == {"OpsWorkerOffline", "OpsAnomaly"}
    assert told <= limited


def test_a_table_of_modules_asks_for_their_values_alone() -> None:
    expression = alert_values.written("module")

    assert '"OpsModuleSlow"' in expression
    assert '"OpsQueueBacklogHigh"' not in expression
    promql_parser.parse(expression)


@pytest.mark.parametrize(
    ("acknowledged", "wanted"),
    [
        pytest.param((), {'{rank="3"}': 1.0}, id="one is critical"),
        pytest.param(("A",), {'{rank="2"}': 2.0}, id="somebody has taken it on"),
        pytest.param(("A", "B", "C"), {'{rank="0"}': 0.0}, id="nothing is left"),
    ],
)
def test_the_badge_counts_what_is_worst_and_waits_for_somebody(
    promtool: Path, tmp_path: Path, acknowledged: tuple[str, ...], wanted: dict[str, float]
) -> None:
    series = [
        alert("A", "critical"),
        alert("A", "warning"),
        alert("B", "warning"),
        alert("C", "warning", ', module="search"'),
        alert("D", "info") | {"values": "1x5 stale"},
    ]
    for name in acknowledged:
        more = ', module="search"' if name == "C" else ""
        labels = f'alertname="{name}", backend="b"{more}'
        series.append(constant(f"ops_alert_acknowledged{{{labels}}}", "1"))

    check(promtool, tmp_path, firing.worst(), series, wanted)
