"""How the false alarms of simulated weeks are counted."""

from __future__ import annotations

import pytest

from tests.bench import weeks
from tests.polling.simulated import INTERVAL_S

POLL = INTERVAL_S / (7 * 86_400)  # weeks
QUEUE = ("warning", ("ops_queue_length",), "spike")
CACHE = ("info", ("ops_cache_hit_ratio",), "pattern")


def test_an_alarm_that_lasts_counts_once_and_one_that_comes_back_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    firing = iter([[], [QUEUE], [QUEUE, CACHE], [CACHE], [QUEUE], []])
    monkeypatch.setattr(weeks, "alerting", lambda _: next(firing))
    told: list[str] = []

    found = weeks.measure(6 * POLL, progress=told.append)

    assert [(alarm.severity, alarm.kind) for alarm in found.alarms] == [
        ("warning", "spike"),
        ("info", "pattern"),
        ("warning", "spike"),
    ]
    assert found.series > 50
    assert len(told) == 3
    assert told[0] == "warning: spike of ops_queue_length on day 0.00"


@pytest.mark.parametrize(
    ("length", "warnings", "met"),
    [(4.0, 4, True), (4.0, 5, False), (1.0, 1, True), (0.1, 1, True), (0.1, 2, False)],
)
def test_one_warning_a_week_is_enough_and_infos_do_not_count(
    length: float, warnings: int, *, met: bool
) -> None:
    alarms = [("warning", warnings), ("info", 9)]
    found = weeks.Weeks(
        weeks=length,
        seed=3,
        series=52,
        alarms=tuple(
            weeks.Alarm(at_day=1.0, severity=severity, series=("ops_queue_length",), kind="spike")
            for severity, count in alarms
            for _ in range(count)
        ),
    )

    assert found.met is met
    assert f"  {warnings / length:.2f} warning (goal ≤ 1)" in found.lines()
