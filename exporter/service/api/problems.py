"""What can go wrong, as the API tells it: problem+json (RFC 9457)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field
from starlette.responses import JSONResponse, Response

from exporter.service.api.models import Told

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIA_TYPE: Final = "application/problem+json"
_URN: Final = "urn:ops-exporter:problem:"
_SCHEMA: Final = "#/components/schemas/Problem"
# Who makes thousands of mistakes knows by then that there are many.
_MISTAKES_MAX: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    Something that can go wrong.

    Attributes:
        slug: What a program tells it apart by, at the end of `urn`.
        means: What it says of the request, and what to do: a sentence or two.
    """

    slug: str
    status: int
    title: str
    means: str

    @property
    def urn(self) -> str:
        """The `type` of such a problem."""
        return f"{_URN}{self.slug}"


def _kind(status: int, slug: str, title: str, means: str) -> Kind:
    return Kind(slug=slug, status=status, title=title, means=means)


MALFORMED: Final = _kind(
    400,
    "malformed",
    "The request cannot be read",
    "The body is no JSON, or a POST has no Idempotency-Key.",
)
UNKNOWN_TOKEN: Final = _kind(
    401, "unknown-token", "Send a token", "There is no token, or it is not one of auth.tokens."
)
FORBIDDEN: Final = _kind(
    403, "forbidden", "The token does not allow this", "The token has not the scope that is named."
)
NOT_FOUND: Final = _kind(
    404,
    "not-found",
    "There is nothing of that name",
    "No such address, backend, entry or acknowledgement.",
)
METHOD: Final = _kind(
    405, "method", "Not allowed here", "The header Allow says which methods the address has."
)
TOO_SLOW: Final = _kind(
    408, "too-slow", "That took too long", "The body did not arrive within 10 s."
)
REFUSED: Final = _kind(
    409,
    "refused",
    "Nothing was done",
    "Our own check or the other side refused it: the detail says why. It is in the audit. To try"
    " once more, send another Idempotency-Key.",
)
CHANGED: Final = _kind(
    412,
    "changed-meanwhile",
    "Somebody else was faster",
    "Nothing was saved. GET what is in force now, and send its ETag as If-Match.",
)
TOO_LARGE: Final = _kind(413, "too-large", "That is too much", "A body has at most 64 KiB.")
NOT_JSON: Final = _kind(
    415, "not-json", "Send JSON", "Send Content-Type: application/json, not packed."
)
INVALID: Final = _kind(
    422,
    "invalid",
    "Something in the request is not right",
    "Nothing was done. The field errors names each place and what would be right.",
)
KEY_REUSED: Final = _kind(
    422,
    "key-reused",
    "This key belongs to another request",
    "Nothing was done: the Idempotency-Key came before, with other values. Make a new one.",
)
NO_VERSION: Final = _kind(
    428,
    "no-version",
    "Say which version you have seen",
    "A PUT needs If-Match, with the ETag of the GET before it.",
)
TOO_SOON: Final = _kind(
    429,
    "too-soon",
    "It ran a moment ago",
    "Nothing was done. Wait as Retry-After says; the same Idempotency-Key is good then.",
)
TOO_MANY: Final = _kind(
    429,
    "too-many",
    "Too many requests",
    "Nothing was done: a token acts 30 times a minute at most. Wait as Retry-After says.",
)
MISTAKE: Final = _kind(
    500,
    "mistake",
    "Something went wrong here",
    "The log of the service has it. Look at the audit before you try again, with the same"
    " Idempotency-Key.",
)
FAILED: Final = _kind(
    502,
    "failed",
    "It was begun and did not succeed",
    "The monitored API says so. It is in the audit.",
)
UNAVAILABLE: Final = _kind(
    503,
    "unavailable",
    "Not available right now",
    "The database or the backend does not answer. Nothing was done that the audit does not have:"
    " try again with the same Idempotency-Key.",
)
UNKNOWN_OUTCOME: Final = _kind(
    504,
    "unknown-outcome",
    "Nobody knows whether it was done",
    "It was sent, and no whole answer came. Nothing is sent again: look at its effect before you"
    " do it once more. It is in the audit.",
)
KINDS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Kind))
# Of each request that changes something.
SENT: Final = (MALFORMED, TOO_SLOW, TOO_LARGE, NOT_JSON, TOO_MANY)
BY_STATUS: Final[Mapping[int, Kind]] = {kind.status: kind for kind in reversed(KINDS)}


class Mistake(Told):
    """A mistake in one place of a request."""

    place: str = Field(examples=["body.repo_url"])
    detail: str = Field(description="What is wrong, or what would be right.")


class Problem(Told):
    """What went wrong."""

    type: str = Field(description="By this a program tells problems apart.", examples=[REFUSED.urn])
    title: str = Field(description="The type in words.", examples=[REFUSED.title])
    status: int = Field(ge=400, le=599, description="That of the answer.", examples=[409])
    detail: str = Field(description="What went wrong this time: a sentence for a person.")
    errors: tuple[Mistake, ...] = Field((), description="Mistakes with their places.")
    audit: int | None = Field(None, description="The entry of the audit that tells more.")


def problem(
    kind: Kind,
    detail: str,
    *,
    errors: Sequence[Mistake] = (),
    audit: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return the answer that says what went wrong."""
    told = Problem(
        type=kind.urn,
        title=kind.title,
        status=kind.status,
        detail=detail,
        errors=tuple(errors[:_MISTAKES_MAX]),
        audit=audit,
    )
    return JSONResponse(told.model_dump(), kind.status, headers, media_type=MEDIA_TYPE)


def documented(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return the answers of an operation, as its description has them; those of all are added."""
    found: dict[int | str, dict[str, Any]] = {}
    for kind in sorted((*kinds, *ALWAYS), key=lambda kind: kind.status):
        before = found.get(kind.status)
        text = f"{kind.title}. {kind.means}"
        found[kind.status] = {
            "description": f"{before['description']} Or: {text}" if before else text,
            "content": {MEDIA_TYPE: {"schema": {"$ref": _SCHEMA}}},
        }
        if kind.status in _WAITS:
            found[kind.status]["headers"] = {
                "Retry-After": {
                    "description": "Seconds to wait.",
                    "schema": {"type": "integer", "minimum": 1},
                }
            }
    return found


ALWAYS: Final = (UNKNOWN_TOKEN, FORBIDDEN, INVALID, MISTAKE, UNAVAILABLE)
_WAITS: Final = frozenset((TOO_SOON.status, UNAVAILABLE.status))
