"""
What is news, by evidence alone: 1.7 is the threshold, 0.3 the most that persistence adds.

After evidence of E was told, the same side is told again above 2 E + 0.5, until it has faded: by
half in 60 samples without evidence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from exporter.anomaly import DEFAULT, DEFAULT_THRESHOLD, GAUGE, Detectors
from exporter.anomaly.events import Events
from exporter.anomaly.rows import LOW_VALUE, RUN, SPREAD, VALUE

if TYPE_CHECKING:
    from collections.abc import Iterable

SERIES = 20
DAY = 288  # samples of five minutes
STEP_S = 300.0
T0 = 1.75e9 // 86_400 * 86_400


def news(evidence: Iterable[float], row: int = VALUE, events: Events | None = None) -> list[int]:
    """Return the moments at which *evidence* of one series is an event; NaN is a missing value."""
    events = Events(1, DEFAULT) if events is None else events
    found = []
    for at, value in enumerate(evidence):
        usable = np.isfinite([value])
        _, score = events.update(np.nan_to_num([value]), usable, np.array([row]))
        if score[0] >= DEFAULT_THRESHOLD:
            found.append(at)
    return found


def test_evidence_that_lasts_is_told_once_however_long() -> None:
    """A fortnight of 30 s."""
    assert news([10.0] * 40_000) == [0]


def test_evidence_that_wavers_is_the_same_incident() -> None:
    """As single values around a new level do: now and then none is beyond its mark."""
    wavering = np.random.default_rng(1).uniform(4.0, 10.0, 20_000)
    wavering[::7] = 0.0

    assert len(news([10.0, *wavering])) == 1


def test_an_incident_that_becomes_much_worse_is_told_again() -> None:
    """After 10, more than 20.5 is; 19 and 0.3 of persistence are not."""
    assert news([10.0] * 5_000 + [19.0] * 5_000) == [0]
    assert news([10.0] * 5_000 + [21.0] * 5_000) == [0, 5_000]


def test_a_second_incident_is_told_when_the_first_has_ended() -> None:
    """10 fades to 0.3 in 300 samples without evidence: then 2 is news, and after 30 it is none."""
    lasting = [10.0] * 5_000

    assert news(lasting + [0.0] * 30 + [2.0] * 10) == [0]
    assert news(lasting + [0.0] * 300 + [2.0] * 10) == [0, 5_300]


def test_another_side_is_another_incident_while_the_first_lasts() -> None:
    """After three hours the peak of 10 has faded to 6.6; 12 is more than half as much again."""
    for row in (LOW_VALUE, SPREAD, RUN):
        events = Events(1, DEFAULT)
        assert news([10.0] * 360, events=events) == [0]
        assert news([12.0] * 5_000, row, events) == [0]
        assert news([12.0] * 5_000, VALUE, events) == []


def test_a_series_without_a_value_forgets_nothing() -> None:
    """An hour of answers of others, or of failures, is no hour in which all was well."""
    missing = [np.nan] * 1_000

    assert news([10.0] * 10 + missing + [10.0] * 10) == [0]
    assert news([1.2] * 10 + missing + [1.8] * 10) == []
    assert news([1.2] * 10 + [0.0] * 1_000 + [1.8] * 10) == [1_010]


def test_a_level_that_stays_is_told_when_it_begins_and_not_every_few_hours() -> None:
    """
    18 days of noise, then 5 deviations up for three days, the time that blocks of a day take.

    It is told when it begins and while the means of half an hour and hours fill (60 samples); then
    not again. A drop to zero two days later is told at once, and so is a spike when all is learnt.
    """
    values = np.random.default_rng(2).normal(100, 1, (23 * DAY, SERIES))
    begin, other = 18 * DAY, 20 * DAY
    values[begin:] += 5.0
    values[other : other + 20, : SERIES // 2] = 0.0
    spike = 22 * DAY + DAY // 2
    values[spike] += 20.0
    detectors = Detectors()
    detectors.append(SERIES, kind=GAUGE)

    flags = np.array(
        [detectors.score(T0 + STEP_S * n, row) >= DEFAULT_THRESHOLD for n, row in enumerate(values)]
    )

    assert flags[begin : begin + 10].any(0).all()
    assert flags[begin : begin + 60].sum(0).max() <= 4
    lasting = flags[begin + 60 : 21 * DAY].sum(0)
    assert lasting[SERIES // 2 :].sum() <= SERIES // 10, "of 10 series in three days"
    assert flags[other : other + 2, : SERIES // 2].any(0).all()
    assert flags[spike].all()
