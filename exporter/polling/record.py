"""What is known of one endpoint: its verdicts, counted and dated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.catalogue import own_metrics as own
from exporter.catalogue.endpoints import HEALTH
from exporter.catalogue.sample import Sample, states
from exporter.catalogue.verdicts import FAILURES, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.api.answer import Answer
    from exporter.catalogue.model import Endpoint
    from exporter.collectors.reading import Reading


class Record:
    """
    The history of one endpoint of one target, as far as metrics tell it.

    Attributes:
        answer: The last one; None before the first request has ended.
        reading: What the last answer told, if it was usable.
        last_success_at: Unix time of the last usable answer.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.answer: Answer | None = None
        self.reading: Reading | None = None
        self.last_success_at: float | None = None
        self._polls = 0
        self._failures: Counter[Verdict] = Counter()
        self._missing: int | None = None
        self._unknown: int | None = None

    def note(self, answer: Answer, reading: Reading | None) -> None:
        """Take in the outcome of a request."""
        self.answer, self.reading = answer, reading
        self._polls += 1
        if answer.verdict.success:
            self.last_success_at = answer.received_at
        else:
            self._failures[answer.verdict] += 1
        if reading is not None:
            self._missing, self._unknown = len(reading.missing), len(reading.unknown)
        elif answer.verdict.success:
            # Nothing to read is nothing amiss; what was amiss before is no longer so.
            self._missing = self._unknown = None

    def samples(self, interval_s: float) -> Iterator[Sample]:
        """Yield the verdict metrics; of what was never asked only the pace."""
        name = self.endpoint.name
        yield Sample(own.ENDPOINT_INTERVAL, (name,), interval_s)
        if self.answer is None:
            return
        verdict = self.answer.verdict
        if self.endpoint is HEALTH:
            yield Sample(own.UP, (), float(verdict in (Verdict.OK, Verdict.NOT_APPLICABLE)))
        yield Sample(own.ENDPOINT_SUCCESS, (name,), float(verdict.success))
        yield from states(own.ENDPOINT_STATUS, verdict, name)
        yield Sample(own.ENDPOINT_DURATION, (name,), self.answer.duration_s)
        yield Sample(own.POLLS, (name,), float(self._polls))
        for reason in FAILURES:
            yield Sample(own.ENDPOINT_FAILURES, (name, reason), float(self._failures[reason]))
        if self.last_success_at is not None:
            yield Sample(own.ENDPOINT_LAST_SUCCESS, (name,), self.last_success_at)
        if self._missing is not None and self._unknown is not None:
            yield Sample(own.ENDPOINT_MISSING_FIELDS, (name,), float(self._missing))
            yield Sample(own.ENDPOINT_UNKNOWN_FIELDS, (name,), float(self._unknown))
