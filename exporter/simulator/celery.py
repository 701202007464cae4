"""The cloud workers as the deployed backend shows them: what Celery's inspection returns."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.tasks import TASKS

if TYPE_CHECKING:
    from exporter.simulator.answer import Json
    from exporter.simulator.world import World

_CONCURRENCY: Final = 4
_FIRST_PID: Final = 4100


def inspection(world: World) -> Json:
    """Return the workers that are online, with their tasks and statistics."""
    online = [worker for worker in quantities.CLOUD_WORKERS if world.online(worker)]
    busy = min(_CONCURRENCY, round(world.numbers["processing_rate"]))
    return {
        "worker_count": len(online),
        "total_active_tasks": busy * len(online),
        "total_scheduled_tasks": 0,
        "active_tasks": {_node(worker): _running(world, worker, busy) for worker in online},
        "scheduled_tasks": {_node(worker): [] for worker in online},
        "stats": {_node(worker): _statistics(world, worker) for worker in online},
    }


def _node(worker: str) -> str:
    return f"celery@{worker}"


def _running(world: World, worker: str, count: int) -> list[Json]:
    names = itertools.islice(itertools.cycle(TASKS), count)
    return [
        {
            "id": f"{worker}-{slot}",
            "name": name,
            "args": ["ada@example.org", slot],
            "kwargs": {},
            "type": name,
            "hostname": _node(worker),
            "time_start": world.now - 0.4 * (slot + 1),
            "acknowledged": True,
            "delivery_info": {"exchange": "", "routing_key": "default", "priority": 0},
            "worker_pid": _FIRST_PID + slot,
        }
        for slot, name in enumerate(names)
    ]


def _statistics(world: World, worker: str) -> Json:
    place = quantities.CLOUD_WORKERS.index(worker)
    pids = [_FIRST_PID + 10 * place + slot for slot in range(_CONCURRENCY)]
    runs = world.tasks.runs[worker]
    return {
        "total": dict(runs),
        "pid": pids[0] - 1,
        "clock": str(runs.total() + int(world.uptime_s)),
        "uptime": int(world.uptime_s),
        "pool": {
            "implementation": "celery.concurrency.prefork:TaskPool",
            "max-concurrency": _CONCURRENCY,
            "processes": pids,
            "max-tasks-per-child": None,
            "put-guarded-by-semaphore": True,
            "timeouts": [],
        },
        "broker": {
            "hostname": "redis.internal.example",
            "userid": None,
            "virtual_host": "0",
            "port": 6379,
            "insist": False,
            "ssl": False,
            "transport": "redis",
            "connect_timeout": 4,
            "transport_options": {},
            "login_method": None,
            "uri_prefix": None,
            "heartbeat": 120.0,
            "failover_strategy": "round-robin",
            "alternates": [],
            "credential_provider": None,
        },
        "prefetch_count": 4 * _CONCURRENCY,
        "rusage": {
            "utime": round(0.02 * runs.total(), 3),
            "stime": round(0.003 * runs.total(), 3),
            "maxrss": 310_400,
            **dict.fromkeys(
                ("ixrss", "idrss", "isrss", "majflt", "nswap", "inblock", "oublock"), 0
            ),
            **dict.fromkeys(("msgsnd", "msgrcv", "nsignals"), 0),
            "minflt": 24_947,
            "nvcsw": runs.total(),
            "nivcsw": 395,
        },
    }
