"""
The quantities of the simulated product: names, units and healthy behaviour.

Healthy values stay well inside the thresholds of the alerts: error rate 5 %, P95 500 ms, queue
100, cache hit rate 50 %, pool 90 %, P95 of the event bus 1 ms.
"""

from __future__ import annotations

from typing import Final

from exporter.simulator.processes import Quantity

# Module -> its usual response time in milliseconds.
MODULES: Final = {
    "annotations": 24.0,
    "auth": 12.0,
    "authority": 31.0,
    "collections": 22.0,
    "curation": 45.0,
    "graph": 86.0,
    "monitoring": 9.0,
    "quality": 57.0,
    "recommendations": 94.0,
    "resources": 34.0,
    "scholarly": 63.0,
    "search": 118.0,
    "taxonomy": 28.0,
}

# Model -> (inference time in milliseconds, memory in megabytes, error rate in percent).
MODELS: Final = {
    "embedding": (18.0, 1340.0, 0.3),
    "summarizer": (410.0, 2860.0, 0.9),
    "classifier": (7.5, 420.0, 0.2),
}

# Recommender -> (precision, recall).
RECOMMENDERS: Final = {"hybrid": (0.74, 0.61), "collaborative": (0.68, 0.55)}

CLOUD_WORKERS: Final = ("cloud-1", "cloud-2")
EDGE_WORKER: Final = "edge-1"
WORKERS: Final = (*CLOUD_WORKERS, EDGE_WORKER)

COMPONENTS: Final = ("database", "redis")

POOL_SIZE: Final = 10
POOL_MAX: Final = 20  # the pool's size and its overflow

REQUEST_RATE: Final = 14.0  # requests per second on an average day

QUANTITIES: Final = (
    # The API as its users feel it.
    Quantity(name="request_rate", base=REQUEST_RATE, swing=0.6, jitter=0.06, low=0.5),
    Quantity(
        name="error_rate", base=0.6, swing=0.1, wander=0.3, jitter=0.25, low=0.05, high=2.5, cap=100
    ),
    Quantity(name="p50", base=46.0, swing=0.2, low=15, high=90),
    Quantity(name="p95", base=3.6, wander=0.06, jitter=0.05, low=2.5, high=4.2, times="p50"),
    Quantity(name="p99", base=1.9, wander=0.08, jitter=0.08, low=1.2, high=3.0, times="p95"),
    # The database.
    Quantity(
        name="pool_active",
        base=5.0,
        swing=0.55,
        jitter=0.18,
        low=0,
        high=POOL_MAX - 5,
        cap=POOL_MAX,
    ),
    Quantity(name="avg_query_time", base=6.2, swing=0.25, jitter=0.07, high=20),
    Quantity(name="slow_queries", base=2.0, swing=0.5, wander=0.4, jitter=0.3, high=9),
    Quantity(name="slowest_query", base=190.0, wander=0.3, jitter=0.1, low=101, high=700),
    # The event bus, in milliseconds.
    Quantity(name="event_p50", base=0.07, swing=0.1, jitter=0.06, high=0.15),
    Quantity(name="event_p95", base=4.5, jitter=0.08, low=2.0, high=5.5, times="event_p50"),
    Quantity(name="event_p99", base=1.8, jitter=0.08, low=1.1, high=3.0, times="event_p95"),
    # The cache: percent, megabytes, evictions per second.
    Quantity(
        name="cache_hit_rate",
        base=87.0,
        swing=0.02,
        wander=0.02,
        jitter=0.01,
        low=72,
        high=97,
        cap=100,
    ),
    Quantity(name="cache_size", base=212.0, swing=0.12, wander=0.05, memory_s=3600, jitter=0.005),
    Quantity(name="eviction_rate", base=0.4, swing=0.5, wander=0.3, jitter=0.2),
    # Workers.
    Quantity(
        name="queue_length", base=9.0, swing=0.7, wander=0.35, memory_s=180, jitter=0.2, high=45
    ),
    Quantity(name="processing_rate", base=2.4, swing=0.55, jitter=0.08, low=0.2),
    # People.
    Quantity(
        name="active_users", base=96.0, swing=0.08, wander=0.05, memory_s=14_400, jitter=0.003
    ),
    Quantity(
        name="accuracy", base=84.0, wander=0.012, memory_s=21_600, jitter=0.001, high=99, cap=100
    ),
    Quantity(
        name="click_through_rate", base=12.4, wander=0.06, memory_s=14_400, jitter=0.004, cap=100
    ),
    Quantity(
        name="avg_user_rating",
        base=4.2,
        wander=0.02,
        memory_s=43_200,
        jitter=0.0005,
        low=1,
        high=5,
        cap=5,
    ),
    # Each module, model and recommender.
    *(
        Quantity(
            name=f"modules.{name}.response_time", base=base, swing=0.15, jitter=0.08, high=3 * base
        )
        for name, base in MODULES.items()
    ),
    *(
        quantity
        for name, (inference, memory, errors) in MODELS.items()
        for quantity in (
            Quantity(name=f"models.{name}.inference_time", base=inference, swing=0.1, jitter=0.07),
            Quantity(name=f"models.{name}.memory", base=memory, wander=0.01, jitter=0.0005),
            Quantity(
                name=f"models.{name}.error_rate",
                base=errors,
                wander=0.3,
                jitter=0.1,
                high=3,
                cap=100,
            ),
        )
    ),
    *(
        Quantity(
            name=f"recommenders.{name}.{part}",
            base=base,
            wander=0.01,
            memory_s=21_600,
            jitter=0.001,
            cap=1,
        )
        for name, bases in RECOMMENDERS.items()
        for part, base in zip(("precision", "recall"), bases, strict=True)
    ),
)

HEALTH: Final = ("healthy", "degraded", "down")
PRESENCE: Final = ("online", "degraded", "offline")

# State -> its possible values; the first is the healthy one.
STATES: Final = {
    "system_status": HEALTH,
    "worker_health": HEALTH,
    **{f"components.{name}.status": HEALTH for name in COMPONENTS},
    **{f"modules.{name}.status": HEALTH for name in MODULES},
    **{f"workers.{name}.status": PRESENCE for name in WORKERS},
}

# Numbers that follow from other things than a random process and may be set by a fault all the
# same. A model's `loaded` is 1 or 0.
DERIVED: Final = (
    "active_workers",
    "failed_tasks",
    *(f"modules.{name}.error_count" for name in MODULES),
    *(f"models.{name}.loaded" for name in MODELS),
)

NUMBERS: Final = frozenset((*(quantity.name for quantity in QUANTITIES), *DERIVED))
