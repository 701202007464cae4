"""The deployed dialect: several endpoints tell what one owns, and each series is judged once."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np
import pytest

from exporter.anomaly import Detectors
from exporter.catalogue import endpoints as e
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.catalogue.model import Dialect
from exporter.catalogue.watched import WATCHABLE
from exporter.polling.plan import key_of, plan
from exporter.settings import Settings
from tests.polling.simulated import INTERVAL_S, Simulated

if TYPE_CHECKING:
    from exporter.anomaly import Judgement
    from exporter.anomaly.arrays import FloatArray
    from exporter.catalogue.model import Endpoint

API = {m.API_RESPONSE_TIME.name, m.API_REQUEST_RATE.name, m.API_ERROR_RATIO.name}


def watched(one: Simulated) -> set[tuple[str, ...]]:
    """Return the series that are exposed and watched."""
    return {
        (metric.name, *sample.labels)
        for metric in plan(Settings())
        for sample in one.snapshot.by_metric.get(metric, ())
    }


def counts(one: Simulated) -> Counter[tuple[str, ...]]:
    """Return how many samples of each series were taken in."""
    samples = one.samples(own.ANOMALY_SAMPLES)
    found = Counter({sample.labels: int(sample.value) for sample in samples})
    assert len(found) == len(samples), "no series stands twice"
    return found


def settled(dialect: Dialect) -> Simulated:
    one = Simulated(2, dialect=dialect)
    one.run(5 * INTERVAL_S)
    return one


@pytest.mark.parametrize("dialect", Dialect)
def test_whatever_is_watched_and_exposed_is_judged_once_per_answer(dialect: Dialect) -> None:
    one = settled(dialect)
    for _ in range(20):
        one.world.advance_to(one.now + INTERVAL_S)
        for endpoint in one.endpoints:
            before = counts(one)
            one.ask(endpoint)
            after = counts(one)
            told = {
                (metric.name, *sample.labels)
                for metric, samples in one.snapshot.told_by(endpoint)
                for sample in samples
            }
            assert after.keys() == watched(one)
            grown = {series for series in after if after[series] != before[series]}
            assert grown == told & after.keys()
            assert all(after[series] == before[series] + 1 for series in grown)


def test_in_the_deployed_dialect_two_endpoints_tell_what_one_of_them_owns() -> None:
    names = {series[0] for series in watched(settled(Dialect.DEPLOYED))}

    assert API | {m.METHOD_DURATION.name} <= names
    assert {metric.owner for metric in plan(Settings()) if metric.name in API} == {e.PERFORMANCE}


def test_the_metrics_of_a_bank_have_one_teller_at_a_time() -> None:
    """The owner's dialect decides between owner and fallback: it must be one for all of them."""
    dialects = defaultdict(set)
    for metric in WATCHABLE.values():
        dialects[key_of(metric, 120)].add(metric.owner_dialect)

    assert all(len(found) == 1 for found in dialects.values())


@pytest.mark.parametrize(
    ("failing", "gone"),
    [
        (e.BACKEND_METRICS, API),
        (e.PERFORMANCE, {m.METHOD_DURATION.name}),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
def test_who_fails_takes_away_what_was_said_of_its_own_values_and_nothing_else(
    failing: Endpoint, gone: set[str]
) -> None:
    one = settled(Dialect.DEPLOYED)
    before = watched(one)
    one.failing = {failing.name}
    one.poll()

    assert before - counts(one).keys() == {series for series in before if series[0] in gone}
    assert counts(one).keys() == watched(one)

    one.failing = set()
    one.run(2 * INTERVAL_S)
    assert counts(one).keys() == watched(one) == before


def test_what_another_endpoint_tells_is_not_missing_from_an_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A series without a value forgets its incidents sooner than it should."""
    one, complete = settled(Dialect.DEPLOYED), []
    update = Detectors.update

    def noted(self: Detectors, at: float, values: FloatArray) -> Judgement:
        complete.append(bool(np.isfinite(values).all()))
        return update(self, at, values)

    monkeypatch.setattr(Detectors, "update", noted)
    one.poll()

    assert len(complete) > len(one.endpoints) / 2
    assert all(complete)
