"""The last events of the product's bus: which, and when; their data is its users'."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue.actions import EVENTS
from exporter.service.histories import SHOWN_MAX, events
from exporter.service.pages.backends import chosen
from exporter.service.pages.moments import moment_or_none
from exporter.service.pages.ways import grafana
from exporter.service.visits import Page

if TYPE_CHECKING:
    from starlette.responses import Response

    from exporter.service.pages.moments import Moment
    from exporter.service.visits import Visit

_QUERY_MAX: Final = 128
# More types than anybody would choose from; the text filter finds the others.
_TYPES_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An event on the timeline."""

    name: str
    at: Moment | None
    priority: str


async def _look(visit: Visit) -> Response:
    site, problem = await chosen(visit)
    history = await events(site.upstream)
    query = visit.given.get("q", "").strip()[:_QUERY_MAX]
    type_ = visit.given.get("type", "")[:_QUERY_MAX]
    counts = Counter(event.name for event in history.rows)
    now = visit.runtime.wall()
    rows = [
        Row(name=event.name, at=moment_or_none(event.at, now), priority=event.priority)
        for event in history.rows
        if query.lower() in event.name.lower() and type_ in {"", event.name}
    ]
    types = dict(counts.most_common(_TYPES_MAX)) | ({type_: counts[type_]} if type_ else {})
    return await visit.page(
        "events.html",
        400 if problem else 200,
        site=site,
        backends=visit.runtime.performer.sites.backends,
        rows=rows,
        total=len(history.rows),
        types=sorted(types.items()),
        type=type_,
        q=query,
        limit=SHOWN_MAX,
        problem=problem,
        silence=history.problem,
        ways=[grafana(visit, dashboards.EVENTS, site.backend)],
    )


PAGES: Final = (Page(path=EVENTS.path, look=_look, nav="Events"),)
