from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.catalogue.endpoints import CACHE, HEALTH, MODELS, WORKERS
from exporter.catalogue.verdicts import Verdict
from exporter.polling.pace import Pace

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

OK = Verdict.OK


def pace(endpoint: Endpoint = CACHE, interval_s: float = 30.0, deadline_s: float = 10.0) -> Pace:
    return Pace(endpoint, interval_s, deadline_s)


def told(one: Pace, *durations_s: float, verdict: Verdict = OK) -> Pace:
    for duration_s in durations_s:
        one.note(verdict, duration_s)
    return one


def test_an_endpoint_is_light_until_its_median_exceeds_half_a_second() -> None:
    assert not told(pace(), 0.1, 0.5, 0.5).heavy
    assert told(pace(), 0.1, 0.51, 0.52).heavy


def test_one_slow_answer_among_five_makes_no_heavy_endpoint() -> None:
    one = told(pace(), 0.1, 0.1, 9.0, 0.1, 9.0)

    assert not one.heavy
    assert one.interval_s == 30


def test_only_the_last_five_answers_count() -> None:
    one = told(pace(), 3, 3, 3, 3, 3, 0.1, 0.1)

    assert one.heavy
    assert not told(one, 0.1).heavy
    assert one.interval_s == 30


def test_the_slow_endpoints_are_heavy_before_they_were_ever_asked() -> None:
    assert pace(HEALTH).heavy
    assert pace(WORKERS).heavy
    assert not pace(CACHE).heavy


def test_a_backend_that_answers_health_quickly_is_asked_at_the_configured_pace() -> None:
    assert told(pace(HEALTH), 0.01).interval_s == 30


@pytest.mark.parametrize("duration_s", [0.6, 2.0, 3.0, 4.0, 6.0, 9.9])
def test_a_heavy_endpoint_takes_at_most_five_percent_of_the_time(duration_s: float) -> None:
    one = told(pace(), *[duration_s] * 3)

    assert duration_s / one.interval_s <= 0.05


def test_the_first_slow_answers_of_a_light_endpoint_are_asked_again_alone_before_they_count() -> (
    None
):
    """A backend that has just started is slow once; so is what queues behind a slow answer."""
    one = told(pace(), 0.8)

    assert one.heavy
    assert one.interval_s == 30
    assert not told(one, 0.01).heavy


def test_an_endpoint_that_always_fails_is_judged_by_all_its_answers_not_by_one_slow_one() -> None:
    one = told(pace(MODELS), 0.8, 0.003, 0.003, verdict=Verdict.HTTP_ERROR)

    assert not one.heavy
    assert one.interval_s == 30


def test_a_slow_endpoint_that_is_refused_comes_back_at_the_usual_pace_and_alone() -> None:
    """A refused connection costs the backend nothing, and the product may be up again at once."""
    one = told(pace(HEALTH), 2.0)
    assert one.interval_s > 30
    one.note(Verdict.REFUSED, 0.001)

    assert one.heavy
    assert one.interval_s == 30


def test_a_slower_answer_counts_at_once_not_when_the_median_has_followed() -> None:
    one = told(pace(HEALTH), 2, 2, 2, 2, 4)

    assert 4 / one.interval_s <= 0.05


def test_heavy_endpoints_are_not_asked_more_often_than_configured() -> None:
    assert told(pace(interval_s=300), 0.6).interval_s == 300


def test_each_time_out_doubles_the_interval_up_to_five_minutes() -> None:
    one = pace()

    seen = []
    for _ in range(6):
        one.note(Verdict.TIMEOUT, 10.0)
        seen.append(one.interval_s)
    assert seen == [60, 120, 240, 300, 300, 300]


def test_a_heavy_endpoint_that_times_out_pays_for_the_time_waited() -> None:
    one = told(pace(HEALTH), 2.0)
    one.note(Verdict.TIMEOUT, 10.0)

    assert 10 / one.interval_s <= 0.05


