"""
The simulated product: all its state, moved on from one moment to the next.

The world has no clock. Whoever asks it something first tells it the time, so that a test or a
simulation of four weeks can be faster than time.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.bus import EventBus
from exporter.simulator.cache import Cache
from exporter.simulator.database import Database
from exporter.simulator.faults import Faults
from exporter.simulator.jobs import Jobs
from exporter.simulator.methods import Methods
from exporter.simulator.processes import DAY_S, Process, Window, poisson, rhythm
from exporter.simulator.tasks import TaskQueue
from exporter.simulator.traffic import Traffic

if TYPE_CHECKING:
    from exporter.simulator.faults import Fault
    from exporter.simulator.jobs import Job

# (gap up to seconds, step in seconds): someone who looks often sees every second move; a long
# absence is made up for in coarser steps, whose noise has the same distribution.
_STEPS: Final = ((10.0, 1.0), (120.0, 10.0), (math.inf, 60.0))

_ERRORS_PER_DAY: Final = 2.0  # of each module
_INFERENCES_PER_S: Final = {"embedding": 1.2, "summarizer": 0.15, "classifier": 0.7}
_HEARTBEAT_S: Final = {"cloud-1": 10.0, "cloud-2": 10.0, quantities.EDGE_WORKER: 15.0}


class World:
    """
    The state of the product at :attr:`now`.

    Args:
        seed: Same seed and same moments asked for: same world.
        start: Unix time at which the world is first looked at.
        warm_up_s: How long it has been running by then.

    Attributes:
        faults: What is broken, or will be.
        numbers: Quantity -> value, faults included.
        states: State -> value, faults included.
        unindexed: Resources that have no sparse embeddings yet.
    """

    def __init__(self, seed: int, start: float, *, warm_up_s: float = DAY_S) -> None:
        self.now = start - warm_up_s
        self._stepped = self.now
        self._rng = rng = random.Random(seed)  # noqa: S311  # noise, not secrets
        self._processes = [Process(quantity, rng) for quantity in quantities.QUANTITIES]
        self._drawn: dict[str, float] = {}
        self._broken: tuple[Fault, ...] = ()
        self.faults = Faults()
        self.numbers: dict[str, float] = {}
        self.states: dict[str, str] = {}
        self.traffic = Traffic(rng, self.now)
        self.methods = Methods(rng)
        self.bus = EventBus(rng)
        self.cache = Cache(rng)
        self.tasks = TaskQueue(rng)
        self.jobs = Jobs(rng, self.now)
        self.database = Database()
        self.last_inference = dict.fromkeys(quantities.MODELS, self.now)
        self.unindexed = 0
        self._errors = {module: Window() for module in quantities.MODULES}
        self._step(self.now, 1.0)
        self.advance_to(start)

    @property
    def uptime_s(self) -> float:
        """Seconds since the backend started."""
        return self.now - self.traffic.started_at

    def advance_to(self, at: float) -> None:
        """Move on to unix time *at*; a clock that went back moves nothing."""
        gap = at - self._stepped
        step_s = next(step for limit, step in _STEPS if gap <= limit)
        while self._stepped + step_s <= at:
            self._stepped += step_s
            self._step(self._stepped, step_s)
        self.now = max(self.now, at)
        if self._look_at_faults(self.now):
            self._resolve()

    def refresh(self) -> None:
        """Work the values of the moment out anew, after something was changed from outside."""
        self._look_at_faults(self.now)
        self._resolve()

    def heartbeat(self, worker: str) -> float:
        """Return the unix time at which *worker* was last heard of."""
        for fault in self._broken:
            if fault.kind.name == "worker_lost" and fault.text("worker") == worker:
                return fault.since - fault.number("silent")
        period = _HEARTBEAT_S[worker]
        return self.now // period * period

    def online(self, worker: str) -> bool:
        """Tell whether *worker* works."""
        return self.states[f"workers.{worker}.status"] != "offline"

    @property
    def connections(self) -> tuple[int, int]:
        """The database's connections in use, and those that are open but idle."""
        active = round(self.numbers["pool_active"])
        # The pool keeps what it once opened, up to its size; the overflow is closed again.
        spare = 1 if active < quantities.POOL_MAX else 0
        return active, max(quantities.POOL_SIZE - 2 - active, spare)

    def index_all(self) -> int:
        """Give all resources their sparse embeddings and return how many had none."""
        count, self.unindexed = self.unindexed, 0
        return count

    def _step(self, at: float, step_s: float) -> None:
        self.now = max(self.now, at)
        rng, busy = self._rng, rhythm(at)
        self._drawn = {
            process.quantity.name: process.draw(rng, busy, step_s) for process in self._processes
        }
        self._look_at_faults(at)
        self._resolve()
        numbers, rate = self.numbers, self.numbers["request_rate"]
        users = poisson(rng, rate * step_s)
        self.traffic.step(users, numbers["p50"], numbers["p95"], numbers["error_rate"])
        self.methods.step(users, numbers)
        self.cache.step(step_s, rate, numbers["cache_hit_rate"])
        online = [worker for worker in quantities.CLOUD_WORKERS if self.online(worker)]
        self.tasks.step(at, step_s, self._drawn["processing_rate"], online)
        for fault in self._broken:
            if fault.kind.name == "backlog":
                self.tasks.pile_up(step_s, fault.number("rate"), fault.number("limit"))
        relative = rate / quantities.REQUEST_RATE
        new = self.bus.step(at, step_s, relative)
        self.database.grow(new)
        self.unindexed += new["resource.created"]
        for job in self.jobs.step(
            at, step_s, max(relative, 0.1), worker_online=self.online(quantities.EDGE_WORKER)
        ):
            self._announce(job)
        for model, inferences in _INFERENCES_PER_S.items():
            if self.numbers[f"models.{model}.loaded"] and poisson(rng, inferences * step_s):
                self.last_inference[model] = at
        for window in self._errors.values():
            window.add(at, poisson(rng, _ERRORS_PER_DAY * step_s / DAY_S))

    def _announce(self, job: Job) -> None:
        name = {"processing": "started", "skipped": "completed"}.get(job.status, job.status)
        self.bus.emit(f"ingestion.{name}", job.changed_at, {"repo_url": job.repository})

    def _look_at_faults(self, at: float) -> bool:
        """Notice which faults are switched on; tell whether that changed."""
        before = self._broken
        for fault in self.faults:
            if fault.kind.name == "restart" and fault.since <= at and not fault.memory:
                fault.memory["done"] = True
                self._restart(fault.since)
        self.faults.forget(at)
        self._broken = tuple(fault for fault in self.faults if fault.active(at))
        return self._broken != before

    def _restart(self, at: float) -> None:
        self.traffic.restart(at)
        for part in (self.methods, self.bus, self.cache, self.tasks):
            part.restart()

    def _resolve(self) -> None:
        """Work out what the quantities are, from what was drawn and what is broken."""
        distortions: dict[str, list[Fault]] = {}
        for fault in self._broken:
            if fault.path:
                distortions.setdefault(fault.path, []).append(fault)
        self.states = self._healthy_states(distortions)
        natural = self._natural()
        numbers = self.numbers = {}
        for quantity in quantities.QUANTITIES:
            value = natural[quantity.name]
            if quantity.times:
                value *= numbers[quantity.times]
            for fault in distortions.get(quantity.name, ()):
                value = fault.distort(value)
            numbers[quantity.name] = min(value, quantity.cap)
        for name in quantities.DERIVED:
            numbers[name] = natural[name]
            for fault in distortions.get(name, ()):
                numbers[name] = fault.distort(numbers[name])

    def _natural(self) -> dict[str, float]:
        """Return all numbers as they would be without the faults that distort one of them."""
        natural = dict(self._drawn)
        online = sum(self.online(worker) for worker in quantities.CLOUD_WORKERS)
        if self.states["components.redis.status"] == "down":
            natural["cache_hit_rate"] = 0.0
        natural["cache_hit_rate"] *= self.cache.warmth
        natural["cache_size"] *= self.cache.warmth
        natural["queue_length"] += self.tasks.backlog
        natural["processing_rate"] *= online > 0
        natural["active_workers"] = sum(self.online(worker) for worker in quantities.WORKERS)
        natural["failed_tasks"] = self.tasks.failures.within(self.now, DAY_S)
        for module, window in self._errors.items():
            natural[f"modules.{module}.error_count"] = window.within(self.now, DAY_S)
        unloaded = {
            fault.text("model") for fault in self._broken if fault.kind.name == "model_unloaded"
        }
        for model in quantities.MODELS:
            natural[f"models.{model}.loaded"] = float(model not in unloaded)
        return natural

    def _healthy_states(self, distortions: dict[str, list[Fault]]) -> dict[str, str]:
        """Return all states; those that follow from others come last."""
        forced = {
            path: faults[-1].text("value")
            for path, faults in distortions.items()
            if path in quantities.STATES
        }
        states = {name: values[0] for name, values in quantities.STATES.items()}
        for fault in self._broken:
            if fault.kind.name == "worker_lost":
                states[f"workers.{fault.text('worker')}.status"] = "offline"
        states |= forced
        cloud = [states[f"workers.{worker}.status"] for worker in quantities.CLOUD_WORKERS]
        workers = [states[f"workers.{worker}.status"] for worker in quantities.WORKERS]
        if all(status == "offline" for status in cloud):
            states["worker_health"] = "down"
        elif any(status != "online" for status in workers):
            states["worker_health"] = "degraded"
        states |= forced
        if states["components.database.status"] == "down":
            states["system_status"] = "down"
        elif any(
            status != "healthy"
            for name, status in states.items()
            if not name.startswith("workers.")
        ):
            states["system_status"] = "degraded"
        return states | forced
