"""What a form sends, read within bounds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

FORM_MAX_BYTES: Final = 64 * 1024
# The preferences have two for each alert.
_FIELDS_MAX: Final = 200
_DEADLINE_S: Final = 10.0
_TYPE: Final = "application/x-www-form-urlencoded"


async def read_body(request: Request, limit: int, deadline_s: float = _DEADLINE_S) -> bytes:
    """
    Return the body.

    Args:
        limit: Most bytes.

    Raises:
        HTTPException: 413 when it is larger, 408 when it takes too long, 400 when it is cut.
    """
    too_large = HTTPException(413, f"That is too much: {limit} bytes at most.")
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limit:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(deadline_s):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise HTTPException(408, "The request did not arrive in time.") from None
    except ClientDisconnect:
        raise HTTPException(400, "The request was cut.") from None
    return b"".join(parts)


async def read_form(request: Request) -> Mapping[str, str]:
    """
    Return the fields of a form.

    Raises:
        HTTPException: It is no such form, too large, too slow, or names a field twice.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _TYPE:
        raise HTTPException(415, f"A form is sent as {_TYPE}.")
    body = await read_body(request, FORM_MAX_BYTES)
    malformed = HTTPException(400, "The form cannot be read.")
    if not body:
        return {}
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError:  # of which UnicodeDecodeError is one
        raise malformed from None
    fields = dict(pairs)
    if len(fields) != len(pairs) or "\0" in "".join(fields.values()):
        raise malformed
    return fields
