"""The kinds of things the catalogue declares, with the rules that their names must keep."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NAMESPACE: Final = "ops"

# Prometheus marks a series stale when a scrape no longer has it. Rules and panels look back this
# far, so that one missed poll neither fires nor clears; heavy endpoints are asked less often.
WINDOW_LIGHT: Final = "2m"
WINDOW_HEAVY: Final = "10m"

# The cardinality limit counts the entities that these labels name.
FREE_LABELS: Final = frozenset(
    (
        *("component", "module", "method", "table", "event", "key"),
        *("task", "worker", "model", "job_id", "repository"),
    )
)

_METRIC_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_BASE_UNITS = ("seconds", "bytes", "ratio")


class Kind(StrEnum):
    """The type of a metric family in the exposition."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"
    SUMMARY = "summary"  # quantiles that the API computed; neither sum nor count is known
    # A gauge that may bear the label `quantile` of a summary that it speaks of, which is not
    # allowed to one that is called a gauge.
    UNKNOWN = "unknown"


class Dialect(StrEnum):
    """The two shapes in which the monitoring API answers."""

    DESIGNED = "designed"
    DEPLOYED = "deployed"


class Severity(StrEnum):
    """How soon a person must act."""

    INFO = "info"  # nobody is woken: history and dashboards only
    WARNING = "warning"  # act within the working day
    CRITICAL = "critical"  # act now


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    One resource of the monitoring API that the exporter polls.

    Attributes:
        path: Below the API's base URL.
        section: The module of ``exporter.collectors`` that reads the answer.
        query: Parameters sent as they are; both dialects ignore what they do not know.
        windowed: Also send the configured ``time_range`` and ``time_window_days``.
        public: Answers without a token; none is sent.
        expected_s: How long an answer is thought to take until one was measured. Above the
            pacer's limit the endpoint is asked alone from its very first request.
        text: Answers Prometheus text instead of JSON.
        usable_statuses: HTTP statuses beside 2xx whose body can still tell what was asked.
        usable_key: It does when it has an object of this name.
    """

    name: str
    path: str
    section: str
    query: tuple[tuple[str, str], ...] = ()
    windowed: bool = False
    public: bool = False
    expected_s: float = 0.0
    text: bool = False
    usable_statuses: tuple[int, ...] = ()
    usable_key: str = ""

    @property
    def window(self) -> str:
        """How far rules and panels look back for values of this endpoint."""
        return WINDOW_HEAVY if self.expected_s else WINDOW_LIGHT


# Compared by identity: each is declared once, and hashing its texts would cost at each lookup.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Metric:
    """
    One metric family of the exporter or of the action service.

    Attributes:
        help: One sentence that ends with a full stop: what it is, from which endpoint and field.
        labels: In the order in which samples give their values.
        states: All values of the label ``status``; exactly one series of a set is 1.
        open_labels: Samples bring further labels of their own (those of the watched metric).
        owner: The endpoint that this metric comes from; None for the exporter's own metrics.
        owner_dialect: The owner speaks of it in this dialect only; in the other the fallback does.
        fallback: Gives this metric only while the owner does not.
        also: Gives further series of this metric; where both give the same, the owner's counts.
        dialect: Exists in this dialect only; None for both.
        service: True when the action service exposes it, not the exporter.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    owner: Endpoint | None = None
    owner_dialect: Dialect | None = None
    fallback: Endpoint | None = None
    also: Endpoint | None = None
    dialect: Dialect | None = None
    service: bool = False
    open_labels: bool = False

    def __post_init__(self) -> None:
        if not self.name.startswith(f"{NAMESPACE}_") or not _METRIC_NAME.fullmatch(self.name):
            message = f"{self.name}: must be {NAMESPACE}_ and lower-case words"
            raise ValueError(message)
        if (self.kind is Kind.COUNTER) != self.name.endswith("_total"):
            message = f"{self.name}: counters, and only counters, end in _total"
            raise ValueError(message)
        if not self.help.endswith("."):
            message = f"{self.name}: help is a sentence and ends with a full stop"
            raise ValueError(message)
        if self.states and self.labels[-1:] != ("status",):
            message = f"{self.name}: a state set has the label status, last"
            raise ValueError(message)

    def __str__(self) -> str:
        """Return the name, so that an f-string of PromQL just works."""
        return self.name

    @property
    def free_labels(self) -> tuple[str, ...]:
        """The labels whose values an answer chooses; their combinations are its entities."""
        return tuple(label for label in self.labels if label in FREE_LABELS)

    @property
    def window(self) -> str:
        """How far rules and panels look back for a value of this metric."""
        # What speaks of another metric may speak of one of a heavy endpoint.
        heavy = self.open_labels and not self.service
        return self.owner.window if self.owner else WINDOW_HEAVY if heavy else WINDOW_LIGHT

    @property
    def unit(self) -> str:
        """The base unit that the name ends in (seconds, bytes, ratio), or nothing."""
        last = self.name.removesuffix("_total").rsplit("_", 1)[-1]
        return last if last in _BASE_UNITS else ""
