"""Preferences as people change them: saved and audited together, and in force at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from exporter.actions.model import State
from exporter.catalogue.actions import PREFERENCES
from exporter.store import audit, preferences

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from exporter.service.runtime import Runtime
    from exporter.settings import Settings
    from exporter.store.preferences import InForce, Preferences

_TARGET: Final = "alerts"


async def save(
    runtime: Runtime,
    *,
    version: int,
    thresholds: Mapping[str, float],
    enabled: Mapping[str, bool],
    sound: bool,
    who: str,
    via: str,
) -> Preferences:
    """
    Put others in force, as a whole, in place of *version*; the metrics tell them at once.

    Args:
        thresholds: In base units, by name of the alert; as by default where there is none.
        enabled: By name of the alert, likewise.
        via: page or api.

    Raises:
        PreferencesError: Some of them cannot be right.
        Conflict: *version* is not in force any more.
        DatabaseError: Nothing was saved.
    """
    settings, instance, now = runtime.settings, runtime.instance, runtime.wall()

    def write(connection: Connection) -> Preferences:
        before = preferences.current(connection)
        saved = preferences.save(
            connection,
            settings,
            version=version,
            thresholds=thresholds,
            enabled=enabled,
            sound=sound,
            who=who,
            now=now,
        )
        changes = dict(changed(settings, before, saved))
        audit.record(
            connection,
            at=now,
            who=who,
            via=via,
            action=PREFERENCES.slug,
            target=_TARGET,
            parameters={"version": saved.version},
            instance=instance,
            state=State.DONE,
            message=f"Version {saved.version} is in force: {_told(changes)}.",
            details=changes,
        )
        return saved

    saved = await runtime.database.write(write)
    await runtime.refresh()
    return saved


def changed(
    settings: Settings, before: Preferences, after: Preferences
) -> Iterator[tuple[str, str]]:
    """Yield what differs, by names in plain words: what it was and what it is."""
    old, new = preferences.in_force(settings, before), preferences.in_force(settings, after)
    for name, one in new.items():
        if one.threshold != old[name].threshold:
            yield f"{name} threshold", f"{_limit(old[name])} → {_limit(one)}"
        if one.enabled is not old[name].enabled:
            yield name, f"{_switch(old[name].enabled)} → {_switch(one.enabled)}"
    if after.sound is not before.sound:
        yield "sound", f"{_switch(before.sound)} → {_switch(after.sound)}"


def _limit(one: InForce) -> str:
    limit = one.alert.limit
    if limit is None or one.threshold is None:
        return "none"
    return replace(limit.threshold, value=one.threshold).text


def _switch(on: bool) -> str:  # noqa: FBT001 - a word for it
    return "on" if on else "off"


def _told(changes: Mapping[str, str]) -> str:
    names = list(changes)
    if not names:
        return "nothing has changed"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 - a sentence
    return f"{', '.join(names[:3])}{more} changed"
