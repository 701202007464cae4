"""What the API answered, in words for the person who pressed the button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.actions.model import Outcome, State
from exporter.actions.upstream import Reply, UnknownOutcome, Unreachable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

# What a page can show without drowning its own words.
TEXT_MAX: Final = 300
# What the API says of itself with HTTP 200.
FAILURES: Final = frozenset(("failed", "error", "failure", "unhealthy"))
_CREDENTIAL: Final = "check admin_token_file of the action service"
# Nothing was done: there is no such path, or not for this method.
NOT_OFFERED: Final = frozenset((404, 405, 501))
# A proxy gave up on the API, which may go on all the same.
_PROXY_GAVE_UP: Final = frozenset((502, 504))
_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503


def plain(value: object, limit: int = TEXT_MAX) -> str:
    """Return a text of others in one line of printable characters, at most *limit* of them."""
    text = str(value)[: 4 * limit]
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def said(body: Any, depth: int = 3) -> str:
    """Return what a refusal says of itself: ``detail``, ``message`` or ``error``; or nothing."""
    if isinstance(body, list) and depth:
        texts = [said(item, depth - 1) for item in body[:3]]
        return plain("; ".join(text for text in texts if text))
    if not isinstance(body, dict):
        return plain(body) if isinstance(body, str) else ""
    if isinstance(body.get("detail"), (dict, list)) and depth:
        return said(body["detail"], depth - 1)
    for name in ("detail", "error", "message", "msg"):
        if isinstance(body.get(name), str) and body[name].strip():
            return plain(body[name])
    return ""


async def outcome(
    call: Awaitable[Reply],
    done: Callable[[dict[str, Any]], Outcome],
    *,
    what: str = "The API",
    instead: Mapping[int, str] | None = None,
    failures: frozenset[str] = FAILURES,
) -> Outcome:
    """
    Wait for an answer and say what it means.

    Args:
        done: Reads the body of a success; it says that it is none by its own state.
        what: The server, at the beginning of a sentence.
        instead: What a status means, where it is not the usual.
        failures: Each a `status`, in lower case, that says that it was not done.
    """
    try:
        reply = await call
    except Unreachable as error:
        message = f"{what} cannot be reached: {error}. Nothing was sent, nothing has changed."
        return Outcome(state=State.REFUSED, message=message)
    except UnknownOutcome as error:
        return unknown(f"{error}", what)
    if not reply.success:
        return _refused(reply, what, instead or {})
    body = reply.body
    status = body.get("status", "ok") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(status, str):
        return unknown(f"HTTP {reply.status} came with an answer of another shape", what)
    if status.strip().lower() in failures:
        text = said(body) or f'status "{plain(status, 40)}"'
        return Outcome(
            state=State.FAILED,
            message=f"{what} says that it failed: {text}",
            details=_details(reply, status=plain(status, 40)),
        )
    return done(body)


def unknown(reason: str, what: str = "The API") -> Outcome:
    """Say that nobody knows."""
    message = (
        f"Unknown outcome: {reason}. {what} may have done it or not, and may still be at it. It"
        " was not sent again: look at its effect first."
    )
    return Outcome(state=State.UNKNOWN, message=message)


def _refused(reply: Reply, what: str, instead: Mapping[int, str]) -> Outcome:
    text = said(reply.body)
    quoted = f" It says: {text}" if text else ""
    details = _details(reply, said=text)
    if reply.status in _PROXY_GAVE_UP:
        found = unknown(f"a proxy before it answered {reply.status}", what)
        return Outcome(state=found.state, message=found.message, details=details)
    if reply.status >= _SERVER_ERROR and reply.status not in {*NOT_OFFERED, _UNAVAILABLE}:
        message = f"{what} failed over it (HTTP {reply.status}).{quoted}"
        return Outcome(state=State.FAILED, message=message, details=details)
    reason = instead.get(reply.status) or _reason(reply, what)
    return Outcome(state=State.REFUSED, message=f"{reason}{quoted}", details=details)


def _reason(reply: Reply, what: str) -> str:
    edge = plain(reply.headers.get("x-pharos-edge-status", ""), 40).lower()
    later = plain(reply.headers.get("retry-after", ""), 40)
    wait = f"in {later} s" if later.isdigit() else "when it has become shorter"
    if reply.status == _UNAVAILABLE and edge and edge != "online":
        return f"The edge worker is {edge}: bring it back, then try again. Nothing was done."
    known = {
        400: f"{what} does not accept this (HTTP 400).",
        401: f"{what} does not accept the admin token (HTTP 401): {_CREDENTIAL}.",
        403: f"{what} does not let the admin token do this (HTTP 403): {_CREDENTIAL}.",
        **dict.fromkeys(NOT_OFFERED, "This is not offered by this backend: it has no such path."),
        409: f"{what} cannot do this in the present state (HTTP 409).",
        429: f"The queue is full: try again {wait}.",
        _UNAVAILABLE: f"{what} is not available, or its queue is not (HTTP 503).",
    }
    return known.get(reply.status, f"{what} refused it (HTTP {reply.status}).")


def _details(reply: Reply, **texts: str) -> dict[str, Any]:
    return {"HTTP status": reply.status, **{name: text for name, text in texts.items() if text}}
