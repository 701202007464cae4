"""The facts that the monitoring API tells, as metrics: name, meaning, labels and source."""

from __future__ import annotations

from typing import Final

from exporter.catalogue import endpoints as e
from exporter.catalogue.model import Dialect, Kind, Metric

_D = Dialect.DESIGNED
_P = Dialect.DEPLOYED

HEALTH_STATES: Final = ("healthy", "degraded", "down", "unknown", "not_applicable")
WORKER_STATES: Final = ("online", "degraded", "offline")
JOB_STATES: Final = ("pending", "processing", "completed", "failed", "skipped")

# health
SYSTEM_STATUS: Final = Metric(
    name="ops_system_status",
    kind=Kind.GAUGE,
    help="Overall status of the product: 1 for the present state, else 0 (health: status).",
    labels=("status",),
    states=HEALTH_STATES,
    owner=e.HEALTH,
)
COMPONENT_STATUS: Final = Metric(
    name="ops_component_status",
    kind=Kind.GAUGE,
    help=(
        "Status of a component the product stands on: 1 for the present state, else 0"
        " (health: components; qdrant from ingestion: services)."
    ),
    labels=("component", "status"),
    states=HEALTH_STATES,
    free_labels=("component",),
    owner=e.HEALTH,
    also=e.INGESTION,
    dialect=_P,
)
MODULE_STATUS: Final = Metric(
    name="ops_module_status",
    kind=Kind.GAUGE,
    help="Status of a module: 1 for the present state, else 0 (health: modules).",
    labels=("module", "status"),
    states=HEALTH_STATES,
    free_labels=("module",),
    owner=e.HEALTH,
)
MODULE_RESPONSE_TIME: Final = Metric(
    name="ops_module_response_time_seconds",
    kind=Kind.GAUGE,
    help="Response time of a module as the API last measured it (health: response_time_ms).",
    labels=("module",),
    free_labels=("module",),
    owner=e.HEALTH,
    dialect=_D,
)
MODULE_ERRORS: Final = Metric(
    name="ops_module_errors",
    kind=Kind.GAUGE,
    help="Errors of a module within the last 24 h, counted by the API (health: error_count).",
    labels=("module",),
    free_labels=("module",),
    owner=e.HEALTH,
    dialect=_D,
)

