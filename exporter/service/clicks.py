"""Whether a click begins something: decided and written down in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import State
from exporter.store import audit, leases

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from exporter.actions.model import Confirmation

_LOCK: Final = "actions"
# What has run, or may have: the pause counts from its end.
_RAN: Final = (State.DONE, State.FAILED, State.UNKNOWN)


class Verdict(Enum):
    """What became of a click."""

    BEGUN = "begun"  # it is the caller's to run it
    FOUND = "found"  # its key came before
    REFUSED = "refused"  # it cannot be done now
    JOINED = "joined"  # it runs already


class TooSoon(Exception):  # noqa: N818 - a matter of time, not a mistake
    """
    Raised when it is too early to do something again; the text is safe to show.

    Attributes:
        retry_after_s: Seconds after which it may be tried again; an estimate while it runs.
        record: The run that it is too close to.
    """

    def __init__(self, message: str, retry_after_s: float, record: audit.Record) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.record = record


class KeyReusedError(Exception):
    """Raised when an idempotency key came before with other parameters; nothing was done."""

    def __init__(self) -> None:
        super().__init__("this key came before, with other values: make a new one")


@dataclass(frozen=True, slots=True, kw_only=True)
class Click:
    """
    One wish of one person.

    Attributes:
        key: As `audit.one_time` makes it.
        target: With the backend in it.
        before: The state at that moment, by names in plain words.
        refusal: Why it cannot be done now; empty when it can.
    """

    who: str
    via: str
    key: str | None
    action: str
    target: str
    parameters: Mapping[str, str]
    before: Mapping[str, str]
    refusal: str
    background: bool
    cooldown_s: float
    instance: str


def target_of(backend: str, confirmation: Confirmation) -> str:
    """Return the target of a row: by it go cooldown and joining, so the backend is part of it."""
    return f"{backend}: {confirmation.target}"


def past(connection: Connection, action: str, target: str) -> list[tuple[str, str]]:
    """Return what the audit knows of *action* on *target*, as facts of a confirmation."""
    running = audit.last(connection, action, target, State.STARTED)
    last = audit.last(connection, action, target, State.DONE)
    facts = [("Running since", _told(running))] if running else []
    return [*facts, ("Last done", _told(last) if last else "never, as far as the audit goes back")]


def begin(
    connection: Connection,
    lock: Callable[[Connection, str], None],
    click: Click,
    now: float,
) -> tuple[audit.Record, Verdict]:
    """
    Write *click* down, and return its row and whether it is to be run.

    Args:
        lock: As `Database.lock`: of two replicas one waits for the other.
        now: Unix seconds.

    Raises:
        TooSoon: It ran a moment ago, or is running.
    """
    lock(connection, _LOCK)
    if click.key and (found := audit.by_key(connection, click.key)):
        return found, Verdict.FOUND
    if click.refusal:
        details = {"before": dict(click.before)} if click.before else {}
        number = _note(connection, click, now, click.refusal, details)
        return _found(connection, number), Verdict.REFUSED
    running = audit.last(connection, click.action, click.target, State.STARTED)
    if running is not None and click.background:
        # Noted with its key, so that this click is done with when the run has ended.
        message = f"It is running already: see audit {running.id}."
        _note(connection, click, now, message, {"joined": running.id})
        return running, Verdict.JOINED
    _check_pause(connection, click, running, now)
    # In the same transaction, so that no replica takes it for one that nobody runs.
    leases.live(connection, click.instance, now)
    number = audit.begin(
        connection,
        at=now,
        who=click.who,
        via=click.via,
        action=click.action,
        target=click.target,
        parameters=click.parameters,
        instance=click.instance,
        key=click.key,
    )
    return _found(connection, number), Verdict.BEGUN


def _check_pause(
    connection: Connection, click: Click, running: audit.Record | None, now: float
) -> None:
    if running is not None:
        message = f"It is running just now (audit {running.id}): wait until it has ended."
        raise TooSoon(message, max(1.0, click.cooldown_s), running)
    for state in _RAN:
        last = audit.last(connection, click.action, click.target, state)
        if last is None:
            continue
        # A clock that was wrong must not stretch the pause.
        wait_s = min((last.closed_at or last.at) + click.cooldown_s - now, click.cooldown_s)
        if wait_s > 0:
            message = f"It ran a moment ago (audit {last.id}): wait {wait_s:.0f} s."
            raise TooSoon(message, wait_s, last)


def _note(
    connection: Connection, click: Click, now: float, message: str, details: Mapping[str, Any]
) -> int:
    """Write down what was not run."""
    return audit.record(
        connection,
        at=now,
        who=click.who,
        via=click.via,
        action=click.action,
        target=click.target,
        parameters=click.parameters,
        instance=click.instance,
        state=State.REFUSED,
        message=message,
        details=details,
        key=click.key,
    )


def _found(connection: Connection, number: int) -> audit.Record:
    record = audit.find(connection, number)
    assert record is not None  # noqa: S101 - it was written in this very transaction
    return record


def _told(record: audit.Record) -> str:
    at = datetime.fromtimestamp(record.at, UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC by {record.who} (audit {record.id})"
