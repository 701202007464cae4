"""What the collectors do beyond single fields, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.catalogue import endpoints as e
from exporter.catalogue.model import Dialect
from tests.collectors.deployed import DEPLOYED, WRAPPED
from tests.collectors.designed import DESIGNED
from tests.collectors.reading import NOW, read, shown

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

# all


@pytest.mark.parametrize(
    ("body", "made_at"),
    [
        ({"status": "healthy", "timestamp": "2026-11-23T12:00:00Z"}, 1795435200.0),
        ({"status": "healthy", "timestamp": "2026-11-23T12:00:00.5"}, 1795435200.5),
        ({"status": "healthy", "timestamp": "now"}, None),
        ({"status": "healthy", "timestamp": 12}, None),
        ({"status": "healthy"}, None),
    ],
)
def test_an_answer_says_when_it_was_made(body: dict[str, Any], made_at: float | None) -> None:
    """Or it does not, and then each answer counts as a new one."""
    assert read(e.HEALTH, body).made_at == made_at


def test_an_answer_that_is_a_list_does_not_say_when_it_was_made() -> None:
    assert (
        read(e.EVENT_HISTORY, [{"type": "x", "timestamp": "2026-11-23T12:00:00Z"}]).made_at is None
    )


# health


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ok", "healthy"),
        ("healthy", "healthy"),
        ("Healthy ", "healthy"),
        ("degraded", "degraded"),
        ("warning", "degraded"),
        ("unhealthy", "down"),
        ("error", "down"),
        ("down", "down"),
        ("unhealthy: Error 111 connecting", "down"),
        ("not_applicable", "not_applicable"),
        ("not configured", "not_applicable"),
        ("unknown", "unknown"),
        ("", "unknown"),
        ("on fire", "unknown"),
    ],
)
def test_each_word_of_a_status_has_its_state(word: str, state: str) -> None:
    body = {"status": word, "components": {"redis": {"status": word}}, "modules": None}
    qdrant = read(e.INGESTION, {"services": {"redis": "x", "database": "x", "qdrant": word}})

    assert shown(read(e.HEALTH, body)) == {
        f'ops_system_status{{status="{state}"}}': 1,
        f'ops_component_status{{component="redis",status="{state}"}}': 1,
    }
    assert shown(qdrant) == {f'ops_component_status{{component="qdrant",status="{state}"}}': 1}


def test_a_status_that_is_missing_is_no_state_at_all() -> None:
    reading = read(e.HEALTH, {"status": None, "components": {"redis": {"message": "x"}}})

    assert shown(reading) == {}
    assert reading.missing == ["status", "components.*.status"]


def test_modules_that_do_not_register_are_neither_shown_nor_missed() -> None:
    reading = read(e.HEALTH, {"status": "healthy", "components": {}, "modules": None})

    assert shown(reading) == {'ops_system_status{status="healthy"}': 1}
    assert reading.missing == []


def test_what_ingestion_stands_on_is_told_by_ingestion_alone() -> None:
    components = {"redis": {"status": "ok"}, "qdrant": {"status": "unhealthy", "message": "x"}}

    reading = read(e.HEALTH, {"status": "healthy", "components": components, "modules": None})

    assert [name for name in shown(reading) if "component" in name] == [
        'ops_component_status{component="redis",status="healthy"}'
    ]
    assert reading.ignored["components.qdrant"] == "ingestion has it"
    assert (reading.missing, reading.unknown) == ([], [])


# performance and cache


@pytest.mark.parametrize("ratio", [0.0, None])
def test_without_a_lookup_there_is_no_hit_ratio(ratio: float | None) -> None:
    stats = {**DEPLOYED[e.CACHE]["cache_stats"], "hit_rate": ratio, "hits": 0, "misses": 0}

    reading = read(e.CACHE, {**WRAPPED, "cache_stats": stats})

    assert "ops_cache_hit_ratio" not in shown(reading)
    assert shown(reading)["ops_cache_hits_total"] == 0


def test_lookups_that_all_missed_are_a_ratio_of_zero() -> None:
    stats = {**DEPLOYED[e.CACHE]["cache_stats"], "hit_rate": 0.0, "hits": 0, "misses": 7}

    assert shown(read(e.CACHE, {**WRAPPED, "cache_stats": stats}))["ops_cache_hit_ratio"] == 0


@pytest.mark.parametrize(("rate", "kept"), [(0, True), (1, True), (1.01, False), (-0.1, False)])
def test_the_deployed_hit_rate_is_a_share_and_no_percentage(rate: float, *, kept: bool) -> None:
    stats = {**DEPLOYED[e.CACHE]["cache_stats"], "hit_rate": rate}

    assert ("ops_cache_hit_ratio" in shown(read(e.CACHE, {"cache_stats": stats}))) is kept


@pytest.mark.parametrize(("rate", "kept"), [(0, True), (100, True), (100.1, False), (-1, False)])
def test_the_designed_hit_rate_is_a_percentage(rate: float, *, kept: bool) -> None:
    assert ("ops_cache_hit_ratio" in shown(read(e.CACHE, {"hit_rate": rate}))) is kept


def test_keys_of_the_same_pattern_are_summed_and_a_setting_shows_them_whole() -> None:
    keys = [{"key": f"user:{n}:jane@example.com", "hits": n, "size_bytes": 10} for n in (1, 2, 3)]
    body = {"hit_rate": 1.0, "size_mb": 1, "eviction_rate": 0, "top_keys": keys}

    patterns, whole = shown(read(e.CACHE, body)), shown(read(e.CACHE, body, whole_keys=True))

    assert patterns['ops_cache_key_hits{key="user:*:*"}'] == 6
    assert patterns['ops_cache_key_size_bytes{key="user:*:*"}'] == 30
    assert [n for n in whole if "key_hits" in n] == [
        f'ops_cache_key_hits{{key="user:{n}:jane@example.com"}}' for n in (1, 2, 3)
    ]


# database


@pytest.mark.parametrize(
    ("status", "healthy", "up"),
    [
        ("ok", True, 1),
        ("unhealthy", False, 0),
        ("ok", False, 0),
        ("unhealthy", None, 0),
        ("ok", None, None),
    ],
)
def test_only_the_status_tells_that_the_database_is_down(
    status: str, up: int | None, *, healthy: bool | None
) -> None:
    """The pool still looks fine then."""
    body = {**DEPLOYED[e.DATABASE], "status": status, "database": {"healthy": healthy}}

    told = shown(read(e.DATABASE, body))

    assert told.get("ops_database_up") == up
    assert told["ops_database_connections_max"] == 15


@pytest.mark.parametrize(
    ("endpoint", "name"), [(e.POOL, "pool"), (e.DATABASE, "connection_pool")], ids=["pool", "db"]
)
def test_a_pool_that_tells_an_error_has_no_numbers(endpoint: Endpoint, name: str) -> None:
    body = {**WRAPPED, "database": {"healthy": True}, name: {"error": "marked text"}}

    reading = read(endpoint, body)

    assert [n for n in shown(reading) if "connections" in n or "usage" in n] == []
    assert reading.missing == []
    assert reading.ignored[f"{name}.error"] == "free text"
    assert "marked text" not in repr(reading)


@pytest.mark.parametrize(
    "pool", [{"error": None}, {}, {"checked_in": 1}, {"error": "x", "size": 1}]
)
def test_only_an_error_excuses_what_a_pool_does_not_tell(pool: Any) -> None:
    missing = read(e.POOL, {**WRAPPED, "pool": pool}).missing

    assert bool(missing) == (pool.get("error") is None)


def test_a_pool_that_tells_an_error_still_misses_what_it_tells_wrong() -> None:
    pool = {"error": "x", "checked_in": "many", "checked_out": 2}

    reading = read(e.POOL, {**WRAPPED, "pool": pool})

    assert shown(reading) == {'ops_database_connections{state="active"}': 2}
    assert reading.missing == ["pool.checked_in"]


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        (e.POOL, {"pool": {**DEPLOYED[e.POOL]["pool"], "pool_usage_percent": 200.0}}),
        (e.POOL, {**DESIGNED[e.POOL], "utilization": 200}),
        (e.DATABASE, {"connection_pool": {**DESIGNED[e.POOL], "utilization": 200}}),
    ],
    ids=["deployed", "designed", "designed-database"],
)
def test_a_pool_over_its_capacity_does_not_go_absent(endpoint: Endpoint, body: Any) -> None:
    reading = read(endpoint, body)

    assert shown(reading)["ops_database_pool_usage_ratio"] == 2
    assert not [name for name in reading.missing if "utilization" in name]


@pytest.mark.parametrize(
    "body",
    [
        {"active": 1, "idle": 2, "max": 3, "utilization": 50.0},
        {"connection_pool": {"active": 1, "idle": 2, "max": 3, "utilization": 50.0}},
    ],
    ids=["plain", "wrapped"],
)
def test_the_designed_pool_may_be_wrapped(body: Any) -> None:
    reading = read(e.POOL, body)

    assert (reading.dialect, len(shown(reading)), reading.missing) == (Dialect.DESIGNED, 4, [])


# events


def test_without_an_event_there_is_no_latency() -> None:
    quantiles = {f"emission_latency_p{n}": 0.0 for n in (50, 95, 99)}
    metrics = {**DEPLOYED[e.EVENTS]["metrics"], **quantiles, "events_emitted": 0, "event_types": {}}

    told = shown(read(e.EVENTS, {**WRAPPED, "metrics": metrics}))

    assert told == {
        "ops_events_emitted_total": 0,
        "ops_events_received_total": 90,
        "ops_event_deliveries_failed_total": 5,
    }


def test_events_too_fast_to_measure_have_a_latency_of_zero() -> None:
    quantiles = {f"emission_latency_p{n}": 0.0 for n in (50, 95, 99)}
    metrics = {**DEPLOYED[e.EVENTS]["metrics"], **quantiles}

    told = shown(read(e.EVENTS, {**WRAPPED, "metrics": metrics}))

    assert told['ops_event_latency_seconds{quantile="0.99"}'] == 0


def test_the_engagement_numbers_of_the_design_come_from_five_events() -> None:
    types = {
        "resource.created": 1,
        "resource.updated": 2,
        "annotation.created": 3,
        "search.executed": 4,
        "collection.created": 5,
        "collection.deleted": 6,
    }
    metrics = {**DEPLOYED[e.EVENTS]["metrics"], "event_types": types}

    told = shown(read(e.EVENTS, {**WRAPPED, "metrics": metrics}))

    assert {name: value for name, value in told.items() if "engagement" in name} == {
        'ops_engagement_resources_created{window="since_start"}': 1,
        'ops_engagement_resources_updated{window="since_start"}': 2,
        'ops_engagement_annotations_created{window="since_start"}': 3,
        'ops_engagement_searches{window="since_start"}': 4,
        'ops_engagement_collections_created{window="since_start"}': 5,
    }


@pytest.mark.parametrize(
    ("text", "unix"),
    [
        ("2026-11-23T14:52:10", 1795445530.0),
        ("2026-11-23T14:52:10.5", 1795445530.5),
        ("2026-11-23 14:52:10", 1795445530.0),
        ("2026-11-23T14:52:10Z", 1795445530.0),
        ("2026-11-23T14:52:10+00:00", 1795445530.0),
        ("2026-11-23T15:52:10+01:00", 1795445530.0),
        ("2026-11-23T09:22:10-05:30", 1795445530.0),
        ("", None),
        ("yesterday", None),
        ("1795445530", None),
        ("0001-01-01T00:00:00", None),
        ("0001-01-01T00:00:00+23:00", None),
        ("9999-12-31T23:59:59-23:00", None),
        ("1970-01-01T00:00:00", None),
        ("2026-02-30T00:00:00", None),
    ],
)
def test_a_moment_without_an_offset_is_utc_and_one_out_of_our_time_is_none(
    text: str, unix: float | None
) -> None:
    reading = read(e.EVENT_HISTORY, [{"type": "x", "timestamp": text}])

    told = shown(reading).get('ops_event_last_timestamp_seconds{event="x"}')
    assert told == unix
    assert reading.missing == ([] if unix else ["events[*].timestamp"])


# workers


def workers(**totals: dict[str, int]) -> dict[str, Any]:
    stats = {f"{name}@host": {"total": total, "pid": 1} for name, total in totals.items()}
    return {**WRAPPED, "workers": {"worker_count": len(stats), "stats": stats}}


def test_no_worker_is_a_pool_that_is_down() -> None:
    told = shown(read(e.WORKERS, workers()))

    assert told == {"ops_workers": 0, 'ops_worker_pool_status{status="down"}': 1}


def test_tasks_per_second_are_what_the_runs_grew_by() -> None:
    memory: dict[str, Any] = {}
    first = shown(read(e.WORKERS, workers(w1={"a": 10}, w2={"a": 5}), memory, at=NOW))
    second = shown(read(e.WORKERS, workers(w1={"a": 30, "b": 4}, w2={"a": 5}), memory, at=NOW + 8))

    assert "ops_tasks_per_second" not in first
    assert second["ops_tasks_per_second"] == 3
    assert second['ops_tasks_total{task="a"}'] == 35


@pytest.mark.parametrize(
    "after",
    [
        workers(w1={"a": 3}, w2={"a": 5}),
        workers(w1={"a": 20}),
        workers(w1={"a": 20}, w2={"a": 9}, w3={"a": 1000}),
        workers(),
    ],
    ids=["restarted", "one-gone", "one-more", "none"],
)
def test_between_answers_of_different_workers_no_rate_is_known(after: Any) -> None:
    """One that was too busy to answer would bring all its runs at once when it is back."""
    memory: dict[str, Any] = {}
    read(e.WORKERS, workers(w1={"a": 10}, w2={"a": 5}), memory, at=NOW)

    assert "ops_tasks_per_second" not in shown(read(e.WORKERS, after, memory, at=NOW + 10))


def test_the_rate_is_back_with_the_second_answer_of_the_same_workers() -> None:
    memory: dict[str, Any] = {}
    for at, runs in ((0, 10), (10, 3)):
        read(e.WORKERS, workers(w1={"a": runs}), memory, at=NOW + at)

    told = shown(read(e.WORKERS, workers(w1={"a": 23}), memory, at=NOW + 20))

    assert told["ops_tasks_per_second"] == 2


@pytest.mark.parametrize(
    ("stats", "missing"),
    [
        (None, ["workers.stats.*"]),
        ([], ["workers.stats.*"]),
        ({"error": "marked text"}, ["workers.stats.*.total"]),
        ({"error": "marked text", "total": {}}, ["workers.stats.*"]),
    ],
)
def test_a_worker_that_did_not_answer_is_not_known_to_be_online(
    stats: Any, missing: list[str]
) -> None:
    body = workers(w1={"a": 10})
    body["workers"]["stats"]["w2@host"] = stats

    reading = read(e.WORKERS, body)

    told = shown(reading)
    assert [name.split('"')[1] for name in told if "worker_status" in name] == ["w1"]
    assert told['ops_tasks_total{task="a"}'] == 10
    assert reading.missing == missing
    assert "marked" not in repr(reading)


@pytest.mark.parametrize("stats", [{"pid": 1}, {"pid": 1, "error": None}])
def test_a_worker_that_does_not_tell_its_tasks_is_still_online(stats: Any) -> None:
    body = workers(w1={"a": 10})
    body["workers"]["stats"]["w2@host"] = stats

    reading = read(e.WORKERS, body)

    assert 'ops_worker_status{worker="w2",kind="cloud",status="online"}' in shown(reading)
    assert reading.missing == ["workers.stats.*.total"]


def test_a_clock_that_was_put_back_costs_one_rate() -> None:
    memory: dict[str, Any] = {}
    told = [
        shown(read(e.WORKERS, workers(w1={"a": runs}), memory, at=NOW + at))
        for at, runs in ((0, 10), (-3600, 20), (-3590, 30))
    ]

    assert [t.get("ops_tasks_per_second") for t in told] == [None, None, 1]


def test_workers_have_no_host_name_and_each_has_a_series() -> None:
    stats: dict[str, Any] = {
        name: {"total": {}} for name in ("celery@a.example", "celery@b.example", "w@c", "@d")
    }
    body = {"workers": {"worker_count": 4, "stats": stats}}
    memory: dict[str, Any] = {}

    both = shown(read(e.WORKERS, body, memory))
    del stats["celery@b.example"]
    one = shown(read(e.WORKERS, body, memory))

    names = [name.split('"')[1] for name in both if "worker_status" in name]
    assert names == ["celery~fc563835", "celery~8a2fdc6c", "w", "(empty)"]
    assert not any("example" in name for name in both)
    assert 'ops_worker_status{worker="celery~fc563835",kind="cloud",status="online"}' in one


def test_a_designed_worker_has_no_host_name_either() -> None:
    row = {"id": "w1@secret.example", "type": "cloud", "status": "online"}
    row["last_heartbeat"] = "2026-11-23T14:50:00Z"

    told = shown(read(e.WORKERS, {"active_workers": 1, "workers": [row]}))

    assert 'ops_worker_last_heartbeat_timestamp_seconds{worker="w1"}' in told
    assert not any("secret" in name for name in told)


def test_a_kind_or_status_that_is_not_known_is_missing() -> None:
    row = {"id": "w1", "type": "moon", "status": "asleep", "last_heartbeat": "never"}

    reading = read(e.WORKERS, {"active_workers": 1, "workers": [row]})

    assert shown(reading) == {"ops_workers": 1}
    assert {name for name in reading.missing if "workers[" in name} == {
        "workers[*].type",
        "workers[*].status",
        "workers[*].last_heartbeat",
    }


def test_a_late_edge_worker_keeps_the_name_it_had() -> None:
    """It is told of without its id then."""
    memory: dict[str, Any] = {}
    read(e.EDGE_WORKER, DEPLOYED[e.EDGE_WORKER], memory)
    late = {"state": "degraded", "last_seen_unix": 1795445144.0, "worker_meta": None}

    told = shown(read(e.EDGE_WORKER, late, memory))

    assert 'ops_worker_status{worker="edge-1",kind="edge",status="degraded"}' in told


def test_a_state_of_the_edge_worker_that_is_not_known_is_missing() -> None:
    reading = read(e.EDGE_WORKER, {"state": "asleep", "last_seen_unix": 1795445144.0})

    assert shown(reading) == {
        'ops_worker_last_heartbeat_timestamp_seconds{worker="edge"}': 1795445144
    }
    assert reading.missing == ["state"]


def test_an_edge_worker_that_was_never_seen_has_a_state_and_no_heartbeat() -> None:
    body = {"state": "offline", "last_seen_unix": None, "worker_meta": None}

    reading = read(e.EDGE_WORKER, body)

    assert shown(reading) == {'ops_worker_status{worker="edge",kind="edge",status="offline"}': 1}
    assert reading.missing == []


# models


@pytest.mark.parametrize(
    ("endpoint", "body", "told", "missing"),
    [
        (e.MODELS, {"model": {"available": False}}, {"ncf_model": 0}, []),
        (e.MODELS, {"model": {"loaded": True, "available": False}}, {"ncf_model": 1}, []),
        (e.MODELS, {"model": {"path": "/x"}}, {}, ["model.available"]),
        (e.MODELS, {"model": {"available": "yes"}}, {}, ["model.available"]),
        (e.ML, {"status": "ok", "http_status": 200}, {}, []),
        (e.ML, {"status": "ok", "model": {"loaded": True}}, {"classifier": 1}, []),
        (e.ML, {"models": {"embedding": {"loaded": True}}}, {"embedding": 1}, None),
    ],
)
def test_the_older_shapes_of_models(
    endpoint: Endpoint, body: Any, told: dict[str, float], missing: list[str] | None
) -> None:
    reading = read(endpoint, body)

    assert shown(reading) == {f'ops_model_loaded{{model="{k}"}}': v for k, v in told.items()}
    assert missing is None or reading.missing == missing


def test_a_model_that_has_not_inferred_yet_misses_nothing() -> None:
    model = {"loaded": True, "inference_time_ms": 0, "memory_mb": 1, "error_rate": 0}

    reading = read(e.MODELS, {"models": {"embedding": {**model, "last_inference": None}}})

    assert reading.missing == []
    assert len(shown(reading)) == 4


# ingestion health, engagement, recommendations


def test_an_older_backend_answers_ingestion_health_with_a_list() -> None:
    services = {"redis": "unhealthy: x", "database": "healthy", "qdrant": "healthy"}

    reading = read(e.INGESTION, [{"status": "unhealthy", "services": services}, 503])

    assert shown(reading) == {'ops_component_status{component="qdrant",status="healthy"}': 1}
    assert (reading.missing, reading.unknown) == ([], [])


@pytest.mark.parametrize("window", ["24 hours", "", "0h", "12345h", 'x"y'])
def test_a_window_that_is_none_is_missing_and_the_one_asked_for_stands_in(window: str) -> None:
    reading = read(e.ENGAGEMENT, {"active_users": 4, "time_range": window})

    assert shown(reading) == {'ops_engagement_active_users{window="24h"}': 4}
    assert "time_range" in reading.missing


def test_recommendations_of_a_deployed_backend_have_no_shape_that_is_known() -> None:
    body = {**WRAPPED, "time_window_days": 7, "metrics": {"anything": 1}}

    reading = read(e.RECOMMENDATIONS, body)

    assert (reading.samples, reading.missing, reading.unknown) == ([], [], [])


def test_an_unknown_field_is_counted_where_it_stands() -> None:
    body = {
        "hit_rate": 1.0,
        "new": 1,
        "size_mb": 1,
        "eviction_rate": 1,
        "top_keys": [{"key": "k", "hits": 1, "size_bytes": 1, "age": 2}],
    }

    reading = read(e.CACHE, body)

    assert reading.unknown == ["top_keys[*].age", "new"]
    assert reading.missing == []
    assert set(reading.ignored) == set()
    assert read(e.CACHE, {**body, "miss_rate": 1}).ignored == {
        "miss_rate": "1 - ops_cache_hit_ratio"
    }
