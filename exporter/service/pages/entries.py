"""A row of the audit as people read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from exporter.actions import BY_SLUG
from exporter.actions.model import State
from exporter.actions.words import plain
from exporter.catalogue import actions
from exporter.service.pages import marks
from exporter.service.pages.moments import moment, took

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.service.pages.marks import Mark
    from exporter.service.pages.moments import Moment
    from exporter.service.visits import Visit
    from exporter.store.audit import Record

_TITLES: Final = {route.slug: route.title for route in actions.ROUTES}
_FIELDS: Final = {field.name: field.title for action in BY_SLUG.values() for field in action.fields}
_VIA: Final = {"page": "on a page", "api": "by the API", "system": "by the service itself"}
# The state at the time of the click, and what others have to say: apart from the rest.
_BEFORE: Final = "before"
_TEXT_MAX: Final = 500
_DEPTH_MAX: Final = 3
# What to do when nobody knows, by the slug of the action.
_ADVICE: Final = {
    actions.INGEST.slug: "Look for the repository in the list of jobs before you ingest it again.",
    actions.RETRY_JOB.slug: "Look for the repository in the list of jobs before you try again.",
    actions.CANCEL_JOB.slug: "Look at the state of the job before you try again.",
    actions.CLEAR_CACHE.slug: "Look whether hit ratio or size have fallen. Clearing the cache once"
    " more does no other harm than the first time.",
    actions.GENERATE_SPARSE_EMBEDDINGS.slug: "The backend may still be at it, and a second run"
    " would compete with it: look at its load or its log first.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    A row.

    Attributes:
        parameters: What was asked for, by names in plain words; so are the following.
        details: What came of it.
        before: The state when the button was pressed.
        advice: What to do now; empty most times.
        again: Where the same can be asked for again; empty where it cannot.
        joined: The run that this click has joined.
    """

    id: int
    title: str
    mark: Mark
    who: str
    via: str
    at: Moment
    took: str
    target: str
    message: str
    parameters: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    before: tuple[tuple[str, str], ...]
    advice: str
    again: str
    joined: int | None


def title_of(slug: str) -> str:
    """Return what an action is called."""
    return _TITLES.get(slug) or slug.replace("-", " ").capitalize()


def entry(visit: Visit, record: Record) -> Entry:
    """Return a row as a page shows it."""
    now = visit.runtime.wall()
    details = dict(record.details)
    before = details.pop(_BEFORE, {})
    joined = details.pop("joined", None)
    action = BY_SLUG.get(record.action)
    seconds = None if record.closed_at is None else record.closed_at - record.at
    return Entry(
        id=record.id,
        title=title_of(record.action),
        mark=marks.outcome(record.state),
        who=record.who,
        via=_VIA.get(record.via, record.via),
        at=moment(record.at, now),
        took=took(seconds),
        target=record.target,
        message=record.message,
        parameters=tuple(_flat(record.parameters)),
        details=tuple(_flat(details)),
        before=tuple(_flat(before)) if isinstance(before, Mapping) else (),
        advice=_ADVICE.get(record.action, "") if record.state == State.UNKNOWN else "",
        again=_again(visit, record) if action else "",
        joined=joined if isinstance(joined, int) else None,
    )


def _again(visit: Visit, record: Record) -> str:
    texts = {name: text for name, text in record.parameters.items() if isinstance(text, str)}
    return visit.url(BY_SLUG[record.action].route.path, **texts)


def _flat(values: Mapping[str, Any], depth: int = _DEPTH_MAX) -> Iterator[tuple[str, str]]:
    """Yield names and texts, those of a mapping within a mapping too."""
    for name, value in values.items():
        if isinstance(value, Mapping) and depth:
            yield from _flat(value, depth - 1)
        else:
            title = _FIELDS.get(name) or name.replace("_", " ")
            yield f"{title[:1].upper()}{title[1:]}", plain(value, _TEXT_MAX)
