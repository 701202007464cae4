"""The history of alerts: filter, search, portions, and all of it as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from exporter.catalogue import dashboards
from exporter.catalogue.actions import ALERTS, HISTORY, PREFERENCES
from exporter.service.pages import marks
from exporter.service.pages.moments import moment, moment_or_none, took
from exporter.service.pages.ways import grafana, page
from exporter.service.visits import Page
from exporter.store import episodes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from sqlalchemy import Connection
    from starlette.responses import Response

    from exporter.service.pages.marks import Mark
    from exporter.service.pages.moments import Moment
    from exporter.service.visits import Visit
    from exporter.store.episodes import Episode

_SHOWN: Final = 50
# Rows that are read at a time for a file.
_PORTION: Final = 500
_QUERY_MAX: Final = 200
_NUMBER_MAX: Final = 2**31 - 1
_CSV: Final = "csv"
COLUMNS: Final = (
    *("started", "ended", "ended_by", "severity", "alert", "backend", "labels"),
    *("summary", "description", "fingerprint"),
)
# With one of these in front, a spreadsheet takes a text for a formula and runs it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_LINKS: Final = {"runbook_url": "Runbook", "dashboard_url": "Dashboard"}
_ENDED: Final = {
    "resolved": "",
    "reconciled": "as Alertmanager has it no longer; it did not say when",
    "superseded": "as it fired anew",
}
# They stand in columns of their own.
_TOLD: Final = frozenset(("alertname", "severity", "backend"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    An alert from its start to its end.

    Attributes:
        source: What it is about: labels by name.
        lasted: How long it has fired; so far, while it does.
        note: How it ended, where that is not plain.
        links: Text and address; of others, but never anything but http and https.
    """

    mark: Mark
    name: str
    summary: str
    source: tuple[tuple[str, str], ...]
    backend: str
    started: Moment
    ended: Moment | None
    lasted: str
    note: str
    links: tuple[tuple[str, str], ...]


def row(episode: Episode, now: float) -> Row:
    """Return an episode as people read it."""
    until = now if episode.ends_at is None else episode.ends_at
    texts = episode.annotations
    return Row(
        mark=marks.severity(episode.severity),
        name=episode.name,
        summary=str(texts.get("summary", "")),
        source=tuple(sorted((n, v) for n, v in episode.labels.items() if n not in _TOLD)),
        backend=episode.backend,
        started=moment(episode.starts_at, now),
        ended=moment_or_none(episode.ends_at, now),
        lasted=took(until - episode.starts_at),
        note=_ENDED.get(episode.ended_by or "resolved", ""),
        links=tuple(links(texts)),
    )


def links(annotations: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return where an alert leads, by the texts of its links."""
    found = [(text, str(annotations.get(name, ""))) for name, text in _LINKS.items()]
    return [(text, url) for text, url in found if url.startswith(("https://", "http://"))]


async def _look(visit: Visit) -> Response:
    severity = visit.given.get("severity", "").strip()[:32]
    q = visit.given.get("q", "").strip()[:_QUERY_MAX]
    form = visit.given.get("format", "")
    if form == _CSV:
        return _file(visit, severity, q)
    if form:
        message = "format: there is csv, and without a format this page."
        raise HTTPException(400, message)
    before = _number(visit.given.get("before", ""))

    def read(connection: Connection) -> tuple[list[Episode], int]:
        last = None if before is None else episodes.find(connection, before)
        found = episodes.search(
            connection,
            severity=severity,
            q=q,
            before=last.position if last else None,
            limit=_SHOWN + 1,
        )
        return found, episodes.count(connection, severity=severity, q=q)

    found, total = await visit.runtime.database.read(read)
    shown, now = found[:_SHOWN], visit.runtime.wall()
    filtered = {name: text for name, text in (("severity", severity), ("q", q)) if text}
    more = len(found) > _SHOWN
    return await visit.page(
        "history.html",
        rows=[row(episode, now) for episode in shown],
        total=total,
        severity=severity,
        severities=_choices(severity),
        q=q,
        csv=visit.url(HISTORY.path, **filtered, format=_CSV),
        older=visit.url(HISTORY.path, **filtered, before=str(shown[-1].id)) if more else "",
        newest=visit.url(HISTORY.path, **filtered) if before is not None else "",
        ways=[
            page(visit, ALERTS),
            page(visit, PREFERENCES),
            grafana(visit, dashboards.ALERTS),
        ],
    )


def _choices(severity: str) -> list[str]:
    known = list(reversed(marks.SEVERITIES))
    return known if severity in {"", *known} else [*known, severity]


def _number(text: str) -> int | None:
    """Return the number that a link names; None if it names none."""
    return min(int(text[:20]), _NUMBER_MAX) if text.isascii() and text.isdecimal() else None


def _file(visit: Visit, severity: str, q: str) -> Response:
    at = datetime.fromtimestamp(visit.runtime.wall(), UTC)
    name = f"alert-history-{at:%Y-%m-%d}.csv"
    return StreamingResponse(
        _lines(visit, severity, q),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def _lines(visit: Visit, severity: str, q: str) -> AsyncIterator[str]:
    """Yield the whole history that matches, portion by portion."""
    yield _written([COLUMNS])
    before: tuple[float, int] | None = None
    while True:
        found = await visit.runtime.database.read(
            lambda connection, behind: episodes.search(
                connection, severity=severity, q=q, before=behind, limit=_PORTION
            ),
            before,
        )
        if not found:
            return
        yield _written([_cells(episode) for episode in found])
        before = found[-1].position


def _cells(episode: Episode) -> tuple[str, ...]:
    labels = {name: text for name, text in episode.labels.items() if name not in _TOLD}
    texts = episode.annotations
    return (
        _iso(episode.starts_at),
        "" if episode.ends_at is None else _iso(episode.ends_at),
        episode.ended_by or "",
        episode.severity,
        episode.name,
        episode.backend,
        "; ".join(f"{name}={text}" for name, text in sorted(labels.items())),
        str(texts.get("summary", "")),
        str(texts.get("description", "")),
        episode.fingerprint,
    )


def _iso(unix: float) -> str:
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _written(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows(tuple(harmless(cell) for cell in cells) for cells in rows)
    return text.getvalue()


def harmless(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


PAGES: Final = (Page(path=HISTORY.path, look=_look, nav="History"),)
