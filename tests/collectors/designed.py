"""An answer of the designed dialect for each endpoint, with every field that the design has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.catalogue import endpoints as e

if TYPE_CHECKING:
    from exporter.catalogue.model import Endpoint

DESIGNED: Final[dict[Endpoint, Any]] = {
    e.HEALTH: {
        "status": "degraded",
        "timestamp": "2026-11-23T14:50:00Z",
        "modules": {
            "search": {"status": "degraded", "response_time_ms": 120.0, "error_count": 3},
            "graph": {"status": "healthy", "response_time_ms": 8, "error_count": 0},
        },
    },
    e.PERFORMANCE: {
        "api_response_time": {"p50": 42.0, "p95": 210.0, "p99": 800.0},
        "request_rate": 42.5,
        "error_rate": 1.2,
        "uptime_seconds": 86400,
    },
    e.RECOMMENDATIONS: {
        "accuracy": 87.0,
        "click_through_rate": 12.5,
        "avg_user_rating": 4.2,
        "model_performance": {"classifier": {"precision": 0.91, "recall": 0.88, "f1_score": 0.895}},
    },
    e.ENGAGEMENT: {
        "active_users": 41,
        "resources_created": 12,
        "resources_updated": 30,
        "searches_performed": 512,
        "annotations_created": 7,
        "collections_created": 2,
        "time_range": "6h",
    },
    e.DATABASE: {
        "connection_pool": {"active": 4, "idle": 6, "max": 20, "utilization": 20.0},
        "query_performance": {
            "avg_query_time_ms": 4.2,
            "slow_queries": 3,
            "slowest_query_ms": 1500.0,
        },
        "table_stats": {"resources": {"row_count": 120000, "size_mb": 84.5}},
    },
    e.POOL: {"active": 5, "idle": 5, "max": 20, "utilization": 25.0},
    e.EVENTS: {
        "events_emitted": 4800,
        "events_received": 4790,
        "event_latency_ms": {"p50": 0.25, "p95": 1.5, "p99": 4.0},
        "event_types": {"resource.created": 40, "search.executed": 7},
        "failed_deliveries": 5,
    },
    e.EVENT_HISTORY: [
        {"type": "resource.created", "timestamp": "2026-11-23T14:52:10Z"},
        {"type": "search.executed", "timestamp": "2026-11-23T14:52:11+01:00"},
        {"type": "resource.created", "timestamp": "2026-11-23T14:52:09"},
    ],
    e.CACHE: {
        "hit_rate": 92.5,
        "miss_rate": 7.5,
        "size_mb": 12.5,
        "eviction_rate": 0.25,
        "top_keys": [
            {"key": "search:1234", "hits": 1000, "size_bytes": 2048},
            {"key": "search:99", "hits": 200, "size_bytes": 1024},
            {"key": "graph", "hits": 50, "size_bytes": 4096},
        ],
    },
    e.WORKERS: {
        "active_workers": 3,
        "worker_health": "healthy",
        "queue_length": 12,
        "processing_rate": 2.5,
        "failed_tasks": 4,
        "workers": [
            {
                "id": "w1",
                "type": "cloud",
                "status": "online",
                "last_heartbeat": "2026-11-23T14:50:00Z",
                "gpu_available": False,
            },
            {
                "id": "edge-1",
                "type": "edge",
                "status": "degraded",
                "last_heartbeat": "2026-11-23T14:49:00Z",
                "gpu_available": True,
            },
        ],
    },
    e.ML: {
        "models": {
            "summarizer": {
                "loaded": False,
                "inference_time_ms": 900.0,
                "memory_mb": 1500.0,
                "error_rate": 2.5,
                "last_inference": "2026-11-23T13:00:00Z",
            }
        }
    },
    e.MODELS: {
        "models": {
            "embedding": {
                "loaded": True,
                "inference_time_ms": 31.0,
                "memory_mb": 420.0,
                "error_rate": 0.5,
                "last_inference": "2026-11-23T14:49:58Z",
            }
        }
    },
    e.JOBS: [
        {
            "id": "j-17",
            "repo_url": "https://github.com/o/r3",
            "status": "failed",
            "started_at": "2026-11-23T14:40:00Z",
            "completed_at": "2026-11-23T14:41:33Z",
            "duration_seconds": 93.0,
            "error_message": "Clone failed",
        },
        {
            "id": "j-18",
            "repo_url": "https://github.com/o/r4.git",
            "status": "processing",
            "started_at": "2026-11-23T14:45:00Z",
        },
    ],
}

SAMPLES: Final[dict[Endpoint, dict[str, float]]] = {
    e.HEALTH: {
        'ops_system_status{status="degraded"}': 1,
        'ops_module_status{module="search",status="degraded"}': 1,
        'ops_module_response_time_seconds{module="search"}': 0.12,
        'ops_module_errors{module="search"}': 3,
        'ops_module_status{module="graph",status="healthy"}': 1,
        'ops_module_response_time_seconds{module="graph"}': 0.008,
        'ops_module_errors{module="graph"}': 0,
    },
    e.PERFORMANCE: {
        'ops_api_response_time_seconds{quantile="0.5"}': 0.042,
        'ops_api_response_time_seconds{quantile="0.95"}': 0.21,
        'ops_api_response_time_seconds{quantile="0.99"}': 0.8,
        "ops_api_requests_per_second": 42.5,
        "ops_api_error_ratio": 0.012,
        "ops_uptime_seconds": 86400,
    },
    e.RECOMMENDATIONS: {
        "ops_recommendation_accuracy_ratio": 0.87,
        "ops_recommendation_click_through_ratio": 0.125,
        "ops_recommendation_rating": 4.2,
        'ops_recommendation_precision_ratio{model="classifier"}': 0.91,
        'ops_recommendation_recall_ratio{model="classifier"}': 0.88,
        'ops_recommendation_f1_ratio{model="classifier"}': 0.895,
    },
    e.ENGAGEMENT: {
        'ops_engagement_active_users{window="6h"}': 41,
        'ops_engagement_resources_created{window="6h"}': 12,
        'ops_engagement_resources_updated{window="6h"}': 30,
        'ops_engagement_searches{window="6h"}': 512,
        'ops_engagement_annotations_created{window="6h"}': 7,
        'ops_engagement_collections_created{window="6h"}': 2,
    },
    e.DATABASE: {
        'ops_database_connections{state="active"}': 4,
        'ops_database_connections{state="idle"}': 6,
        "ops_database_connections_max": 20,
        "ops_database_pool_usage_ratio": 0.2,
        "ops_database_query_duration_seconds": 0.0042,
        "ops_database_slow_queries": 3,
        "ops_database_slowest_query_duration_seconds": 1.5,
        'ops_database_table_rows{table="resources"}': 120_000,
        'ops_database_table_size_bytes{table="resources"}': 84_500_000,
    },
    e.POOL: {
        'ops_database_connections{state="active"}': 5,
        'ops_database_connections{state="idle"}': 5,
        "ops_database_connections_max": 20,
        "ops_database_pool_usage_ratio": 0.25,
    },
    e.EVENTS: {
        "ops_events_emitted_total": 4800,
        "ops_events_received_total": 4790,
        "ops_event_deliveries_failed_total": 5,
        'ops_event_latency_seconds{quantile="0.5"}': 0.00025,
        'ops_event_latency_seconds{quantile="0.95"}': 0.0015,
        'ops_event_latency_seconds{quantile="0.99"}': 0.004,
        'ops_events_total{event="resource.created"}': 40,
        'ops_events_total{event="search.executed"}': 7,
    },
    e.EVENT_HISTORY: {
        'ops_event_last_timestamp_seconds{event="resource.created"}': 1795445530,
        'ops_event_last_timestamp_seconds{event="search.executed"}': 1795441931,
    },
    e.CACHE: {
        "ops_cache_hit_ratio": 0.925,
        "ops_cache_size_bytes": 12_500_000,
        "ops_cache_evictions_per_second": 0.25,
        'ops_cache_key_hits{key="search:*"}': 1200,
        'ops_cache_key_hits{key="graph"}': 50,
        'ops_cache_key_size_bytes{key="search:*"}': 3072,
        'ops_cache_key_size_bytes{key="graph"}': 4096,
    },
    e.WORKERS: {
        "ops_workers": 3,
        'ops_worker_pool_status{status="healthy"}': 1,
        "ops_queue_length": 12,
        "ops_tasks_per_second": 2.5,
        "ops_tasks_failed": 4,
        'ops_worker_status{worker="w1",kind="cloud",status="online"}': 1,
        'ops_worker_last_heartbeat_timestamp_seconds{worker="w1"}': 1795445400,
        'ops_worker_gpu{worker="w1"}': 0,
        'ops_worker_status{worker="edge-1",kind="edge",status="degraded"}': 1,
        'ops_worker_last_heartbeat_timestamp_seconds{worker="edge-1"}': 1795445340,
        'ops_worker_gpu{worker="edge-1"}': 1,
    },
    e.ML: {
        'ops_model_loaded{model="summarizer"}': 0,
        'ops_model_inference_duration_seconds{model="summarizer"}': 0.9,
        'ops_model_memory_bytes{model="summarizer"}': 1_500_000_000,
        'ops_model_error_ratio{model="summarizer"}': 0.025,
        'ops_model_last_inference_timestamp_seconds{model="summarizer"}': 1795438800,
    },
    e.MODELS: {
        'ops_model_loaded{model="embedding"}': 1,
        'ops_model_inference_duration_seconds{model="embedding"}': 0.031,
        'ops_model_memory_bytes{model="embedding"}': 420_000_000,
        'ops_model_error_ratio{model="embedding"}': 0.005,
        'ops_model_last_inference_timestamp_seconds{model="embedding"}': 1795445398,
    },
    e.JOBS: {
        'ops_ingestion_job_info{job_id="j-18",'
        'repository="github.com/o/r4.git",status="processing"}': 1,
        'ops_ingestion_job_started_timestamp_seconds{job_id="j-18"}': 1795445100,
        'ops_ingestion_job_info{job_id="j-17",repository="github.com/o/r3",status="failed"}': 1,
        'ops_ingestion_job_started_timestamp_seconds{job_id="j-17"}': 1795444800,
        'ops_ingestion_job_duration_seconds{job_id="j-17"}': 93,
        'ops_ingestion_jobs{status="pending"}': 0,
        'ops_ingestion_jobs{status="processing"}': 1,
        'ops_ingestion_jobs{status="completed"}': 0,
        'ops_ingestion_jobs{status="failed"}': 1,
        'ops_ingestion_jobs{status="skipped"}': 0,
    },
}