# performance
API_RESPONSE_TIME: Final = Metric(
    name="ops_api_response_time_seconds",
    kind=Kind.SUMMARY,
    help=(
        "Response time of the product's API, precomputed quantiles that cannot be added or averaged"
        " (performance: api_response_time; deployed: from the histogram of the backend's /metrics"
        " between two polls)."
    ),
    labels=("quantile",),
    owner=e.PERFORMANCE,
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
API_REQUEST_RATE: Final = Metric(
    name="ops_api_requests_per_second",
    kind=Kind.GAUGE,
    help=(
        "Requests that the product's API serves per second (performance: request_rate; deployed:"
        " growth of http_requests_total on the backend's /metrics between two polls)."
    ),
    owner=e.PERFORMANCE,
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
API_ERROR_RATIO: Final = Metric(
    name="ops_api_error_ratio",
    kind=Kind.GAUGE,
    help=(
        "Share of the API's requests that fail, 0-1 (performance: error_rate; deployed: 5xx of"
        " http_requests_total on the backend's /metrics between two polls)."
    ),
    owner=e.PERFORMANCE,
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
UPTIME: Final = Metric(
    name="ops_uptime_seconds",
    kind=Kind.GAUGE,
    help=(
        "Time since the backend process started (performance: uptime_seconds; deployed:"
        " process_start_time_seconds on the backend's /metrics)."
    ),
    owner=e.PERFORMANCE,
    owner_dialect=_D,
    fallback=e.BACKEND_METRICS,
)
METHOD_DURATION: Final = Metric(
    name="ops_method_duration_seconds",
    kind=Kind.GAUGE,
    help="Mean duration of a timed method, precomputed by the API (performance: method_timings).",
    labels=("method",),
    free_labels=("method",),
    owner=e.PERFORMANCE,
    dialect=_P,
)
METHOD_CALLS: Final = Metric(
    name="ops_method_calls_total",
    kind=Kind.COUNTER,
    help="Calls of a timed method (performance: method_timings count).",
    labels=("method",),
    free_labels=("method",),
    owner=e.PERFORMANCE,
    dialect=_P,
)
SLOW_OPERATIONS: Final = Metric(
    name="ops_slow_operations_total",
    kind=Kind.COUNTER,
    help="Operations that the backend counted as slow (performance: slow_query_count).",
    owner=e.PERFORMANCE,
    dialect=_P,
)

# database
DATABASE_CONNECTIONS: Final = Metric(
    name="ops_database_connections",
    kind=Kind.GAUGE,
    help="Connections of the database pool, in use (active) or waiting (idle) (db/pool).",
    labels=("state",),
    owner=e.POOL,
    fallback=e.DATABASE,
)
DATABASE_CONNECTIONS_MAX: Final = Metric(
    name="ops_database_connections_max",
    kind=Kind.GAUGE,
    help="Most connections the database pool may open (db/pool, database: max, total_capacity).",
    owner=e.POOL,
    fallback=e.DATABASE,
)
DATABASE_POOL_USAGE: Final = Metric(
    name="ops_database_pool_usage_ratio",
    kind=Kind.GAUGE,
    help="Share of the database pool in use, 0-1 (db/pool, database).",
    owner=e.POOL,
    fallback=e.DATABASE,
)
DATABASE_QUERY_DURATION: Final = Metric(
    name="ops_database_query_duration_seconds",
    kind=Kind.GAUGE,
    help="Mean duration of a query, precomputed by the API (database: avg_query_time_ms).",
    owner=e.DATABASE,
    dialect=_D,
)
DATABASE_SLOWEST_QUERY: Final = Metric(
    name="ops_database_slowest_query_duration_seconds",
    kind=Kind.GAUGE,
    help="Duration of the slowest query that the API remembers (database: slowest_query_ms).",
    owner=e.DATABASE,
    dialect=_D,
)
DATABASE_SLOW_QUERIES: Final = Metric(
    name="ops_database_slow_queries",
    kind=Kind.GAUGE,
    help="Queries over 100 ms in the API's own window (database: slow_queries).",
    owner=e.DATABASE,
    dialect=_D,
)
DATABASE_TABLE_ROWS: Final = Metric(
    name="ops_database_table_rows",
    kind=Kind.GAUGE,
    help="Rows of a table (database: table_stats row_count).",
    labels=("table",),
    free_labels=("table",),
    owner=e.DATABASE,
    dialect=_D,
)
DATABASE_TABLE_SIZE: Final = Metric(
    name="ops_database_table_size_bytes",
    kind=Kind.GAUGE,
    help="Size of a table (database: table_stats size_mb, 1 MB = 1,000,000 bytes).",
    labels=("table",),
    free_labels=("table",),
    owner=e.DATABASE,
    dialect=_D,
)
DATABASE_UP: Final = Metric(
    name="ops_database_up",
    kind=Kind.GAUGE,
    help="1 when the backend reaches its database, else 0 (database: healthy).",
    owner=e.DATABASE,
    dialect=_P,
)

# event bus
EVENTS_EMITTED: Final = Metric(
    name="ops_events_emitted_total",
    kind=Kind.COUNTER,
    help="Events emitted on the event bus since the backend started (events: events_emitted).",
    owner=e.EVENTS,
)
EVENTS_RECEIVED: Final = Metric(
    name="ops_events_received_total",
    kind=Kind.COUNTER,
    help=(
        "Events that handlers received; may exceed the emitted ones, since one event can have"
        " several handlers (events: events_received, events_delivered)."
    ),
    owner=e.EVENTS,
)
EVENT_DELIVERIES_FAILED: Final = Metric(
    name="ops_event_deliveries_failed_total",
    kind=Kind.COUNTER,
    help="Deliveries that failed (events: failed_deliveries, handler_errors).",
    owner=e.EVENTS,
)
EVENTS: Final = Metric(
    name="ops_events_total",
    kind=Kind.COUNTER,
    help="Events emitted, by event type (events: event_types).",
    labels=("event",),
    free_labels=("event",),
    owner=e.EVENTS,
)
EVENT_LATENCY: Final = Metric(
    name="ops_event_latency_seconds",
    kind=Kind.SUMMARY,
    help=(
        "Time to emit an event, precomputed quantiles over the backend's last samples that cannot"
        " be added or averaged (events: event_latency_ms, emission_latency)."
    ),
    labels=("quantile",),
    owner=e.EVENTS,
)
EVENT_LAST: Final = Metric(
    name="ops_event_last_timestamp_seconds",
    kind=Kind.GAUGE,
    help="Unix time of the newest event of a type among the last 100 (events/history).",
    labels=("event",),
    free_labels=("event",),
    owner=e.EVENT_HISTORY,
)

# cache
CACHE_HIT_RATIO: Final = Metric(
    name="ops_cache_hit_ratio",
    kind=Kind.GAUGE,
    help="Share of cache lookups that hit, 0-1; absent before the first lookup (cache: hit_rate).",
    owner=e.CACHE,
    fallback=e.PERFORMANCE,
)
CACHE_SIZE: Final = Metric(
    name="ops_cache_size_bytes",
    kind=Kind.GAUGE,
    help="Size of the cache (cache: size_mb, 1 MB = 1,000,000 bytes).",
    owner=e.CACHE,
    dialect=_D,
)
CACHE_EVICTIONS: Final = Metric(
    name="ops_cache_evictions_per_second",
    kind=Kind.GAUGE,
    help="Evictions per second, precomputed by the API (cache: eviction_rate).",
    owner=e.CACHE,
    dialect=_D,
)
CACHE_HITS: Final = Metric(
    name="ops_cache_hits_total",
    kind=Kind.COUNTER,
    help="Cache lookups that hit (cache: hits).",
    owner=e.CACHE,
    fallback=e.PERFORMANCE,
    dialect=_P,
)
CACHE_MISSES: Final = Metric(
    name="ops_cache_misses_total",
    kind=Kind.COUNTER,
    help="Cache lookups that missed (cache: misses).",
    owner=e.CACHE,
    fallback=e.PERFORMANCE,
    dialect=_P,
)
CACHE_INVALIDATIONS: Final = Metric(
    name="ops_cache_invalidations_total",
    kind=Kind.COUNTER,
    help="Cache entries invalidated (cache: invalidations).",
    owner=e.CACHE,
    dialect=_P,
)
CACHE_KEY_HITS: Final = Metric(
    name="ops_cache_key_hits",
    kind=Kind.GAUGE,
    help="Hits of the most used cache keys, by key pattern (cache: top_keys).",
    labels=("key",),
    free_labels=("key",),
    owner=e.CACHE,
    dialect=_D,
)
CACHE_KEY_SIZE: Final = Metric(
    name="ops_cache_key_size_bytes",
    kind=Kind.GAUGE,
    help="Size of the most used cache keys, by key pattern (cache: top_keys size_bytes).",
    labels=("key",),
    free_labels=("key",),
    owner=e.CACHE,
    dialect=_D,
)

# workers and queue
WORKERS: Final = Metric(
    name="ops_workers",
    kind=Kind.GAUGE,
    help="Active Celery workers (workers: active_workers, worker_count).",
    owner=e.WORKERS,
)
WORKER_POOL_STATUS: Final = Metric(
    name="ops_worker_pool_status",
    kind=Kind.GAUGE,
    help=(
        "Health of the worker pool: 1 for the present state, else 0 (workers:"
        " worker_health; deployed: down without a worker, else healthy)."
    ),
    labels=("status",),
    states=HEALTH_STATES,
    owner=e.WORKERS,
)
QUEUE_LENGTH: Final = Metric(
    name="ops_queue_length",
    kind=Kind.GAUGE,
    help="Tasks waiting in the queue (workers: queue_length).",
    owner=e.WORKERS,
    dialect=_D,
)
TASK_RATE: Final = Metric(
    name="ops_tasks_per_second",
    kind=Kind.GAUGE,
    help=(
        "Tasks processed per second (workers: processing_rate; deployed: growth of the tasks run"
        " between two polls)."
    ),
    owner=e.WORKERS,
)
TASKS_FAILED: Final = Metric(
    name="ops_tasks_failed",
    kind=Kind.GAUGE,
    help="Failed tasks, as the API counts them (workers: failed_tasks).",
    owner=e.WORKERS,
    dialect=_D,
)
TASKS: Final = Metric(
    name="ops_tasks_total",
    kind=Kind.COUNTER,
    help="Tasks run by all present workers together, by task name (workers: stats total).",
    labels=("task",),
    free_labels=("task",),
    owner=e.WORKERS,
    dialect=_P,
)
WORKER_STATUS: Final = Metric(
    name="ops_worker_status",
    kind=Kind.GAUGE,
    help=(
        "Status of a worker: 1 for the present state, else 0 (workers: workers, stats;"
        " ingestion/health/worker: state)."
    ),
    labels=("worker", "kind", "status"),
    states=WORKER_STATES,
    free_labels=("worker", "kind"),
    owner=e.WORKERS,
    also=e.EDGE_WORKER,
)
WORKER_HEARTBEAT: Final = Metric(
    name="ops_worker_last_heartbeat_timestamp_seconds",
    kind=Kind.GAUGE,
    help=(
        "Unix time of a worker's last heartbeat (workers: last_heartbeat;"
        " ingestion/health/worker: last_seen_unix)."
    ),
    labels=("worker",),
    free_labels=("worker",),
    owner=e.WORKERS,
    also=e.EDGE_WORKER,
)
WORKER_GPU: Final = Metric(
    name="ops_worker_gpu",
    kind=Kind.GAUGE,
    help="1 when a worker has a GPU, else 0 (workers: gpu_available).",
    labels=("worker",),
    free_labels=("worker",),
    owner=e.WORKERS,
    dialect=_D,
)

# ML models
MODEL_LOADED: Final = Metric(
    name="ops_model_loaded",
    kind=Kind.GAUGE,
    help="1 when a model is loaded, else 0 (model-health: loaded, available; health/ml).",
    labels=("model",),
    free_labels=("model",),
    owner=e.MODELS,
    fallback=e.ML,
)
MODEL_INFERENCE_DURATION: Final = Metric(
    name="ops_model_inference_duration_seconds",
    kind=Kind.GAUGE,
    help="Duration of an inference, precomputed by the API (model-health: inference_time_ms).",
    labels=("model",),
    free_labels=("model",),
    owner=e.MODELS,
    fallback=e.ML,
)
MODEL_MEMORY: Final = Metric(
    name="ops_model_memory_bytes",
    kind=Kind.GAUGE,
    help="Memory of a model (model-health: memory_mb, 1 MB = 1,000,000 bytes).",
    labels=("model",),
    free_labels=("model",),
    owner=e.MODELS,
    fallback=e.ML,
)
MODEL_ERROR_RATIO: Final = Metric(
    name="ops_model_error_ratio",
    kind=Kind.GAUGE,
    help="Share of a model's inferences that fail, 0-1 (model-health: error_rate).",
    labels=("model",),
    free_labels=("model",),
    owner=e.MODELS,
    fallback=e.ML,
)
MODEL_LAST_INFERENCE: Final = Metric(
    name="ops_model_last_inference_timestamp_seconds",
    kind=Kind.GAUGE,
    help="Unix time of a model's last inference (model-health: last_inference).",
    labels=("model",),
    free_labels=("model",),
    owner=e.MODELS,
    fallback=e.ML,
)

# ingestion
INGESTION_JOBS: Final = Metric(
    name="ops_ingestion_jobs",
    kind=Kind.GAUGE,
    help="Ingestion jobs among the last 100 rows, by their newest status (jobs/history).",
    labels=("status",),
    owner=e.JOBS,
)
INGESTION_JOB_INFO: Final = Metric(
    name="ops_ingestion_job_info",
    kind=Kind.GAUGE,
    help="1 for each of the latest ingestion jobs with its repository and status (jobs/history).",
    labels=("job_id", "repository", "status"),
    free_labels=("job_id", "repository"),
    owner=e.JOBS,
)
INGESTION_JOB_STARTED: Final = Metric(
    name="ops_ingestion_job_started_timestamp_seconds",
    kind=Kind.GAUGE,
    help=(
        "Unix time at which an ingestion job started (jobs/history: started_at; deployed: the"
        " timestamp of its newest row with status processing)."
    ),
    labels=("job_id",),
    free_labels=("job_id",),
    owner=e.JOBS,
)
INGESTION_JOB_DURATION: Final = Metric(
    name="ops_ingestion_job_duration_seconds",
    kind=Kind.GAUGE,
    help="Duration of an ingestion job (jobs/history: duration_seconds).",
    labels=("job_id",),
    free_labels=("job_id",),
    owner=e.JOBS,
)


# engagement and recommendations
def _engagement(name: str, help_text: str, *, events: bool = True) -> Metric:
    """Declare a number of user engagement; deployed backends tell most through their events."""
    return Metric(
        name=f"ops_engagement_{name}",
        kind=Kind.GAUGE,
        help=help_text,
        labels=("window",),
        owner=e.ENGAGEMENT,
        owner_dialect=_D if events else None,
        fallback=e.EVENTS if events else None,
    )


_SINCE_START = "; deployed: since_start, counted from the event bus)."
ACTIVE_USERS: Final = _engagement(
    "active_users", "Active users within the window (user-engagement).", events=False
)
RESOURCES_CREATED: Final = _engagement(
    "resources_created", f"Resources created within the window (user-engagement{_SINCE_START}"
)
RESOURCES_UPDATED: Final = _engagement(
    "resources_updated", f"Resources updated within the window (user-engagement{_SINCE_START}"
)
SEARCHES: Final = _engagement(
    "searches", f"Searches performed within the window (user-engagement{_SINCE_START}"
)
ANNOTATIONS_CREATED: Final = _engagement(
    "annotations_created", f"Annotations created within the window (user-engagement{_SINCE_START}"
)
COLLECTIONS_CREATED: Final = _engagement(
    "collections_created", f"Collections created within the window (user-engagement{_SINCE_START}"
)
RECOMMENDATION_ACCURACY: Final = Metric(
    name="ops_recommendation_accuracy_ratio",
    kind=Kind.GAUGE,
    help="Share of recommendations that were right, 0-1 (recommendation-quality: accuracy).",
    owner=e.RECOMMENDATIONS,
)
RECOMMENDATION_CLICK_THROUGH: Final = Metric(
    name="ops_recommendation_click_through_ratio",
    kind=Kind.GAUGE,
    help="Share of recommendations that were clicked, 0-1 (recommendation-quality).",
    owner=e.RECOMMENDATIONS,
)
RECOMMENDATION_RATING: Final = Metric(
    name="ops_recommendation_rating",
    kind=Kind.GAUGE,
    help="Mean rating by users, 1-5 (recommendation-quality: avg_user_rating).",
    owner=e.RECOMMENDATIONS,
)
RECOMMENDATION_PRECISION: Final = Metric(
    name="ops_recommendation_precision_ratio",
    kind=Kind.GAUGE,
    help="Precision of a model, 0-1 (recommendation-quality: model_performance).",
    labels=("model",),
    free_labels=("model",),
    owner=e.RECOMMENDATIONS,
)
RECOMMENDATION_RECALL: Final = Metric(
    name="ops_recommendation_recall_ratio",
    kind=Kind.GAUGE,
    help="Recall of a model, 0-1 (recommendation-quality: model_performance).",
    labels=("model",),
    free_labels=("model",),
    owner=e.RECOMMENDATIONS,
)
RECOMMENDATION_F1: Final = Metric(
    name="ops_recommendation_f1_ratio",
    kind=Kind.GAUGE,
    help="F1 score of a model, 0-1 (recommendation-quality: model_performance f1_score).",
    labels=("model",),
    free_labels=("model",),
    owner=e.RECOMMENDATIONS,
)

ALL: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
