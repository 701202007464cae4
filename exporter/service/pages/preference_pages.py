"""Preferences: the threshold of each alert, whether it is on, and the sound of the live page."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue.actions import ALERTS, AUDIT, HISTORY, PREFERENCES
from exporter.service import preferring
from exporter.service.pages.moments import moment
from exporter.service.pages.ways import grafana, page
from exporter.service.visits import Page
from exporter.store import preferences
from exporter.store.preferences import Conflict, PreferencesError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.responses import Response

    from exporter.service.visits import Visit
    from exporter.store.preferences import InForce, Preferences

_THRESHOLD: Final = "threshold."
_ENABLED: Final = "enabled."
_SOUND: Final = "sound"
_VERSION: Final = "version"
_RATIO: Final = "ratio"
_NUMBER: Final = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_VERSION_MAX: Final = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """
    An alert and what can be set of it.

    Attributes:
        text: Of the threshold, as it stands in the field; None where it judges a state.
        unit: What stands behind the number: " %", " ms", " s", " min" or nothing.
        default: The same without what people have set.
        most: The highest that may be set, where anybody could come near it.
        now: What is in force, where the field shows something else.
        switchable: It can be off.
        problem: What is wrong with the threshold.
    """

    name: str
    summary: str
    text: str | None
    unit: str
    default: str
    most: str
    now: str
    enabled: bool
    switchable: bool
    changed: bool
    problem: str


async def _look(visit: Visit) -> Response:
    return await _show(visit, await visit.runtime.preferences())


async def _act(visit: Visit) -> Response:
    given, runtime = visit.given, visit.runtime
    known = preferences.in_force(runtime.settings, preferences.Preferences())
    problems: dict[str, str] = {}
    thresholds: dict[str, float] = {}
    for name, text, one in _limits(given, known):
        if _NUMBER.fullmatch(text):
            size, _ = _scale(one)
            thresholds[name] = float(Decimal(text) * Decimal(str(size)))
        elif text:
            problems[name] = "Write a number, for example 5 or 0.5; nothing for the default."
    enabled = {name: f"{_ENABLED}{name}" in given for name in known if known[name].alert.switchable}
    if problems:
        return await _wrong(visit, problems)
    try:
        await preferring.save(
            runtime,
            version=_version(given),
            thresholds=thresholds,
            enabled=enabled,
            sound=_SOUND in given,
            who=visit.who.name,
            via="page",
        )
    except PreferencesError as error:
        return await _wrong(visit, error.problems)
    except Conflict as conflict:
        return await _late(visit, conflict.current)
    return visit.redirect(PREFERENCES.path)


def _limits(
    given: Mapping[str, str], known: Mapping[str, InForce]
) -> Iterator[tuple[str, str, InForce]]:
    """Yield name, text and alert of each threshold in a form."""
    for name, one in known.items():
        if one.alert.limit is not None:
            yield name, given.get(f"{_THRESHOLD}{name}", "").strip(), one


def _version(given: Mapping[str, str]) -> int:
    """Return the version that somebody saw; one that there is not, where they name none."""
    text = given.get(_VERSION, "")
    known = text.isascii() and text.isdecimal() and len(text) <= len(str(_VERSION_MAX))
    return min(int(text), _VERSION_MAX) if known else -1


async def _wrong(visit: Visit, problems: Mapping[str, str]) -> Response:
    saved = await visit.runtime.preferences()
    answer = await _show(visit, saved, problems=problems, kept=True)
    answer.status_code = 422
    return answer


async def _late(visit: Visit, current: Preferences) -> Response:
    """Show what somebody else has saved meanwhile beside what was sent, which is not lost."""
    notice = (
        f"{current.who} has saved version {current.version} meanwhile, so nothing was saved. Your"
        " values stand below, with what is in force beside each that differs: save once more if"
        " they shall take its place."
    )
    answer = await _show(replace(visit, notice=notice), current, kept=True)
    answer.status_code = 409
    return answer


async def _show(
    visit: Visit,
    saved: Preferences,
    *,
    problems: Mapping[str, str] | None = None,
    kept: bool = False,
) -> Response:
    """Draw the page; with *kept*, what was sent stands in the fields."""
    settings, now = visit.runtime.settings, visit.runtime.wall()
    given = visit.given if kept else None
    found = preferences.in_force(settings, saved)
    rows = [_row(name, one, (problems or {}).get(name, ""), given) for name, one in found.items()]
    return await visit.page(
        "preferences.html",
        limits=[row for row in rows if row.text is not None],
        states=[row for row in rows if row.text is None],
        sound=saved.sound if given is None else _SOUND in given,
        version=saved.version,
        who_saved=saved.who,
        saved=moment(saved.at, now) if saved.version else None,
        problems=bool(problems),
        token=visit.token(),
        ways=[
            page(visit, ALERTS),
            page(visit, HISTORY),
            page(visit, AUDIT, "Earlier versions", action=PREFERENCES.slug),
            grafana(visit, dashboards.ALERTS),
        ],
    )


def _row(name: str, one: InForce, problem: str, given: Mapping[str, str] | None) -> Row:
    alert, limit = one.alert, one.alert.limit
    size, unit = _scale(one)
    now = _text(one.threshold, size)
    text, enabled = now, one.enabled
    if given is not None:
        text = given.get(f"{_THRESHOLD}{name}", "").strip()[:32]
        enabled = f"{_ENABLED}{name}" in given or not alert.switchable
    return Row(
        name=name,
        summary=alert.summary,
        text=None if limit is None else text,
        unit=unit,
        default=_text(one.default_threshold, size),
        most=_text(preferences.highest(alert), size)
        if limit and limit.threshold.unit == _RATIO
        else "",
        now=now if given is not None and text != now else "",
        enabled=enabled,
        switchable=alert.switchable,
        changed=one.threshold != one.default_threshold or one.enabled is not one.default_enabled,
        problem=problem,
    )


def _scale(one: InForce) -> tuple[float, str]:
    """Return the size and the name of the unit that people write this threshold in."""
    limit = one.alert.limit
    if limit is None or one.default_threshold is None:
        return 1, ""
    return replace(limit.threshold, value=one.default_threshold).scale


def _text(value: float | None, size: float) -> str:
    if value is None:
        return ""
    # Of decimal numbers: 0.07 is 7 %, and not 7.000000000000001 %.
    scaled = Decimal(repr(value)) / Decimal(str(size))
    return f"{scaled.normalize():f}"


PAGES: Final = (Page(path=PREFERENCES.path, look=_look, act=_act, nav="Preferences"),)
