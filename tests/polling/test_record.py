from __future__ import annotations

from exporter.api.answer import Answer
from exporter.catalogue import own_metrics as own
from exporter.catalogue.endpoints import PERFORMANCE
from exporter.catalogue.model import Dialect
from exporter.catalogue.verdicts import Verdict
from exporter.collectors.reading import Reading
from exporter.polling.record import Record


def answer(verdict: Verdict) -> Answer:
    return Answer(endpoint=PERFORMANCE, verdict=verdict, duration_s=0.1, received_at=1000.0)


def shown(record: Record) -> set[str]:
    return {sample.metric.name for sample in record.samples(30.0)}


FIELDS = {own.ENDPOINT_MISSING_FIELDS.name, own.ENDPOINT_UNKNOWN_FIELDS.name}


def test_fields_that_were_missing_are_forgotten_when_there_is_nothing_to_read_any_more() -> None:
    record = Record(PERFORMANCE)
    drifted = Reading(dialect=Dialect.DESIGNED, missing=["uptime_seconds"], unknown=["uptime"])
    record.note(answer(Verdict.OK), drifted)
    assert shown(record) > FIELDS

    record.note(answer(Verdict.NOT_OFFERED), None)

    assert not shown(record) & FIELDS


def test_a_failure_says_nothing_about_fields_so_the_last_usable_answer_counts() -> None:
    record = Record(PERFORMANCE)
    record.note(answer(Verdict.OK), Reading(dialect=Dialect.DESIGNED, missing=["uptime_seconds"]))
    record.note(answer(Verdict.TIMEOUT), None)

    assert shown(record) > FIELDS
