"""The facts that the monitoring API tells, as metrics: name, meaning, labels and source."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import endpoints as e
from exporter.catalogue.model import Dialect, Kind, Metric

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

_D = Dialect.DESIGNED
_P = Dialect.DEPLOYED

HEALTH_STATES: Final = ("healthy", "degraded", "down", "unknown", "not_applicable")
WORKER_STATES: Final = ("online", "degraded", "offline")
JOB_STATES: Final = ("pending", "processing", "completed", "failed", "skipped")


def _metric(kind: Kind, name: str, owner: Endpoint, text: str, *labels: str, **more: Any) -> Metric:
    return Metric(name=name, kind=kind, help=text, owner=owner, labels=labels, **more)


_gauge = partial(_metric, Kind.GAUGE)
_counter = partial(_metric, Kind.COUNTER)
_summary = partial(_metric, Kind.SUMMARY)

# health
SYSTEM_STATUS: Final = _gauge(
    "ops_system_status",
    e.HEALTH,
    "Overall status of the product: 1 for the present state, else 0 (health: status).",
    "status",
    states=HEALTH_STATES,
)
COMPONENT_STATUS: Final = _gauge(
    "ops_component_status",
    e.HEALTH,
    "Status of a component the product stands on: 1 for the present state, else 0 (health: "
    "components; qdrant from ingestion: services).",
    "component",
    "status",
    states=HEALTH_STATES,
    also=e.INGESTION,
    dialect=_P,
)
MODULE_STATUS: Final = _gauge(
    "ops_module_status",
    e.HEALTH,
    "Status of a module: 1 for the present state, else 0 (health: modules).",
    "module",
    "status",
    states=HEALTH_STATES,
)
MODULE_RESPONSE_TIME: Final = _gauge(
    "ops_module_response_time_seconds",
    e.HEALTH,
    "Response time of a module as the API last measured it (health: response_time_ms).",
    "module",
    dialect=_D,
)
MODULE_ERRORS: Final = _gauge(
    "ops_module_errors",
    e.HEALTH,
    "Errors of a module within the last 24 h, counted by the API (health: error_count).",
    "module",
    dialect=_D,
)

# performance
API_RESPONSE_TIME: Final = _summary(
    "ops_api_response_time_seconds",
    e.PERFORMANCE,
    "Response time of the product's API, precomputed quantiles that cannot be added or averaged"
    " (performance: api_response_time; deployed: from the histogram of the backend's /metrics "
    "between two polls).",
    "quantile",
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
API_REQUEST_RATE: Final = _gauge(
    "ops_api_requests_per_second",
    e.PERFORMANCE,
    "Requests that the product's API serves per second (performance: request_rate; deployed: "
    "growth of http_requests_total on the backend's /metrics between two polls).",
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
API_ERROR_RATIO: Final = _gauge(
    "ops_api_error_ratio",
    e.PERFORMANCE,
    "Share of the API's requests that fail, 0-1 (performance: error_rate; deployed: 5xx of "
    "http_requests_total on the backend's /metrics between two polls).",
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
UPTIME: Final = _gauge(
    "ops_uptime_seconds",
    e.PERFORMANCE,
    "Time since the backend process started (performance: uptime_seconds; deployed: "
    "process_start_time_seconds on the backend's /metrics).",
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
METHOD_DURATION: Final = _gauge(
    "ops_method_duration_seconds",
    e.PERFORMANCE,
    "Mean duration of a timed method, precomputed by the API (performance: method_timings).",
    "method",
    dialect=_P,
)
METHOD_CALLS: Final = _counter(
    "ops_method_calls_total",
    e.PERFORMANCE,
    "Calls of a timed method (performance: method_timings count).",
    "method",
    dialect=_P,
)
SLOW_OPERATIONS: Final = _counter(
    "ops_slow_operations_total",
    e.PERFORMANCE,
    "Operations that the backend counted as slow (performance: slow_query_count).",
    dialect=_P,
)

# database
DATABASE_CONNECTIONS: Final = _gauge(
    "ops_database_connections",
    e.POOL,
    "Connections of the database pool, in use (active) or waiting (idle) (db/pool).",
    "state",
    fallback=e.DATABASE,
)
DATABASE_CONNECTIONS_MAX: Final = _gauge(
    "ops_database_connections_max",
    e.POOL,
    "Most connections the database pool may open (db/pool, database: max, total_capacity).",
    fallback=e.DATABASE,
)
DATABASE_POOL_USAGE: Final = _gauge(
    "ops_database_pool_usage_ratio",
    e.POOL,
    "Share of the database pool in use, 0-1 (db/pool, database).",
    fallback=e.DATABASE,
)
DATABASE_QUERY_DURATION: Final = _gauge(
    "ops_database_query_duration_seconds",
    e.DATABASE,
    "Mean duration of a query, precomputed by the API (database: avg_query_time_ms).",
    dialect=_D,
)
DATABASE_SLOWEST_QUERY: Final = _gauge(
    "ops_database_slowest_query_duration_seconds",
    e.DATABASE,
    "Duration of the slowest query that the API remembers (database: slowest_query_ms).",
    dialect=_D,
)
DATABASE_SLOW_QUERIES: Final = _gauge(
    "ops_database_slow_queries",
    e.DATABASE,
    "Queries over 100 ms in the API's own window (database: slow_queries).",
    dialect=_D,
)
DATABASE_TABLE_ROWS: Final = _gauge(
    "ops_database_table_rows",
    e.DATABASE,
    "Rows of a table (database: table_stats row_count).",
    "table",
    dialect=_D,
)
DATABASE_TABLE_SIZE: Final = _gauge(
    "ops_database_table_size_bytes",
    e.DATABASE,
    "Size of a table (database: table_stats size_mb, 1 MB = 1,000,000 bytes).",
    "table",
    dialect=_D,
)
DATABASE_UP: Final = _gauge(
    "ops_database_up",
    e.DATABASE,
    "1 when the backend reaches its database, else 0 (database: healthy).",
    dialect=_P,
)

# event bus
EVENTS_EMITTED: Final = _counter(
    "ops_events_emitted_total",
    e.EVENTS,
    "Events emitted on the event bus since the backend started (events: events_emitted).",
)
EVENTS_RECEIVED: Final = _counter(
    "ops_events_received_total",
    e.EVENTS,
    "Events that handlers received; may exceed the emitted ones, since one event can have "
    "several handlers (events: events_received, events_delivered).",
)
EVENT_DELIVERIES_FAILED: Final = _counter(
    "ops_event_deliveries_failed_total",
    e.EVENTS,
    "Deliveries that failed (events: failed_deliveries, handler_errors).",
)
EVENTS: Final = _counter(
    "ops_events_total", e.EVENTS, "Events emitted, by event type (events: event_types).", "event"
)
EVENT_LATENCY: Final = _summary(
    "ops_event_latency_seconds",
    e.EVENTS,
    "Time to emit an event, precomputed quantiles over the backend's last samples that cannot "
    "be added or averaged (events: event_latency_ms, emission_latency).",
    "quantile",
)
EVENT_LAST: Final = _gauge(
    "ops_event_last_timestamp_seconds",
    e.EVENT_HISTORY,
    "Unix time of the newest event of a type among the last 100 (events/history).",
    "event",
)

# cache
CACHE_HIT_RATIO: Final = _gauge(
    "ops_cache_hit_ratio",
    e.CACHE,
    "Share of cache lookups that hit, 0-1; absent before the first lookup (cache: hit_rate).",
    fallback=e.PERFORMANCE,
)
CACHE_SIZE: Final = _gauge(
    "ops_cache_size_bytes",
    e.CACHE,
    "Size of the cache (cache: size_mb, 1 MB = 1,000,000 bytes).",
    dialect=_D,
)
CACHE_EVICTIONS: Final = _gauge(
    "ops_cache_evictions_per_second",
    e.CACHE,
    "Evictions per second, precomputed by the API (cache: eviction_rate).",
    dialect=_D,
)
CACHE_HITS: Final = _counter(
    "ops_cache_hits_total",
    e.CACHE,
    "Cache lookups that hit (cache: hits).",
    fallback=e.PERFORMANCE,
    dialect=_P,
)
CACHE_MISSES: Final = _counter(
    "ops_cache_misses_total",
    e.CACHE,
    "Cache lookups that missed (cache: misses).",
    fallback=e.PERFORMANCE,
    dialect=_P,
)
CACHE_INVALIDATIONS: Final = _counter(
    "ops_cache_invalidations_total",
    e.CACHE,
    "Cache entries invalidated (cache: invalidations).",
    dialect=_P,
)
CACHE_KEY_HITS: Final = _gauge(
    "ops_cache_key_hits",
    e.CACHE,
    "Hits of the most used cache keys, by key pattern (cache: top_keys).",
    "key",
    dialect=_D,
)
CACHE_KEY_SIZE: Final = _gauge(
    "ops_cache_key_size_bytes",
    e.CACHE,
    "Size of the most used cache keys, by key pattern (cache: top_keys size_bytes).",
    "key",
    dialect=_D,
)

# workers and queue
WORKERS: Final = _gauge(
    "ops_workers", e.WORKERS, "Active Celery workers (workers: active_workers, worker_count)."
)
WORKER_POOL_STATUS: Final = _gauge(
    "ops_worker_pool_status",
    e.WORKERS,
    "Health of the worker pool: 1 for the present state, else 0 (workers: worker_health; "
    "deployed: down without a worker, else healthy).",
    "status",
    states=HEALTH_STATES,
)
QUEUE_LENGTH: Final = _gauge(
    "ops_queue_length", e.WORKERS, "Tasks waiting in the queue (workers: queue_length).", dialect=_D
)
TASK_RATE: Final = _gauge(
    "ops_tasks_per_second",
    e.WORKERS,
    "Tasks processed per second (workers: processing_rate; deployed: growth of the tasks run "
    "between two polls).",
)
TASKS_FAILED: Final = _gauge(
    "ops_tasks_failed",
    e.WORKERS,
    "Failed tasks, as the API counts them (workers: failed_tasks).",
    dialect=_D,
)
TASKS: Final = _counter(
    "ops_tasks_total",
    e.WORKERS,
    "Tasks run by all present workers together, by task name (workers: stats total).",
    "task",
    dialect=_P,
)
WORKER_STATUS: Final = _gauge(
    "ops_worker_status",
    e.WORKERS,
    "Status of a worker: 1 for the present state, else 0 (workers: workers, stats; "
    "ingestion/health/worker: state).",
    "worker",
    "kind",
    "status",
    states=WORKER_STATES,
    also=e.EDGE_WORKER,
)
WORKER_HEARTBEAT: Final = _gauge(
    "ops_worker_last_heartbeat_timestamp_seconds",
    e.WORKERS,
    "Unix time of a worker's last heartbeat (workers: last_heartbeat; ingestion/health/worker: "
    "last_seen_unix).",
    "worker",
    also=e.EDGE_WORKER,
)
WORKER_GPU: Final = _gauge(
    "ops_worker_gpu",
    e.WORKERS,
    "1 when a worker has a GPU, else 0 (workers: gpu_available).",
    "worker",
    dialect=_D,
)

# ML models
MODEL_LOADED: Final = _gauge(
    "ops_model_loaded",
    e.MODELS,
    "1 when a model is loaded, else 0 (model-health: loaded, available; health/ml).",
    "model",
    fallback=e.ML,
)
MODEL_INFERENCE_DURATION: Final = _gauge(
    "ops_model_inference_duration_seconds",
    e.MODELS,
    "Duration of an inference, precomputed by the API (model-health: inference_time_ms).",
    "model",
    fallback=e.ML,
)
MODEL_MEMORY: Final = _gauge(
    "ops_model_memory_bytes",
    e.MODELS,
    "Memory of a model (model-health: memory_mb, 1 MB = 1,000,000 bytes).",
    "model",
    fallback=e.ML,
)
MODEL_ERROR_RATIO: Final = _gauge(
    "ops_model_error_ratio",
    e.MODELS,
    "Share of a model's inferences that fail, 0-1 (model-health: error_rate).",
    "model",
    fallback=e.ML,
)
MODEL_LAST_INFERENCE: Final = _gauge(
    "ops_model_last_inference_timestamp_seconds",
    e.MODELS,
    "Unix time of a model's last inference (model-health: last_inference).",
    "model",
    fallback=e.ML,
)

# ingestion
INGESTION_JOBS: Final = _gauge(
    "ops_ingestion_jobs",
    e.JOBS,
    "Ingestion jobs among the last 100 rows, by their newest status (jobs/history).",
    "status",
)
INGESTION_JOB_INFO: Final = _gauge(
    "ops_ingestion_job_info",
    e.JOBS,
    "1 for each of the latest ingestion jobs with its repository and status (jobs/history).",
    "job_id",
    "repository",
    "status",
)
INGESTION_JOB_STARTED: Final = _gauge(
    "ops_ingestion_job_started_timestamp_seconds",
    e.JOBS,
    "Unix time at which an ingestion job started (jobs/history: started_at; deployed: the "
    "timestamp of the row with status processing that began its newest run).",
    "job_id",
)
INGESTION_JOB_DURATION: Final = _gauge(
    "ops_ingestion_job_duration_seconds",
    e.JOBS,
    "Duration of an ingestion job (jobs/history: duration_seconds).",
    "job_id",
)


# engagement and recommendations
def _engagement(name: str, text: str) -> Metric:
    """Declare a number of the design that deployed backends tell through their events alone."""
    return _gauge(
        f"ops_engagement_{name}",
        e.ENGAGEMENT,
        f"{text} within the window (user-engagement; deployed: since_start, from the event bus).",
        "window",
        owner_dialect=_D,
        fallback=e.EVENTS,
    )


ACTIVE_USERS: Final = _gauge(
    "ops_engagement_active_users",
    e.ENGAGEMENT,
    "Active users within the window (user-engagement).",
    "window",
)
RESOURCES_CREATED: Final = _engagement("resources_created", "Resources created")
RESOURCES_UPDATED: Final = _engagement("resources_updated", "Resources updated")
SEARCHES: Final = _engagement("searches", "Searches performed")
ANNOTATIONS_CREATED: Final = _engagement("annotations_created", "Annotations created")
COLLECTIONS_CREATED: Final = _engagement("collections_created", "Collections created")
RECOMMENDATION_ACCURACY: Final = _gauge(
    "ops_recommendation_accuracy_ratio",
    e.RECOMMENDATIONS,
    "Share of recommendations that were right, 0-1 (recommendation-quality: accuracy).",
)
RECOMMENDATION_CLICK_THROUGH: Final = _gauge(
    "ops_recommendation_click_through_ratio",
    e.RECOMMENDATIONS,
    "Share of recommendations that were clicked, 0-1 (recommendation-quality).",
)
RECOMMENDATION_RATING: Final = _gauge(
    "ops_recommendation_rating",
    e.RECOMMENDATIONS,
    "Mean rating by users, 1-5 (recommendation-quality: avg_user_rating).",
)
RECOMMENDATION_PRECISION: Final = _gauge(
    "ops_recommendation_precision_ratio",
    e.RECOMMENDATIONS,
    "Precision of a model, 0-1 (recommendation-quality: model_performance).",
    "model",
)
RECOMMENDATION_RECALL: Final = _gauge(
    "ops_recommendation_recall_ratio",
    e.RECOMMENDATIONS,
    "Recall of a model, 0-1 (recommendation-quality: model_performance).",
    "model",
)
RECOMMENDATION_F1: Final = _gauge(
    "ops_recommendation_f1_ratio",
    e.RECOMMENDATIONS,
    "F1 score of a model, 0-1 (recommendation-quality: model_performance f1_score).",
    "model",
)

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
