"""An answer of the deployed dialect for each endpoint, with every field that a collector reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import endpoints as e

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

WRAPPED: Final = {"status": "ok", "timestamp": "2026-11-23T14:50:00.1", "error": None}

DEPLOYED: Final[dict[Endpoint, Any]] = {
    e.HEALTH: {
        "status": "unhealthy",
        "message": "text",
        "timestamp": "2026-11-23T14:50:00.1",
        "components": {
            "database": {"status": "healthy", "message": "Connected"},
            "celery": {"status": "warning", "message": "text", "worker_count": 1},
        },
        "modules": {"search": {"status": "ok", "message": "text"}, "mcp": {"status": "error"}},
        "error": None,
    },
    e.PERFORMANCE: {
        **WRAPPED,
        "metrics": {
            "cache_hit_rate": 0.4,
            "cache_hits": 4,
            "cache_misses": 6,
            "slow_query_count": 2,
            "method_timings": {"Search.run": {"average_ms": 120.0, "count": 3}},
            "recommendation_metrics": {"anything": 1},
        },
        "warnings": None,
    },
    e.ENGAGEMENT: {
        **WRAPPED,
        "time_window_days": 30,
        "metrics": {
            "total_users": 9,
            "active_users": 5,
            "total_interactions": 40,
            "positive_interactions": 30,
            "positive_rate": 0.75,
            "interactions_by_type": {"view": 40},
            "avg_session_duration_seconds": 61.5,
        },
    },
    e.DATABASE: {
        **WRAPPED,
        "database": {"type": "postgresql", "healthy": True, "health_message": "text"},
        "connection_pool": {
            "database_type": "postgresql",
            "size": 5,
            "max_overflow": 10,
            "checked_in": 3,
            "checked_out": 9,
            "overflow": -2,
            "total_capacity": 15,
            "pool_usage_percent": 60.0,
            "connections_available": 6,
        },
        "warnings": [],
    },
    e.POOL: {
        **WRAPPED,
        "pool": {
            "database_type": "postgresql",
            "size": 5,
            "max_overflow": 10,
            "checked_in": 3,
            "checked_out": 9,
            "overflow": -2,
            "total_capacity": 15,
            "pool_usage_percent": 60.0,
            "connections_available": 6,
            "max_connections": 60,
            "utilization_percent": 15.0,
        },
    },
    e.EVENTS: {
        **WRAPPED,
        "metrics": {
            "events_emitted": 48,
            "events_delivered": 90,
            "handler_errors": 5,
            "total_handler_time_ms": 1.8,
            "total_emission_time_ms": 4.8,
            "event_types": {"resource.created": 40, "search.executed": 5, "own.kind": 3},
            "handler_latency_p50": 0.04,
            "handler_latency_p95": 0.17,
            "handler_latency_p99": 0.2,
            "emission_latency_p50": 0.25,
            "emission_latency_p95": 0.5,
            "emission_latency_p99": 1.0,
        },
    },
    e.EVENT_HISTORY: {
        **WRAPPED,
        "count": 2,
        "events": [
            {
                "name": "resource.created",
                "data": {"i": 1},
                "timestamp": "2026-11-23T14:52:10.5+00:00",
                "priority": "NORMAL",
                "correlation_id": "2b64b242",
            },
            {
                "name": "own.kind",
                "data": None,
                "timestamp": "2026-11-23T14:52:11",
                "priority": "HIGH",
                "correlation_id": None,
            },
        ],
    },
    e.CACHE: {
        **WRAPPED,
        "cache_stats": {
            "hit_rate": 0.75,
            "hit_rate_percent": 75.0,
            "hits": 75,
            "misses": 25,
            "invalidations": 4,
            "total_requests": 100,
        },
    },
    e.WORKERS: {
        **WRAPPED,
        "workers": {
            "worker_count": 2,
            "total_active_tasks": 0,
            "total_scheduled_tasks": 0,
            "active_tasks": {"w1@host": []},
            "scheduled_tasks": {"w1@host": []},
            "stats": {
                "w1@host": {"total": {"ingest": 4, "embed": 1}, "pid": 1, "uptime": 11},
                "w2@host": {"total": {"ingest": 6}, "pool": {"max-concurrency": 1}},
            },
        },
        "message": None,
    },
    e.MODELS: {
        "status": "healthy",
        "model": {"available": True, "path": "/models/x", "size_mb": 12.0, "num_users": 3},
    },
    e.EDGE_WORKER: {
        "state": "online",
        "last_seen_unix": 1795445400.5,
        "seconds_since_last_seen": 8.1,
        "threshold_seconds": 300,
        "worker_meta": {"worker_id": "edge-1", "version": "1.0.0", "last_seen_iso": "…"},
    },
    e.JOBS: {
        "jobs": [
            {
                "repo_url": "https://github.com/o/r1",
                "status": "complete",
                "duration_seconds": 12.5,
                "files_processed": 10,
                "embeddings_generated": 10,
                "timestamp": "2026-11-23T14:50:00",
                "error": None,
                "reason": None,
                "age_seconds": 6.4,
            },
            {
                "repo_url": "https://github.com/o/r1",
                "status": "processing",
                "timestamp": "2026-11-23T14:49:00",
            },
            {"repo_url": "https://github.com/o/r1", "status": "pending", "timestamp": ""},
        ]
    },
    e.INGESTION: {
        "status": "unhealthy",
        "services": {"redis": "unhealthy: x", "database": "healthy", "qdrant": "unhealthy: y"},
    },
}

SAMPLES: Final[dict[Endpoint, dict[str, float]]] = {
    e.HEALTH: {
        'ops_system_status{status="down"}': 1,
        'ops_component_status{component="database",status="healthy"}': 1,
        'ops_component_status{component="celery",status="degraded"}': 1,
        'ops_module_status{module="search",status="healthy"}': 1,
        'ops_module_status{module="mcp",status="down"}': 1,
    },
    e.PERFORMANCE: {
        "ops_cache_hits_total": 4,
        "ops_cache_misses_total": 6,
        "ops_cache_hit_ratio": 0.4,
        "ops_slow_operations_total": 2,
        'ops_method_duration_seconds{method="Search.run"}': 0.12,
        'ops_method_calls_total{method="Search.run"}': 3,
    },
    e.ENGAGEMENT: {'ops_engagement_active_users{window="30d"}': 5},
    e.DATABASE: {
        "ops_database_up": 1,
        'ops_database_connections{state="active"}': 9,
        'ops_database_connections{state="idle"}': 3,
        "ops_database_connections_max": 15,
        "ops_database_pool_usage_ratio": 0.6,
    },
    e.POOL: {
        'ops_database_connections{state="active"}': 9,
        'ops_database_connections{state="idle"}': 3,
        "ops_database_connections_max": 15,
        "ops_database_pool_usage_ratio": 0.6,
    },
    e.EVENTS: {
        "ops_events_emitted_total": 48,
        "ops_events_received_total": 90,
        "ops_event_deliveries_failed_total": 5,
        'ops_event_latency_seconds{quantile="0.5"}': 0.00025,
        'ops_event_latency_seconds{quantile="0.95"}': 0.0005,
        'ops_event_latency_seconds{quantile="0.99"}': 0.001,
        'ops_events_total{event="resource.created"}': 40,
        'ops_engagement_resources_created{window="since_start"}': 40,
        'ops_events_total{event="search.executed"}': 5,
        'ops_engagement_searches{window="since_start"}': 5,
        'ops_events_total{event="own.kind"}': 3,
    },
    e.EVENT_HISTORY: {
        'ops_event_last_timestamp_seconds{event="resource.created"}': 1795445530.5,
        'ops_event_last_timestamp_seconds{event="own.kind"}': 1795445531,
    },
    e.CACHE: {
        "ops_cache_hit_ratio": 0.75,
        "ops_cache_hits_total": 75,
        "ops_cache_misses_total": 25,
        "ops_cache_invalidations_total": 4,
    },
    e.WORKERS: {
        "ops_workers": 2,
        'ops_worker_pool_status{status="healthy"}': 1,
        'ops_worker_status{worker="w1",kind="cloud",status="online"}': 1,
        'ops_worker_status{worker="w2",kind="cloud",status="online"}': 1,
        'ops_tasks_total{task="ingest"}': 10,
        'ops_tasks_total{task="embed"}': 1,
    },
    e.MODELS: {'ops_model_loaded{model="ncf_model"}': 1},
    e.EDGE_WORKER: {
        'ops_worker_status{worker="edge-1",kind="edge",status="online"}': 1,
        'ops_worker_last_heartbeat_timestamp_seconds{worker="edge-1"}': 1795445400.5,
    },
    e.JOBS: {
        'ops_ingestion_job_info{job_id="2c7b3893b896",'
        'repository="github.com/o/r1",status="completed"}': 1,
        'ops_ingestion_job_started_timestamp_seconds{job_id="2c7b3893b896"}': 1795445340,
        'ops_ingestion_job_duration_seconds{job_id="2c7b3893b896"}': 12.5,
        'ops_ingestion_jobs{status="pending"}': 0,
        'ops_ingestion_jobs{status="processing"}': 0,
        'ops_ingestion_jobs{status="completed"}': 1,
        'ops_ingestion_jobs{status="failed"}': 0,
        'ops_ingestion_jobs{status="skipped"}': 0,
    },
    e.INGESTION: {'ops_component_status{component="qdrant",status="down"}': 1},
}
