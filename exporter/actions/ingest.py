"""Ingest a repository: ``POST /api/v1/ingestion/ingest/{repository}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.actions import facts
from exporter.actions.model import Confirmation, Field, Outcome, Site, State
from exporter.actions.repository import LENGTH_MAX, canonical, segment
from exporter.actions.words import outcome, plain
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.settings import ActionsSettings

_PATH: Final = "/api/v1/ingestion/ingest/"


class Ingest:
    """Puts a repository into the queue of the edge worker."""

    route = actions.INGEST
    button = "Ingest"
    background = False
    fields: tuple[Field, ...] = (
        Field(
            name="repo_url",
            title="Repository",
            hint="Its address with https://, or host/owner/name.",
            placeholder="https://github.com/owner/name",
            limit=LENGTH_MAX,
        ),
    )

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return the repository as host/path; InputError if it may not be ingested."""
        return {"repo_url": canonical(raw.get("repo_url", ""), settings.ingest.hosts)}

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say which repository joins which queue."""
        repository = parameters["repo_url"]
        return Confirmation(
            will=f"{repository} will join the queue; the edge worker then fetches and indexes it.",
            undo="It can be cancelled while it waits, where the backend offers that; what has been"
            " indexed stays.",
            target=repository,
            facts=facts.queue(site.readings),
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Queue it."""
        return await queue(site, parameters["repo_url"])


async def queue(site: Site, repository: str) -> Outcome:
    """Put *repository* (host/path) into the queue of the edge worker."""

    def done(body: dict[str, Any]) -> Outcome:
        names = ("job_id", "queue_position", "queue_size", "max_queue_size")
        told = {name.replace("_", " "): plain(body[name], 128) for name in names if body.get(name)}
        place = told.get("queue position")
        where = f" at position {place}" if place else ""
        return Outcome(
            state=State.DONE, message=f"{repository} is in the queue{where}.", details=told
        )

    return await outcome(site.upstream.post(f"{_PATH}{segment(repository)}"), done)
