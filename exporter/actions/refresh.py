"""Refresh: the exporter asks the backend now instead of at its next turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import Confirmation, Field, Outcome, Site, State
from exporter.actions.repository import segment
from exporter.actions.words import outcome, plain
from exporter.catalogue import actions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.settings import ActionsSettings

_SHOWN: Final = 20
# The exporter answers when the backend has, or its own deadline has passed.
_ANSWERS_S: Final = 10.0


class Refresh:
    """Lets the exporter ask early; the backend itself is not changed."""

    route = actions.REFRESH
    button = "Refresh now"
    background = False
    fields: tuple[Field, ...] = ()

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return nothing: everything is asked."""
        del raw, settings
        return {}

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say what is asked."""
        del parameters
        return Confirmation(
            will="The exporter will ask the backend at once: what answers quickly now, what takes"
            " longer at most once a minute. Dashboards show it after the next scrape.",
            undo="Nothing is changed, so there is nothing to undo.",
            target="exporter",
            facts=[("Exporter", site.readings.problem or "answers")],
        )

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Ask it."""
        del parameters
        call = site.exporter.post(
            f"/-/poll?target={segment(site.backend)}",
            timeout_s=site.exporter.timeout_s + _ANSWERS_S,
        )
        unknown = (
            f"The exporter does not know the backend {site.backend}: do both read the same"
            " configuration?"
        )
        closed = "The exporter wants a user and a password, which this service does not have."
        refused = "The exporter, or a proxy before it, does not let this service in (HTTP 403)."
        instead = {401: closed, 403: refused, 404: unknown}
        return await outcome(call, _asked, what="The exporter", instead=instead)


def _asked(body: dict[str, Any]) -> Outcome:
    titles = (("asked", "asked"), ("joined", "was being asked"), ("too_soon", "too soon"))
    told = {title: _names(body.get(name)) for name, title in titles}
    message = f"Asked: {told['asked'] or 'nothing new'}."
    if told["too soon"]:
        message += f" Asked less than a minute ago, and heavy: {told['too soon']}."
    details = {title: names for title, names in told.items() if names}
    return Outcome(state=State.DONE, message=message, details=details)


def _names(value: object) -> str:
    names = value if isinstance(value, list) else []
    return ", ".join(plain(name, 40) for name in names[:_SHOWN])
