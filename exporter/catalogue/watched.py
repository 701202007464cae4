"""
Which metrics are watched for anomalies, and how each is judged.

The detector learns what is usual of each series by itself. What it cannot learn stands here: which
side is bad, what a value can be at all, and how much a person would have to see to care.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, log1p
from typing import Final

from exporter.catalogue import metrics as m
from exporter.catalogue.model import Kind, Metric

# Too high, too low, or both.
UP, DOWN, BOTH = 1, -1, 0
DIRECTIONS: Final = {"up": UP, "down": DOWN, "both": BOTH}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """
    How a metric is judged.

    Attributes:
        direction: The side on which a value is bad: `UP`, `DOWN` or `BOTH`.
        log: Judge the logarithm: what takes twice as long is as far off at 1 ms as at 1 s.
        patterns: Whether it is an anomaly when values only vary more or less than they did, or
            stand still, and not only when one of them or their level is too far off.
        floor: A value is no spike or drop, and a level no shift, that is nearer than this to what
            was expected, in the metric's own unit; of a duration as a share of it: 0.25 is a
            quarter longer.
        low: The least value that there can be.
        high: The largest value that there can be.
    """

    metric: Metric
    direction: int = BOTH
    log: bool = False
    patterns: bool = True
    floor: float = 0.0
    low: float = 0.0
    high: float = inf

    @property
    def margin(self) -> float:
        """The floor in the unit that is judged: that of the logarithm, where *log*."""
        return log1p(self.floor) if self.log else self.floor

    @property
    def counter(self) -> bool:
        """Whether what is judged is the rate of what is told."""
        return self.metric.kind is Kind.COUNTER


def watchable(metric: Metric) -> bool:
    """
    Return whether *metric* can be watched.

    States have no distance, moments only grow, and a job is over before it is known.
    """
    moment = metric.name.endswith(("_timestamp_seconds", "_uptime_seconds"))
    return not (moment or metric.states or metric.also or "job_id" in metric.labels)


def _latency(metric: Metric) -> Watched:
    """
    Watch a duration: only slow is bad, and twice as slow is as bad wherever it begins.

    A quarter longer than the longest that is usual: less than this no user notices, and the
    alerts' own thresholds lie further off.
    """
    return Watched(metric=metric, direction=UP, log=True, floor=0.25)


def _count(metric: Metric, floor: float) -> Watched:
    """
    Watch a number of rare bad things: only many more of them is bad.

    The same small number for hours, and then a few others, is mere chance and no sign of a stuck
    value or a changed variance; but a level further off than the floor is one.
    """
    return Watched(metric=metric, direction=UP, patterns=False, floor=floor)


def _ratio(metric: Metric, direction: int, floor: float) -> Watched:
    return Watched(metric=metric, direction=direction, floor=floor, high=1.0)


WATCHED: Final = (
    _latency(m.MODULE_RESPONSE_TIME),
    # Errors of a day: one more happens to every module, three more at once to none that is well.
    _count(m.MODULE_ERRORS, 3.0),
    _latency(m.API_RESPONSE_TIME),
    # Traffic that stays away is as telling as a flood; a tenth of a request per second is neither.
    Watched(metric=m.API_REQUEST_RATE, floor=0.1),
    # One percent point: a fifth of what the alert on the error ratio tolerates.
    _ratio(m.API_ERROR_RATIO, UP, 0.01),
    # Of a method that the backend timed by itself.
    _latency(m.METHOD_DURATION),
    # A tenth of the pool: two of twenty connections.
    _ratio(m.DATABASE_POOL_USAGE, UP, 0.1),
    _latency(m.DATABASE_QUERY_DURATION),
    # Queries over 100 ms: a handful more is noise of a busy minute.
    _count(m.DATABASE_SLOW_QUERIES, 5.0),
    # Per second. One event in ten seconds more or less says nothing of a bus.
    Watched(metric=m.EVENTS_EMITTED, floor=0.1),
    # Per second: more than one failed delivery in a poll of 30 s.
    _count(m.EVENT_DELIVERIES_FAILED, 0.05),
    _latency(m.EVENT_LATENCY),
    # Only too low is bad. Five percent points: what a cache loses when some hot keys expire.
    _ratio(m.CACHE_HIT_RATIO, DOWN, 0.05),
    # Ten tasks: a tenth of the queue length that the alert calls a backlog.
    _count(m.QUEUE_LENGTH, 10.0),
    # Per second; a worker that stops takes more than this away.
    Watched(metric=m.TASK_RATE, floor=0.1),
    # Of a day: some fail every day and are retried.
    _count(m.TASKS_FAILED, 3.0),
    _latency(m.MODEL_INFERENCE_DURATION),
    _ratio(m.MODEL_ERROR_RATIO, UP, 0.01),
    # People come and go by the tens; a handful is no news.
    Watched(metric=m.ACTIVE_USERS, floor=5.0),
    # Two percent points: less than that is drift that the next training takes back.
    _ratio(m.RECOMMENDATION_ACCURACY, DOWN, 0.02),
    _ratio(m.RECOMMENDATION_CLICK_THROUGH, DOWN, 0.02),
)
BY_NAME: Final = {watched.metric.name: watched for watched in WATCHED}
WATCHABLE: Final = {metric.name: metric for metric in m.ALL if watchable(metric)}
# The labels that a watched series can have, in one order.
LABELS: Final = tuple(
    dict.fromkeys(label for metric in WATCHABLE.values() for label in metric.labels)
)
