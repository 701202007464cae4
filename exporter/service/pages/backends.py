"""Which backend a page is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.actions.model import InputError

if TYPE_CHECKING:
    from exporter.actions.model import Site
    from exporter.service.visits import Visit


async def chosen(visit: Visit) -> tuple[Site, str]:
    """Return the backend that the query names; the first, and why, if it names none of ours."""
    sites = visit.runtime.performer.sites
    try:
        return await sites.site(visit.given.get("backend", "")), ""
    except InputError as error:
        return await sites.site(""), f"{error} This is {sites.backends[0]}."
