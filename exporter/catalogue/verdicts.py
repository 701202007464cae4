"""
The closed list of what the exporter may say of an endpoint's last answer, and how each reads.

Pages, dashboards and the terminal show the same sign and the same words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Tone(StrEnum):
    """What a state means to whoever looks at it: the colour, and a sign for those who see none."""

    GOOD = "good"
    WARN = "warn"  # slow or much, but not broken
    BAD = "bad"
    IDLE = "idle"  # nothing to see, and nothing wrong

    @property
    def sign(self) -> str:
        """The sign that goes with the colour."""
        return _SIGNS[self]


_SIGNS: Final = {Tone.GOOD: "✔", Tone.WARN: "▲", Tone.BAD: "✖", Tone.IDLE: "○"}


class Verdict(StrEnum):
    """What became of the last request to an endpoint."""

    OK = "ok"
    NOT_APPLICABLE = "not_applicable"  # the feature is switched off there
    NOT_OFFERED = "not_offered"  # this backend has no such endpoint
    TIMEOUT = "timeout"
    REFUSED = "refused"  # no connection: DNS, connect, TLS, reset
    HTTP_ERROR = "http_error"
    UNAUTHORIZED = "unauthorized"
    INVALID = "invalid"  # cut, unparsable or not JSON
    SCHEMA = "schema"  # JSON of a shape that is in neither dialect
    STATUS_ERROR = "status_error"  # HTTP 200 whose body says status: error
    TOO_LARGE = "too_large"

    @property
    def success(self) -> bool:
        """Whether the endpoint did what it is there for."""
        return self in _SUCCESS

    @property
    def words(self) -> str:
        """The verdict as a person reads it."""
        return _WORDS.get(self, self.replace("_", " "))

    @property
    def tone(self) -> Tone:
        """What it means to whoever looks at it."""
        if self is Verdict.OK:
            return Tone.GOOD
        if self.success:
            return Tone.IDLE
        return Tone.WARN if self in _SLUGGISH else Tone.BAD


_SUCCESS = frozenset((Verdict.OK, Verdict.NOT_APPLICABLE, Verdict.NOT_OFFERED))
# The backend is slow or its answer long: not broken.
_SLUGGISH: Final = frozenset((Verdict.TIMEOUT, Verdict.TOO_LARGE))
_WORDS: Final = {
    Verdict.TIMEOUT: "timed out",
    Verdict.HTTP_ERROR: "HTTP error",
    Verdict.INVALID: "invalid answer",
    Verdict.SCHEMA: "wrong shape",
    Verdict.STATUS_ERROR: "reports error",
}
FAILURES = tuple(verdict for verdict in Verdict if verdict not in _SUCCESS)
