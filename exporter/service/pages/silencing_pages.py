"""Acknowledging, dismissing and withdrawing: what would be hidden is shown before the button."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException

from exporter.actions.model import InputError
from exporter.catalogue.actions import ACKNOWLEDGE, ALERTS, AUDIT, DISMISS, HISTORY
from exporter.service.keeping import COMMENT_MAX
from exporter.service.pages import marks
from exporter.service.pages.firing import WITHDRAW
from exporter.service.pages.moments import moment
from exporter.service.pages.ways import page
from exporter.service.visits import Page
from exporter.store import acknowledgements as store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from exporter.service.entries import Kept
    from exporter.service.looks import LiveAlert
    from exporter.service.pages.marks import Mark
    from exporter.service.previews import Preview
    from exporter.service.visits import Visit
    from exporter.store.acknowledgements import Acknowledgement

# A label may have any name; the form's own fields have no dot in theirs.
_LABEL: Final = "label."
_COMMENT: Final = "comment"
_NUMBER: Final = "number"
_NUMBER_MAX: Final = 2**31 - 1
_KINDS: Final = {ACKNOWLEDGE.path: store.ACKNOWLEDGE, DISMISS.path: store.DISMISS}
_TITLES: Final = {store.ACKNOWLEDGE: "Acknowledge", store.DISMISS: "Dismiss"}
_LISTED_MAX: Final = 50


def _labels(given: Mapping[str, str]) -> dict[str, str]:
    """Return the labels that a form has sent."""
    return {
        name.removeprefix(_LABEL): text for name, text in given.items() if name.startswith(_LABEL)
    }


def _purpose(visit: Visit) -> str:
    """Bind the form to the labels that were looked at."""
    return json.dumps(sorted(_labels(visit.given).items()))


async def _look(visit: Visit) -> Response:
    sent = _labels(visit.given)  # a form that is too old: what it is about is looked at anew
    query = sent or dict(visit.given)
    if not query:
        return await _list(visit)
    kind = _KINDS[visit.place.path]
    try:
        found = await visit.runtime.alerting.acknowledger.preview(kind, query)
    except InputError as error:
        message = f"This link does not name an alert: {error.name}: {error}."
        raise HTTPException(400, message) from None
    return await _confirm(visit, found)


async def _confirm(visit: Visit, found: Preview) -> Response:
    labels = {f"{_LABEL}{name}": value for name, value in found.labels.items()}
    now = visit.runtime.wall()
    hidden = [_alert(alert) for alert in found.alerts]
    return await visit.page(
        "silence.html",
        title=_TITLES[found.kind],
        kind=found.kind,
        name=found.labels.get("alertname", ""),
        about=[(n, v) for n, v in found.labels.items() if n != "alertname" and v],
        hidden=hidden[:_LISTED_MAX],
        more=max(0, len(hidden) - _LISTED_MAX),
        told=[_alert(alert) for alert in found.told][:_LISTED_MAX],
        until=moment(found.until, now) if found.until else None,
        existing=_said(found.existing, now) if found.existing else "",
        refusal=found.refusal,
        matchers=found.matchers,
        labels=labels,
        comment=visit.given.get(_COMMENT, "")[:COMMENT_MAX],
        comment_max=COMMENT_MAX,
        token=replace(visit, given=labels).token(),
        ways=[page(visit, ALERTS), page(visit, HISTORY)],
    )


def _alert(alert: LiveAlert) -> tuple[Mark, str]:
    labels = ", ".join(f"{n}={v}" for n, v in sorted(alert.labels.items()) if n != "severity")
    return marks.severity(alert.severity), labels


def _said(record: Acknowledgement, now: float) -> str:
    said = "Acknowledged" if record.kind == store.ACKNOWLEDGE else "Dismissed"
    return f"{said} by {record.who} {moment(record.at, now).age}"


async def _act(visit: Visit) -> Response:
    acknowledger = visit.runtime.alerting.acknowledger
    acknowledge = _KINDS[visit.place.path] == store.ACKNOWLEDGE
    keep = acknowledger.acknowledge if acknowledge else acknowledger.dismiss
    try:
        kept = await keep(
            _labels(visit.given),
            who=visit.who.name,
            via="page",
            comment=visit.given.get(_COMMENT, ""),
            key=visit.key,
        )
    except InputError as error:
        message = f"Nothing was done: {error.name}: {error}."
        raise HTTPException(400, message) from None
    return _result(visit, kept)


def _result(visit: Visit, kept: Kept) -> Response:
    if kept.audit is None:
        raise HTTPException(404, kept.message)
    return visit.redirect(f"{AUDIT.path}/{kept.audit}")


async def _list(visit: Visit) -> Response:
    """Show what is in force, where no alert is named."""
    now = visit.runtime.wall()
    active = await visit.runtime.alerting.acknowledger.active()
    rows = [
        (
            one,
            _said(one, now),
            moment(one.expires_at, now),
            [(n, v) for n, v in one.labels.items() if n != "alertname" and v],
            visit.url(WITHDRAW, number=str(one.id)),
        )
        for one in active
    ]
    return await visit.page(
        "acknowledgements.html",
        rows=rows,
        ways=[page(visit, ALERTS), page(visit, AUDIT)],
    )


async def _withdrawal(visit: Visit) -> Response:
    record = await _record(visit)
    now = visit.runtime.wall()
    return await visit.page(
        "withdraw.html",
        record=record,
        said=_said(record, now),
        about=[(n, v) for n, v in record.labels.items() if n != "alertname" and v],
        ended=record.ended_by or "",
        token=visit.token(),
        ways=[page(visit, ALERTS)],
    )


async def _record(visit: Visit) -> Acknowledgement:
    number = _number(visit.given.get(_NUMBER, ""))
    found = None
    if number is not None:
        found = await visit.runtime.database.read(store.find, number)
    if found is None:
        message = "There is no such acknowledgement; old ones are deleted after a while."
        raise HTTPException(404, message)
    return found


def _number(text: str) -> int | None:
    known = text.isascii() and text.isdecimal() and len(text) <= len(str(_NUMBER_MAX))
    return min(int(text), _NUMBER_MAX) if known else None


async def _withdraw(visit: Visit) -> Response:
    record = await _record(visit)
    kept = await visit.runtime.alerting.acknowledger.withdraw(
        record.id, who=visit.who.name, via="page", key=visit.key
    )
    return _result(visit, kept)


PAGES: Final = (
    Page(path=ACKNOWLEDGE.path, look=_look, act=_act, purpose=_purpose),
    Page(path=DISMISS.path, look=_look, act=_act, purpose=_purpose),
    Page(
        path=WITHDRAW,
        look=_withdrawal,
        act=_withdraw,
        purpose=lambda visit: visit.given.get(_NUMBER, ""),
    ),
)
