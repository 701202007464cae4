from __future__ import annotations

from statistics import mean

import pytest

from exporter.simulator import designed, quantities
from exporter.simulator.processes import DAY_S, HOUR_S
from exporter.simulator.world import World
from tests.simulator.served import START


def test_same_seed_and_moments_give_the_same_world() -> None:
    first, second = World(7, START, warm_up_s=HOUR_S), World(7, START, warm_up_s=HOUR_S)

    for world in (first, second):
        for seconds in (1, 3, 40, 5000):
            world.advance_to(START + seconds)

    assert first.numbers == second.numbers
    assert first.bus.history == second.bus.history
    assert first.jobs.newest_first() == second.jobs.newest_first()


def test_another_seed_gives_another_world() -> None:
    first, second = World(1, START, warm_up_s=0), World(2, START, warm_up_s=0)

    assert first.numbers != second.numbers


def test_looking_twice_within_a_second_shows_the_same_values(world: World) -> None:
    before = dict(world.numbers)

    world.advance_to(START + 0.4)

    assert before == world.numbers


def test_a_clock_that_goes_back_moves_nothing(world: World) -> None:
    before = dict(world.numbers)

    world.advance_to(START - 100)

    assert before == world.numbers
    assert world.now == START


def test_afternoons_are_busier_than_nights(world: World) -> None:
    by_hour: dict[int, list[float]] = {}
    for hour in range(4 * 24):
        for minute in range(0, 60, 10):
            world.advance_to(START + hour * HOUR_S + minute * 60)
            by_hour.setdefault(hour % 24, []).append(world.numbers["request_rate"])

    # START is at 15:00 UTC, the busiest hour; twelve hours later it is 3:00.
    assert mean(by_hour[0]) > 2 * mean(by_hour[12])


def test_a_healthy_week_stays_well_inside_the_alert_thresholds(world: World) -> None:
    for step in range(7 * 24 * 12):
        world.advance_to(START + 300 * step)
        numbers = world.numbers
        assert numbers["error_rate"] < 4
        assert numbers["p95"] < 450
        assert numbers["p50"] < numbers["p95"] < numbers["p99"]
        assert numbers["queue_length"] < 80
        assert numbers["cache_hit_rate"] > 60
        assert numbers["pool_active"] / quantities.POOL_MAX < 0.85
        assert numbers["event_p95"] < 1
        assert {name: values[0] for name, values in quantities.STATES.items()} == world.states


def test_counters_never_fall_while_the_backend_runs(world: World) -> None:
    before = (0,) * 6
    for step in range(200):
        world.advance_to(START + 30 * step)
        now = (
            world.bus.counts.total(),
            world.bus.delivered,
            world.cache.hits,
            world.cache.misses,
            world.traffic.all.count,
            sum(runs.total() for runs in world.tasks.runs.values()),
        )
        assert all(old <= new for old, new in zip(before, now, strict=True))
        before = now

    assert min(before) > 0


def test_a_restart_takes_counters_and_uptime_back_to_zero_and_forgets_events(world: World) -> None:
    world.faults.add({"kind": "restart"}, START)
    world.refresh()

    assert world.uptime_s == 0
    assert world.bus.counts.total() == 0
    assert not world.bus.history
    assert world.cache.hits == 0
    assert world.traffic.all.count == 0
    assert world.jobs.by_id, "jobs live in the database"


def test_a_restart_between_two_looks_is_not_missed(world: World) -> None:
    world.faults.add({"kind": "restart"}, START + 100)

    world.advance_to(START + 5000)

    assert world.uptime_s == 4900


def test_a_spike_lasts_a_minute(world: World) -> None:
    usual = world.numbers["modules.search.response_time"]
    world.faults.add({"kind": "spike", "module": "search", "factor": 10}, START)
    world.refresh()

    assert world.numbers["modules.search.response_time"] == pytest.approx(10 * usual)
    world.advance_to(START + 61)
    assert world.numbers["modules.search.response_time"] < 4 * usual


def test_a_drop_and_a_level_shift_act_together(world: World) -> None:
    usual = world.numbers["request_rate"]
    world.faults.add({"kind": "drop", "metric": "request_rate"}, START)
    world.faults.add({"kind": "level_shift", "path": "request_rate", "offset": 3}, START)
    world.refresh()

    assert world.numbers["request_rate"] == pytest.approx(0.1 * usual * 2 + 3)


def test_what_follows_from_a_broken_quantity_breaks_too(world: World) -> None:
    world.faults.add({"kind": "set", "path": "p95", "value": 900}, START)
    world.refresh()

    assert world.numbers["p95"] == 900
    assert world.numbers["p99"] > 900


def test_no_fault_lifts_a_percentage_above_a_hundred(world: World) -> None:
    world.faults.add({"kind": "spike", "metric": "error_rate", "factor": 1e6}, START)
    world.refresh()

    assert world.numbers["error_rate"] == 100


def test_a_stuck_quantity_repeats_until_the_fault_is_over(world: World) -> None:
    world.faults.add({"kind": "stuck_value", "metric": "request_rate", "for": "10m"}, START)
    world.refresh()
    stuck = world.numbers["request_rate"]

    seen = set()
    for second in range(0, 600, 30):
        world.advance_to(START + second)
        seen.add(world.numbers["request_rate"])

    assert {stuck} == seen
    world.advance_to(START + 600)
    assert world.numbers["request_rate"] != stuck


