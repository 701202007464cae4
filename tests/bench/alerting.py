"""How long it takes from a number that crosses its threshold to the notification at the webhook."""

from __future__ import annotations

import random
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from scripts.layout import located
from tests.e2e.stack import Stack

from .report import Figure, Goal, Section

if TYPE_CHECKING:
    from pathlib import Path

# Of polls, scrapes and evaluations; `for` is 0 and `group_wait` 1 s.
_INTERVAL_S: Final = 5
_GOAL: Final = Goal(limit=20.0, text="of the issue")
# The five thresholds of the design, in the units of the API.
_CROSSINGS: Final = {
    "OpsApiErrorRateHigh": ("error_rate", 7.5),
    "OpsApiResponseTimeHigh": ("p95", 800),
    "OpsQueueBacklogHigh": ("queue_length", 140),
    "OpsCacheHitRateLow": ("cache_hit_rate", 31),
    "OpsWorkersDegraded": ("worker_health", "degraded"),
}


def measure(folder: Path, *, rounds: int) -> Section:
    """Cross all thresholds *rounds* times, each at a moment of its own."""
    programs = {name: located(name) for name in ("prometheus", "alertmanager")}
    there = {name: path for name, path in programs.items() if path is not None}
    if len(there) < len(programs):
        sys.exit("The benchmark of alerting needs Prometheus and Alertmanager.")
    chance = random.Random(1)  # noqa: S311 - moments, not secrets
    site = folder / "alerting"
    site.mkdir()
    waited: list[float] = []
    with Stack(site, there, interval_s=_INTERVAL_S) as stack:
        stack.eventually(lambda: stack.query("backend:ops_queue_length:max"), 120)
        stack.eventually(lambda: stack.query("backend:ops_cache_hit_ratio:current"), 120)
        for _ in range(rounds):
            waited += _round(stack, chance)
    return Section(
        "From crossing to notification (poll, scrape, evaluation 5 s)",
        (
            Figure(name="median", unit="s", ours=statistics.median(waited)),
            Figure(name=f"longest of {len(waited)}", unit="s", ours=max(waited), goal=_GOAL),
        ),
    )


def _round(stack: Stack, chance: random.Random) -> list[float]:
    """Cross all thresholds, and wait until everything is well again."""
    crossed: dict[str, float] = {}
    faults = []
    for alert, (path, value) in _CROSSINGS.items():
        time.sleep(chance.uniform(0, _INTERVAL_S))
        crossed[alert] = time.time()
        faults.append(stack.fault(kind="set", path=path, value=value))
    stack.eventually(lambda: stack.webhook.names() >= crossed.keys())
    waited = [stack.webhook.of(alert)[0].at - at for alert, at in crossed.items()]
    for fault in faults:
        stack.mend(fault)
    stack.eventually(lambda: all(len(stack.webhook.of(alert)) > 1 for alert in crossed))
    stack.rounds(2)
    stack.webhook.notices.clear()
    return waited
