"""The actions of the API: they really change the simulated world."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.simulator import quantities
from exporter.simulator.answer import Answer, Json, Rejected, utc
from exporter.simulator.endpoints import Dialect
from exporter.simulator.ingestion import REDIS_REFUSED, redis_down
from exporter.simulator.jobs import ENDED
from exporter.simulator.processes import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

    from exporter.simulator.world import World

# The deployed backend takes almost anything for a repository; the design wants host/owner/name.
_REPOSITORY: Final = {
    Dialect.DEPLOYED: re.compile(r"[A-Za-z0-9._~:/-]+"),
    Dialect.DESIGNED: re.compile(r"(https?://)?[A-Za-z0-9.-]+\.[a-z]+(/[A-Za-z0-9._~-]+){2,}/?"),
}
_QUEUE_MAX: Final = {Dialect.DEPLOYED: 10, Dialect.DESIGNED: 100}
_RESOURCES_PER_MINUTE: Final = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Actions:
    """
    What the admin token may do.

    Attributes:
        generate_s: How long the generation of sparse embeddings blocks its caller.
    """

    world: World
    dialect: Dialect
    rng: Random
    generate_s: float

    async def run(self, name: str, arguments: Mapping[str, str], body: object) -> Answer:
        """
        Do the action *name*.

        Args:
            arguments: Parameters of the path.
            body: The decoded JSON body, None without one.

        Raises:
            Rejected: When it cannot be done; it holds the answer.
        """
        match name:
            case "ingest":
                return self._ingest(arguments["repo_url"])
            case "cancel_job":
                return self._cancel(arguments["job_id"])
            case "clear_cache":
                return self._clear_cache()
            case _:
                return await self._generate(body)

    def _ingest(self, repository: str) -> Answer:
        jobs, limit = self.world.jobs, _QUEUE_MAX[self.dialect]
        if ".." in repository or not _REPOSITORY[self.dialect].fullmatch(repository):
            raise Rejected(400, "Invalid repository URL format")
        if redis_down(self.world):
            raise Rejected(503, f"Queue unavailable: {REDIS_REFUSED}")
        if not self.world.online(quantities.EDGE_WORKER):
            detail: Json = {
                "error": "System Degraded: Edge Worker Offline",
                "message": "The edge worker has not reported for a while; try again later.",
                "last_seen_unix": self.world.heartbeat(quantities.EDGE_WORKER),
            }
            raise Rejected(503, detail, {"X-Pharos-Edge-Status": "offline"})
        if jobs.pending >= limit:
            raise Rejected(429, f"Queue is full ({jobs.pending}/{limit}). Please try again later.")
        job = jobs.add(repository, self.world.now)
        position = jobs.pending
        return Answer(
            {
                "status": "dispatched",
                # The deployed job_id is a number that occurs nowhere else.
                "job_id": job.number if self.dialect is Dialect.DEPLOYED else job.id,
                "queue_position": position,
                "target": "Edge-Worker",
                "queue_size": position,
                "max_queue_size": limit,
                "message": f"Task queued successfully. Position: {position}/{limit}",
            }
        )

    def _cancel(self, job_id: str) -> Answer:
        job = self.world.jobs.by_id.get(job_id)
        if job is None:
            raise Rejected(404, "Job not found")
        if job.status in ENDED:
            raise Rejected(409, f"Job has already ended: {job.status}")
        self.world.jobs.cancel(job, self.world.now)
        return Answer({"id": job.id, "status": job.status, "error_message": job.error})

    def _clear_cache(self) -> Answer:
        cache = self.world.cache
        freed_mb = round(self.world.numbers["cache_size"], 3)
        cache.clear()
        self.world.refresh()
        self.world.bus.emit("cache.invalidated", self.world.now, {"reason": "cleared by hand"})
        return Answer(
            {
                "status": "ok",
                "timestamp": utc(self.world.now),
                "cleared_keys": len(cache.keys),
                "freed_mb": freed_mb,
            }
        )

    async def _generate(self, body: object) -> Answer:
        if not isinstance(body, dict):
            missing = {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}
            raise Rejected(422, [missing])
        await asyncio.sleep(self.generate_s)
        # No resource of a user is known by its id here: asked for some, there are none to process.
        count = 0 if body.get("resource_ids") else self.world.index_all()
        return Answer(
            {
                "status": "completed",
                "job_id": identifier(self.rng),
                "estimated_duration_minutes": max(1, round(count / _RESOURCES_PER_MINUTE)),
                "resources_to_process": count,
            }
        )
