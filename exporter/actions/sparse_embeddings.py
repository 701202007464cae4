"""Generate sparse embeddings: a call that is answered when all is done, perhaps hours later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from exporter.actions import facts
from exporter.actions.model import Confirmation, Field, Outcome, Site, State
from exporter.actions.words import FAILURES, NOT_OFFERED, outcome, plain, said
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.actions.upstream import Reply
    from exporter.settings import ActionsSettings

TIMEOUT_S: Final = 2 * 3600.0
# An estimate beyond a day is none.
_MINUTES_MAX: Final = 24 * 60
# The name of a detail of the outcome, in minutes: an estimate for the next run.
ESTIMATED_MINUTES: Final = "estimated duration, minutes"
# As designed, and as deployed: what has no such path has done nothing, so that asking at the other
# is no repetition.
_PATHS: Final = (
    "/admin/sparse-embeddings/generate",
    "/api/search/admin/sparse-embeddings/generate",
)
_BODY: Final = {"batch_size": 32}
_DONE: Final = frozenset(("completed", "complete", "done", "ok", "success"))


class SparseEmbeddings:
    """Computes the sparse embeddings of all resources anew."""

    route = actions.GENERATE_SPARSE_EMBEDDINGS
    button = "Generate"
    background = True
    fields: tuple[Field, ...] = ()

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return nothing: all resources are meant."""
        del raw, settings
        return {}

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say what is computed."""
        del parameters
        return Confirmation(
            will="The backend will compute the sparse embeddings of all resources. It goes on in"
            " the background; this can take hours, and the backend may be slower meanwhile.",
            undo="It cannot be stopped from here. New embeddings take the place of the old ones.",
            target="all",
            facts=facts.queue(site.readings),
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Have them computed; returns when they are, or after 2 h."""
        del parameters
        return await outcome(_generate(site), _finished, failures=frozenset())


async def _generate(site: Site) -> Reply:
    designed, deployed = _PATHS
    reply = await site.upstream.post(designed, _BODY, timeout_s=TIMEOUT_S)
    if reply.status not in NOT_OFFERED:
        return reply
    return await site.upstream.post(deployed, _BODY, timeout_s=TIMEOUT_S)


def _finished(body: dict[str, Any]) -> Outcome:
    details: dict[str, Any] = {}
    resources = _number(body.get("resources_to_process"))
    minutes = _number(body.get("estimated_duration_minutes"))
    if resources is not None:
        details["resources"] = resources
    if minutes is not None and 0 < minutes <= _MINUTES_MAX:
        details[ESTIMATED_MINUTES] = minutes
    status = plain(body.get("status", ""), 40)
    if status.lower() in FAILURES:
        # Also with HTTP 200; an estimate is of use all the same.
        message = f"The API says that it failed: {said(body) or status}"
        return Outcome(state=State.FAILED, message=message, details=details)
    if status.lower() not in _DONE:
        message = (
            f"Unknown outcome: the API answered “{status}”, which does not say that it is done."
        )
        return Outcome(state=State.UNKNOWN, message=message, details=details)
    many = f" for {resources:,} resources" if "resources" in details else ""
    message = f"Sparse embeddings were generated{many}."
    return Outcome(state=State.DONE, message=message, details=details)


def _number(value: object) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if math.isfinite(value) else None
