"""Which watched series the dashboard shows, and what their values are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue.model import Kind
from exporter.catalogue.rules.anomalies import ACTIVE, ODDNESS
from exporter.catalogue.watched import LABELS, WATCHED
from exporter.mixin.promql import rate, recent, recorded, series, worst

if TYPE_CHECKING:
    from exporter.catalogue.model import Metric

CHOSEN: Final = 'metric=~"$metric"'
BY: Final = ("backend", "metric", *LABELS)
SAME: Final = f"on ({', '.join(BY)})"
NAMED: Final = "{{metric}} {{where}} {{backend}}"
UNWATCHED: Final = "○ Nothing is watched yet; it takes a few hours to learn what is usual"
# Of what a rate is judged the rate is shown.
_COUNTERS: Final = tuple(w.metric for w in WATCHED if w.metric.kind is Kind.COUNTER)


def now(metric: Metric) -> str:
    """Select what is said of the chosen series now, once for all replicas."""
    return worst(recent(metric, CHOSEN), *BY)


def active(*more: str) -> str:
    """Tell which of the chosen series have an anomaly: 1 or nothing."""
    return worst(recorded(ACTIVE, CHOSEN), *BY, *more)


def most(count: int) -> str:
    """Select the chosen series that stand out most within the shown range."""
    return f"topk({count}, max_over_time({recorded(ODDNESS, CHOSEN)}[$__range] @ end()))"


def among(count: int, expression: str) -> str:
    """
    Keep of *expression* the series that stand out most, once for all replicas.

    It comes before anything else is done with them: that costs as much for each series and step.
    """
    return worst(f"({expression})\nand {SAME}\n{most(count)}", *BY)


def values(matcher: str = "", *, rates: bool = True) -> str:
    """
    Select the watched values themselves, with the name of their metric as a label.

    Args:
        matcher: Leave out the gauges whose names it does not match.
        rates: Select what is judged by its rate too.
    """
    names = ['__name__=~"$metric"', '__name__!~".+_total"', *([matcher] if matcher else [])]
    terms = [f'label_replace({series("", *names)}, "metric", "$1", "__name__", "(.*)")']
    if rates:
        terms += [f'label_replace({rate(one)}, "metric", "{one}", "", "")' for one in _COUNTERS]
    return "\nor\n".join(terms)


def told(expression: str) -> str:
    """Say in one label which of a metric's series it is."""
    labels = ", ".join(f'"{name}"' for name in LABELS)
    joined = f'label_join({expression}, "where", " ", {labels})'
    return f'label_replace({joined}, "where", "$1", "where", " *(.*?) *")'
