"""Reads the body of an answer: never more of it than the limit, however small it came packed."""

from __future__ import annotations

import zlib
from typing import Final

import httpx

# What the client says that it accepts, and all that it reads. httpx would unpack a whole piece of
# 64 KiB at once and any number of encodings within each other: gigabytes, before a limit is asked.
ACCEPTED: Final = "gzip"
_GZIP: Final = 16 + zlib.MAX_WBITS


class TooLargeError(Exception):
    """Raised when an answer grows over the size limit; the rest of it is not read."""


class UnreadableError(Exception):
    """Raised when an answer ends too early, or is not packed as it says."""


async def read_body(response: httpx.Response, limit: int) -> bytearray:
    """
    Return the unpacked body of *response*.

    Args:
        limit: Bytes, packed and unpacked alike.

    Raises:
        TooLargeError: As soon as more than *limit* bytes are there.
        UnreadableError: If the body cannot be unpacked or lacks its end.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in {"", "identity", "gzip", "x-gzip"}:
        message = "an encoding that was not asked for"
        raise UnreadableError(message)
    unpack = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
    body, received = bytearray(), 0
    assert isinstance(response.stream, httpx.AsyncByteStream)  # noqa: S101 - of an async transport
    async for chunk in response.stream:
        received += len(chunk)
        try:
            body += unpack.decompress(chunk, limit + 1 - len(body)) if unpack else chunk
        except zlib.error:
            message = "not gzip"
            raise UnreadableError(message) from None
        if max(received, len(body)) > limit:
            raise TooLargeError
    if unpack is not None and not unpack.eof:
        message = "cut"
        raise UnreadableError(message)
    return body
