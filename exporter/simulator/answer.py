"""What an endpoint answers, before it becomes HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One answer of the API.

    Attributes:
        body: A JSON value, or a string that is sent as plain text.
    """

    body: object
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


class Rejected(Exception):  # noqa: N818  # it is an answer, not a failure of the simulator
    """Raised when a request gets another answer than the usual one: send :attr:`answer`."""

    def __init__(
        self, status: int, detail: object, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.answer = Answer({"detail": detail}, status, headers or {})


def whole_number(
    arguments: Mapping[str, str], name: str, default: int, *, low: int, high: int
) -> int:
    """
    Return the query parameter *name*, or *default* when it is absent.

    Raises:
        Rejected: With 422 and the validation error of the real backend.
    """
    text = arguments.get(name)
    if text is None:
        return default
    try:
        number = int(text)
    except ValueError:
        message = "Input should be a valid integer, unable to parse string as an integer"
        raise Rejected(422, [_problem("int_parsing", name, message, text)]) from None
    if number < low:
        message = f"Input should be greater than or equal to {low}"
        problem = _problem("greater_than_equal", name, message, text)
        raise Rejected(422, [{**problem, "ctx": {"ge": low}}])
    if number > high:
        message = f"Input should be less than or equal to {high}"
        problem = _problem("less_than_equal", name, message, text)
        raise Rejected(422, [{**problem, "ctx": {"le": high}}])
    return number


def utc(at: float) -> str:
    """Write unix time *at* as the designed dialect does: ``2026-11-23T14:50:03.833Z``."""
    return f"{naive(at)[:23]}Z"


def naive(at: float) -> str:
    """Write unix time *at* as the deployed dialect does: UTC without saying so."""
    return datetime.fromtimestamp(at, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def _problem(kind: str, name: str, message: str, given: object) -> Json:
    return {"type": kind, "loc": ["query", name], "msg": message, "input": given}