def test_an_error_rate_that_is_set_shows_in_the_request_counters(world: World) -> None:
    world.faults.add({"kind": "restart"}, START)
    world.faults.add({"kind": "set", "path": "error_rate", "value": 20}, START)
    world.advance_to(START + 600)

    failed = sum(
        count for (_, _, status), count in world.traffic.requests.items() if status == "5xx"
    )
    assert failed / world.traffic.requests.total() == pytest.approx(0.2, abs=0.02)


def test_a_backlog_grows_above_the_threshold_and_drains_when_it_is_over(world: World) -> None:
    world.faults.add({"kind": "backlog", "for": "60s"}, START)

    world.advance_to(START + 50)
    assert world.numbers["queue_length"] > 200
    world.advance_to(START + 300)
    assert world.numbers["queue_length"] < 80


def test_a_backlog_stops_at_its_limit(world: World) -> None:
    world.faults.add({"kind": "backlog", "limit": 150}, START)

    world.advance_to(START + 3600)

    assert 150 <= world.numbers["queue_length"] < 230


def test_a_lost_edge_worker_is_silent_and_degrades_the_pool(world: World) -> None:
    world.faults.add({"kind": "worker_lost", "silent": 400}, START)
    world.advance_to(START + 30)

    assert world.states["workers.edge-1.status"] == "offline"
    assert world.states["worker_health"] == "degraded"
    assert world.states["system_status"] == "degraded"
    assert world.heartbeat("edge-1") == START - 400
    assert world.numbers["active_workers"] == 2


def test_without_cloud_workers_nothing_is_processed_and_the_queue_grows(world: World) -> None:
    usual = world.numbers["queue_length"]
    for worker in quantities.CLOUD_WORKERS:
        world.faults.add({"kind": "worker_lost", "worker": worker}, START)
    world.advance_to(START + 120)

    assert world.states["worker_health"] == "down"
    assert world.numbers["processing_rate"] == 0
    assert world.numbers["queue_length"] > usual + 100


def test_heartbeats_are_fresh_while_workers_are_well(world: World) -> None:
    for worker in quantities.WORKERS:
        assert 0 <= world.now - world.heartbeat(worker) <= 15


def test_an_unloaded_model_makes_no_inferences(world: World) -> None:
    world.faults.add({"kind": "model_unloaded", "model": "summarizer"}, START)
    world.refresh()
    last = world.last_inference["summarizer"]

    world.advance_to(START + 600)

    assert world.numbers["models.summarizer.loaded"] == 0
    assert world.last_inference["summarizer"] == last
    assert world.last_inference["embedding"] > last


def test_a_forced_state_wins_over_what_would_follow(world: World) -> None:
    world.faults.add({"kind": "set", "path": "modules.graph.status", "value": "down"}, START)
    world.refresh()
    assert world.states["system_status"] == "degraded"

    world.faults.add({"kind": "set", "path": "system_status", "value": "healthy"}, START)
    world.refresh()
    assert world.states["system_status"] == "healthy"


def test_a_database_that_is_down_takes_the_system_down(world: World) -> None:
    world.faults.add({"kind": "set", "path": "components.database.status", "value": "down"}, START)
    world.refresh()

    assert world.states["system_status"] == "down"


def test_a_cleared_cache_is_empty_and_warms_up_again(world: World) -> None:
    usual = world.numbers["cache_hit_rate"]
    world.cache.clear()
    world.refresh()

    assert world.numbers["cache_hit_rate"] == 0
    assert world.numbers["cache_size"] == 0
    assert {0} == {key.hits for key in world.cache.keys}
    world.advance_to(START + 1200)
    assert world.numbers["cache_hit_rate"] > 0.9 * usual


def test_jobs_progress_and_few_fail(world: World) -> None:
    world.advance_to(START + DAY_S)

    outcomes = [job.status for job in world.jobs.newest_first()]
    assert outcomes.count("completed") > 150
    assert 0 < outcomes.count("failed") < 30


def test_the_log_of_jobs_is_in_order_and_holds_each_state(world: World) -> None:
    moments = [row.changed_at for row in world.jobs.log]
    assert sorted(moments) == moments

    job = next(job for job in world.jobs.newest_first() if job.status == "completed")
    states = [row.status for row in world.jobs.log if row.id == job.id]
    assert states == ["pending", "processing", "completed"]


def test_a_job_waits_while_its_worker_is_away_and_ends_afterwards(world: World) -> None:
    world.faults.add({"kind": "worker_lost", "for": "20m"}, START)
    job = world.jobs.add("https://github.com/o/r", START)

    world.advance_to(START + 1190)
    assert job.status in {"pending", "processing"}
    world.advance_to(START + 3600)
    assert job.status in {"completed", "failed", "skipped"}


def test_a_failed_job_is_retried_now_and_then(world: World) -> None:
    world.advance_to(START + DAY_S)
    jobs = list(world.jobs.by_id.values())

    retried = [
        later
        for job in jobs
        if job.status == "failed" and job.completed_at is not None
        for later in jobs
        if later.repository == job.repository and later.created_at == job.completed_at + 90
    ]
    assert retried


def test_events_are_remembered_in_order(world: World) -> None:
    world.advance_to(START + 600)

    history = designed.answers(world, "event_history", {"limit": "200"}).body

    assert isinstance(history, list)
    stamps = [event["timestamp"] for event in history]
    assert len(stamps) == 200
    assert sorted(stamps, reverse=True) == stamps
