"""What fires now, as the live page and its stream show it: the gravest first, then the newest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from exporter.catalogue.actions import ACKNOWLEDGE, DISMISS, ROUTES
from exporter.catalogue.rules.monitoring import WATCHDOG
from exporter.service import silences
from exporter.service.pages import marks
from exporter.service.pages.history_pages import Row, row
from exporter.service.pages.moments import moment
from exporter.store import acknowledgements, episodes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from exporter.service.pages.marks import Mark
    from exporter.service.visits import Visit
    from exporter.store.acknowledgements import Acknowledgement
    from exporter.store.episodes import Episode

WITHDRAW: Final = "/alerts/withdraw"
# More than anybody reads; a storm must not become a page of megabytes.
SHOWN_MAX: Final = 200
_ACTION: Final = "/actions/"
_TITLES: Final = {route.path: route.title for route in ROUTES}
_SAID: Final = {
    acknowledgements.ACKNOWLEDGE: "Acknowledged",
    acknowledgements.DISMISS: "Dismissed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Firing:
    """
    An alert that fires.

    Attributes:
        key: Of this episode, for the script.
        row: As the history shows it.
        value: With its unit; empty where the alert judges a state.
        actions: What may help: text and address, pages of ours.
        said: Who has hidden it, how and until when; empty when nobody has.
        withdraw: Where that is ended.
    """

    key: str
    row: Row
    value: str
    threshold: str
    acknowledge: str
    dismiss: str
    actions: tuple[tuple[str, str], ...]
    said: str
    comment: str
    withdraw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """
    What fires.

    Attributes:
        told: What nobody has acknowledged.
        hidden: What somebody has.
        more: How many more there are than are shown.
        counts: Mark and number of each severity, of what nobody has acknowledged.
        chain: Whether OpsWatchdog has been heard of: that nothing fires means something then.
        state: Changes when something begins, ends, or is acknowledged.
    """

    told: tuple[Firing, ...]
    hidden: tuple[Firing, ...]
    more: int
    counts: tuple[tuple[Mark, int], ...]
    chain: bool
    state: tuple[Any, ...]


def read(connection: Connection) -> tuple[list[Episode], list[Acknowledgement]]:
    """Return what fires and what is acknowledged."""
    return episodes.firing(connection), acknowledgements.active(connection)


def panel(visit: Visit, found: Sequence[Episode], active: Sequence[Acknowledgement]) -> Panel:
    """Put what was read together."""
    chain = any(one.name == WATCHDOG.name for one in found)
    alerts = [one for one in found if one.name != WATCHDOG.name]
    alerts.sort(key=lambda one: (-silences.rank(one.severity), -one.starts_at))
    pairs = [(one, _hiding(one, active)) for one in alerts]
    told = [one for one, by in pairs if by is None]
    severities = sorted({one.severity for one in told}, key=silences.rank, reverse=True)
    return Panel(
        told=tuple(_firing(visit, one, None) for one in told[:SHOWN_MAX]),
        hidden=tuple(_firing(visit, one, by) for one, by in pairs if by is not None)[:SHOWN_MAX],
        more=max(0, len(told) - SHOWN_MAX),
        counts=tuple(
            (marks.severity(word), sum(one.severity == word for one in told)) for word in severities
        ),
        chain=chain,
        state=(chain, *((one.id, by.id if by else 0) for one, by in pairs)),
    )


def _hiding(one: Episode, active: Sequence[Acknowledgement]) -> Acknowledgement | None:
    return next((by for by in active if silences.hides(by.labels, by.severity, one.labels)), None)


def _firing(visit: Visit, one: Episode, by: Acknowledgement | None) -> Firing:
    now = visit.runtime.wall()
    texts = one.annotations
    said = ""
    if by is not None:
        until = moment(by.expires_at, now)
        said = f"{_SAID[by.kind]} by {by.who}, {until.text} at the latest"
    return Firing(
        key=f"{one.id}",
        row=row(one, now),
        value=str(texts.get("value", "")),
        threshold=str(texts.get("threshold", "")),
        acknowledge=visit.url(ACKNOWLEDGE.path, fingerprint=one.fingerprint),
        dismiss=visit.url(DISMISS.path, fingerprint=one.fingerprint),
        actions=tuple(_actions(visit, one)),
        said=said,
        comment="" if by is None else by.comment,
        withdraw="" if by is None else visit.url(WITHDRAW, number=str(by.id)),
    )


def _actions(visit: Visit, one: Episode) -> Iterator[tuple[str, str]]:
    """Yield the pages of ours that the alert's rule names."""
    base = visit.runtime.settings.actions.url
    for name, text in sorted(one.annotations.items()):
        if not name.endswith("_url") or not str(text).startswith(f"{base}{_ACTION}"):
            continue
        parts = urlsplit(str(text)[len(base) :])
        if parts.path in _TITLES:
            query = f"?{parts.query}" if parts.query else ""
            yield _TITLES[parts.path], f"{visit.url(parts.path)}{query}"