def test_years_of_time_outs_do_not_overflow() -> None:
    assert told(pace(), *[10.0] * 5000, verdict=Verdict.TIMEOUT).interval_s == 300


@pytest.mark.parametrize("verdict", [OK, Verdict.HTTP_ERROR, Verdict.REFUSED])
def test_the_first_answer_after_time_outs_brings_the_old_pace_back(verdict: Verdict) -> None:
    one = told(pace(), 10.0, 10.0, 10.0, verdict=Verdict.TIMEOUT)

    one.note(verdict, 0.1)

    assert one.interval_s == 30


def test_failures_other_than_time_outs_are_asked_again_at_the_usual_pace() -> None:
    for verdict in (Verdict.REFUSED, Verdict.HTTP_ERROR, Verdict.INVALID, Verdict.UNAUTHORIZED):
        assert told(pace(), 0.01, 0.01, verdict=verdict).interval_s == 30


def test_what_is_not_offered_is_asked_again_after_ten_minutes_and_then_as_usual() -> None:
    one = told(pace(MODELS), 0.01, verdict=Verdict.NOT_OFFERED)

    assert one.interval_s == 600
    assert told(one, 0.01).interval_s == 30


@pytest.mark.parametrize(
    "verdict", [Verdict.HTTP_ERROR, Verdict.NOT_OFFERED, Verdict.UNAUTHORIZED, Verdict.INVALID]
)
def test_a_proxy_that_turns_us_away_quickly_makes_no_light_endpoint(verdict: Verdict) -> None:
    """Or the slow endpoint would be asked like a light one when the backend is back."""
    one = told(pace(HEALTH), 0.01, 0.01, 0.01, 0.01, 0.01, verdict=verdict)

    assert one.heavy


def test_a_failure_that_takes_long_is_as_heavy_as_a_long_answer() -> None:
    assert told(pace(), 6.0, 6.0, verdict=Verdict.STATUS_ERROR).heavy


def test_a_heavy_request_has_the_whole_deadline_though_less_is_kept_free_for_it() -> None:
    """The deployed health takes up to 4 s, the workers up to 6 s."""
    assert 4 < told(pace(HEALTH), 2.0).reserve_s < 5
    assert 6 < told(pace(WORKERS), 3.0).reserve_s < 7
    assert told(pace(HEALTH), 2.0).deadline_s == 10


def test_after_a_time_out_the_whole_deadline_is_kept_free() -> None:
    one = told(pace(HEALTH), 2.0)
    one.note(Verdict.TIMEOUT, one.deadline_s)

    assert one.reserve_s == 10


def test_no_request_is_given_longer_than_configured() -> None:
    assert pace(WORKERS, deadline_s=2.0).deadline_s == 2
    assert pace(CACHE, deadline_s=2.0).deadline_s == 2


def test_asking_again_is_free_when_the_last_request_was_over_in_no_time() -> None:
    assert pace(CACHE).quick
    assert not pace(HEALTH).quick
    assert told(pace(HEALTH), 0.1).quick
    assert told(pace(), 0.01, verdict=Verdict.REFUSED).quick
    assert not told(pace(), 0.1, 0.7).quick
    assert not told(pace(), 0.1, verdict=Verdict.TIMEOUT).quick


outcomes = st.tuples(st.sampled_from(Verdict), st.floats(0, 10))


@given(st.sampled_from([CACHE, HEALTH, WORKERS]), st.floats(1, 300), st.lists(outcomes))
def test_the_pace_stays_within_its_bounds_whatever_comes(
    endpoint: Endpoint, interval_s: float, past: list[tuple[Verdict, float]]
) -> None:
    one = pace(endpoint, interval_s)
    for verdict, duration_s in past:
        one.note(verdict, duration_s)

    offered = not past or past[-1][0] is not Verdict.NOT_OFFERED
    assert interval_s <= one.interval_s <= (300 if offered else 600)
    assert 0 < one.deadline_s <= 10
    if one.costly:
        assert one.cost_s / one.interval_s <= 0.05
