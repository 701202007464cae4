"""The promise to users: names, types and labels of the metrics, and where each comes from."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.endpoints import ENDPOINTS
from exporter.catalogue.model import Dialect, Endpoint, Kind, Metric
from exporter.catalogue.sample import Sample, states

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "metrics.txt"
ALL = (*own_metrics.ALL, *metrics.ALL)
BY_NAME = {metric.name: metric for metric in ALL}

# The public interface, section 2, as it is written there: labels and, of one dialect, D or P.
INTERFACE = """
ops_up
ops_endpoint_success{endpoint}
ops_endpoint_status{endpoint,status}
ops_endpoint_duration_seconds{endpoint}
ops_endpoint_last_success_timestamp_seconds{endpoint}
ops_endpoint_failures_total{endpoint,reason}
ops_endpoint_unknown_fields{endpoint}
ops_endpoint_missing_fields{endpoint}
ops_endpoint_interval_seconds{endpoint}
ops_polls_total{endpoint}
ops_resets_observed_total{metric}
ops_series_dropped_total{metric}
ops_config_last_reload_successful
ops_config_last_reload_success_timestamp_seconds
ops_build_info{version,revision,python}
ops_system_status{status}
ops_component_status{component,status} P
ops_module_status{module,status}
ops_module_response_time_seconds{module} D
ops_module_errors{module} D
ops_api_response_time_seconds{quantile}
ops_api_requests_per_second
ops_api_error_ratio
ops_uptime_seconds
ops_method_duration_seconds{method} P
ops_method_calls_total{method} P
ops_slow_operations_total P
ops_database_connections{state}
ops_database_connections_max
ops_database_pool_usage_ratio
ops_database_query_duration_seconds D
ops_database_slowest_query_duration_seconds D
ops_database_slow_queries D
ops_database_table_rows{table} D
ops_database_table_size_bytes{table} D
ops_database_up P
ops_events_emitted_total
ops_events_received_total
ops_event_deliveries_failed_total
ops_events_total{event}
ops_event_latency_seconds{quantile}
ops_event_last_timestamp_seconds{event}
ops_cache_hit_ratio
ops_cache_size_bytes D
ops_cache_evictions_per_second D
ops_cache_hits_total P
ops_cache_misses_total P
ops_cache_invalidations_total P
ops_cache_key_hits{key} D
ops_cache_key_size_bytes{key} D
ops_workers
ops_worker_pool_status{status}
ops_queue_length D
ops_tasks_per_second
ops_tasks_failed D
ops_tasks_total{task} P
ops_worker_status{worker,kind,status}
ops_worker_last_heartbeat_timestamp_seconds{worker}
ops_worker_gpu{worker}
ops_model_loaded{model}
ops_model_inference_duration_seconds{model}
ops_model_memory_bytes{model}
ops_model_error_ratio{model}
ops_model_last_inference_timestamp_seconds{model}
ops_ingestion_jobs{status}
ops_ingestion_job_info{job_id,repository,status}
ops_ingestion_job_started_timestamp_seconds{job_id}
ops_ingestion_job_duration_seconds{job_id}
ops_engagement_active_users{window}
ops_engagement_resources_created{window}
ops_engagement_resources_updated{window}
ops_engagement_searches{window}
ops_engagement_annotations_created{window}
ops_engagement_collections_created{window}
ops_recommendation_accuracy_ratio
ops_recommendation_click_through_ratio
ops_recommendation_rating
ops_recommendation_precision_ratio{model}
ops_recommendation_recall_ratio{model}
ops_recommendation_f1_ratio{model}
ops_anomaly_zscore{metric,…}
ops_anomaly_score{metric,…}
ops_anomaly_active{metric,kind,level,…}
ops_anomaly_expected{metric,…}
ops_anomaly_lower{metric,…}
ops_anomaly_upper{metric,…}
ops_anomaly_ready{metric,…}
ops_anomaly_samples{metric,…}
ops_alert_threshold{alert}
ops_alert_enabled{alert}
ops_alert_acknowledged{alertname,backend,…}
ops_acknowledgements_oldest_timestamp_seconds
ops_actions_total{action,result}
ops_action_duration_seconds{action}
ops_webhook_notifications_total{status}
ops_sparse_embeddings_progress_ratio
ops_sparse_embeddings_eta_seconds
ops_sparse_embeddings_last_success_timestamp_seconds
"""
# Added since: adding is free.
INTERFACE += """\
ops_anomaly_outside{metric,…}
ops_anomaly_state_restored
ops_anomaly_state_last_save_timestamp_seconds
"""
# Metrics that speak of one dialect's endpoint only, though the interface marks none of them:
# the deployed backend tells no GPU.
UNMARKED = {"ops_worker_gpu": Dialect.DESIGNED}


def line(metric: Metric) -> str:
    labels = ",".join((*metric.labels, *(("…",) if metric.open_labels else ())))
    found = f"{metric.name} {metric.kind}"
    found += f" {{{labels}}}" if labels else ""
    return found + (f" of {'|'.join(metric.states)}" if metric.states else "")


def test_a_change_of_a_metric_is_a_change_of_what_users_have_been_promised() -> None:
    """Adding is free; renaming or dropping needs an entry in CHANGELOG.md, and then this file."""
    assert [line(metric) for metric in ALL] == GOLDEN.read_text("utf-8").splitlines()


def test_every_metric_of_the_interface_is_there_with_its_labels_and_dialect() -> None:
    promised = {}
    for text in INTERFACE.split("\n")[1:-1]:
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})?(?: ([DP]))?", text)
        assert found
        promised[found[1]] = (found[2] or "", found[3] or "")
    marks = {None: "", Dialect.DESIGNED: "D", Dialect.DEPLOYED: "P"}

    declared = {
        metric.name: (
            ",".join((*metric.labels, *(("…",) if metric.open_labels else ()))),
            "" if metric.name in UNMARKED else marks[metric.dialect],
        )
        for metric in ALL
    }

    assert declared == promised
    assert all(BY_NAME[name].dialect is dialect for name, dialect in UNMARKED.items())


def test_no_name_stands_twice() -> None:
    assert len(BY_NAME) == len(ALL)


@pytest.mark.parametrize("metric", ALL, ids=str)
def test_names_keep_the_rules_of_the_field(metric: Metric) -> None:
    name = metric.name
    words = name.removesuffix("_total").split("_")

    assert re.fullmatch(r"ops(_[a-z0-9]+)+", name)
    assert not set(words) & {"gauge", "counter", "ms", "msec", "sec", "pct", "percent", "mb", "kb"}
    assert (metric.kind is Kind.COUNTER) == name.endswith("_total")
    if metric.kind is not Kind.HISTOGRAM:
        assert words[-1] not in {"count", "sum", "bucket"}
    if words[-1] == "created":
        # OpenMetrics has such a series beside a counter; what users created is none.
        assert f"{name.removesuffix('_created')}_total" not in BY_NAME
    if "timestamp" in words:
        assert name.endswith("_timestamp_seconds")
    if {"duration", "latency", "uptime", "time"} & set(words):
        assert name.endswith("_seconds")
    if {"size", "memory"} & set(words):
        assert name.endswith("_bytes")
    if "rate" in words:
        assert name.endswith("_per_second")


@pytest.mark.parametrize("metric", ALL, ids=str)
def test_the_unit_is_the_end_of_the_name(metric: Metric) -> None:
    last = metric.name.removesuffix("_total").rpartition("_")[2]

    assert metric.unit == (last if last in {"seconds", "bytes", "ratio"} else "")


@pytest.mark.parametrize("metric", ALL, ids=str)
def test_labels_are_few_and_none_is_prometheus_own(metric: Metric) -> None:
    own = {"job", "instance", "cluster", "env", "type", "service", "le", "name", "__name__"}

    assert len(metric.labels) <= 3
    assert len(set(metric.labels)) == len(metric.labels)
    assert not set(metric.labels) & own
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in metric.labels)
    assert ("quantile" in metric.labels) == (metric.kind is Kind.SUMMARY)
    assert metric.service or ("backend" not in metric.labels)


@pytest.mark.parametrize("metric", ALL, ids=str)
def test_the_help_is_a_sentence_in_one_line(metric: Metric) -> None:
    assert metric.help[0].isupper() or metric.help[0].isdigit()
    assert metric.help.endswith(".")
    assert metric.help.isprintable()
    assert "  " not in metric.help


@pytest.mark.parametrize("metric", metrics.ALL, ids=str)
def test_what_the_api_tells_names_its_source(metric: Metric) -> None:
    assert isinstance(metric.owner, Endpoint)
    assert re.search(r"\(.+\)\.$|: .+\)\.$", metric.help)
    assert metric.fallback is None or metric.also is None
    assert metric.owner not in {metric.fallback, metric.also}


def test_owner_and_fallback_are_those_of_the_interface() -> None:
    fallbacks: dict[tuple[str, str], set[str]] = {}
    for metric in metrics.ALL:
        other = metric.fallback or metric.also
        assert metric.owner
        if other:
            fallbacks.setdefault((metric.owner.name, other.name), set()).add(metric.name)

    assert fallbacks == {
        # components health; qdrant ingestion
        ("health", "ingestion"): {"ops_component_status"},
        # in P the four ops_api_* and the uptime come from the backend's own page
        ("performance", "backend_metrics"): {
            "ops_api_response_time_seconds",
            "ops_api_requests_per_second",
            "ops_api_error_ratio",
            "ops_uptime_seconds",
        },
        # pool from pool, then database
        ("pool", "database"): {
            "ops_database_connections",
            "ops_database_connections_max",
            "ops_database_pool_usage_ratio",
        },
        # cache from cache, then performance
        ("cache", "performance"): {
            "ops_cache_hit_ratio",
            "ops_cache_hits_total",
            "ops_cache_misses_total",
        },
        # workers from workers; the edge worker has an endpoint of its own
        ("workers", "edge_worker"): {
            "ops_worker_status",
            "ops_worker_last_heartbeat_timestamp_seconds",
        },
        # models from models, then ml
        ("models", "ml"): {
            "ops_model_loaded",
            "ops_model_inference_duration_seconds",
            "ops_model_memory_bytes",
            "ops_model_error_ratio",
            "ops_model_last_inference_timestamp_seconds",
        },
        # in P the events are the only source of the design's engagement numbers
        ("engagement", "events"): {
            "ops_engagement_resources_created",
            "ops_engagement_resources_updated",
            "ops_engagement_searches",
            "ops_engagement_annotations_created",
            "ops_engagement_collections_created",
        },
    }


def test_states_are_those_of_the_interface() -> None:
    health = ("healthy", "degraded", "down", "unknown", "not_applicable")

    assert {metric.name: metric.states for metric in ALL if metric.states} == {
        "ops_endpoint_status": (
            *("ok", "not_applicable", "not_offered", "timeout", "refused", "http_error"),
            *("unauthorized", "invalid", "schema", "status_error", "too_large"),
        ),
        "ops_system_status": health,
        "ops_component_status": health,
        "ops_module_status": health,
        "ops_worker_pool_status": health,
        "ops_worker_status": ("online", "degraded", "offline"),
    }
    assert metrics.JOB_STATES == ("pending", "processing", "completed", "failed", "skipped")


def test_the_free_labels_are_those_that_the_cardinality_limit_counts() -> None:
    free = {label for metric in ALL for label in metric.free_labels}

    assert free == {
        *("module", "key", "table", "job_id", "worker", "task", "event", "method", "repository"),
        *("model", "component"),
    }


def test_endpoints_are_those_of_the_interface() -> None:
    assert [endpoint.name for endpoint in ENDPOINTS] == [
        *("health", "performance", "backend_metrics", "recommendations", "engagement"),
        *("database", "pool", "events", "event_history", "cache", "workers", "ml", "models"),
        *("edge_worker", "jobs", "ingestion"),
    ]
    assert {endpoint.name for endpoint in ENDPOINTS if endpoint.window == "10m"} == {
        "health",
        "workers",
    }
    assert len({endpoint.path for endpoint in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_endpoint_has_its_reader(endpoint: Endpoint) -> None:
    section = import_module(f"exporter.collectors.{endpoint.section}")

    assert callable(section.READERS[endpoint.name])


def test_values_of_heavy_endpoints_are_looked_back_for_longer() -> None:
    assert metrics.SYSTEM_STATUS.window == "10m"
    assert metrics.CACHE_HIT_RATIO.window == "2m"
    assert own_metrics.UP.window == "2m"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "cache_hit_ratio"}, "must be ops_ and lower-case words"),
        ({"name": "ops_cacheHits"}, "must be ops_ and lower-case words"),
        ({"name": "ops_cache:hits"}, "must be ops_ and lower-case words"),
        ({"name": "ops_cache__hits"}, "must be ops_ and lower-case words"),
        ({"name": "ops_cache_hits_total"}, "counters, and only counters, end in _total"),
        ({"kind": Kind.COUNTER}, "counters, and only counters, end in _total"),
        ({"help": "Share of lookups"}, "help is a sentence"),
        ({"labels": ("status", "module"), "states": ("a",)}, "has the label status, last"),
        ({"states": ("a",)}, "has the label status, last"),
    ],
)
def test_a_metric_that_breaks_a_rule_cannot_be_declared(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        replace(metrics.CACHE_HIT_RATIO, **change)


def test_a_metric_in_a_query_is_its_name() -> None:
    assert f"rate({metrics.CACHE_HITS}[5m])" == "rate(ops_cache_hits_total[5m])"


def test_a_state_set_is_whole_with_one_state_that_holds() -> None:
    assert list(states(metrics.MODULE_STATUS, "down", "search")) == [
        Sample(metrics.MODULE_STATUS, ("search", state), float(state == "down"))
        for state in ("healthy", "degraded", "down", "unknown", "not_applicable")
    ]
