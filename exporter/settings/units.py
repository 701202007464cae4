"""Readers of single values: durations, sizes, URLs; each ValueError says what would be right."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final
from urllib.parse import urlsplit

_DURATION: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)")
_DURATION_S: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# More digits than any limit needs would make int() raise an error of its own.
_SIZE: Final = re.compile(r"([0-9]{1,15}) ?([kMG]i?B)?")
_BYTES: Final = {
    "": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
}
# Other letters have an ASCII form (xn--…), which is what is asked for.
_NETLOC: Final = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_PORT_MAX: Final = 65535


def duration(value: object) -> float:
    """
    Read ``30s``, ``1m30s`` or ``500ms`` as seconds.

    Raises:
        ValueError: If *value* is no such text; a bare number has no unit and is refused.
    """
    if isinstance(value, str) and value and _DURATION.sub("", value) == "":
        return sum(float(n) * _DURATION_S[unit] for n, unit in _DURATION.findall(value))
    message = "write a number and ms, s, m, h or d, for example 5s"
    raise ValueError(message)


def size(value: object) -> int:
    """Read ``8MiB`` or ``500kB`` (or a whole number) as bytes; ValueError otherwise."""
    found = _SIZE.fullmatch(str(value))
    unit = (found[2] or "") if found else ""
    if found and unit in _BYTES and int(found[1]) > 0:
        return int(found[1]) * _BYTES[unit]
    message = "write a whole number and kB, MB, KiB or MiB, for example 8MiB"
    raise ValueError(message)


def http_url(value: str) -> str:
    """Return a base URL without its last slash; ValueError if it is none that can be asked."""
    right = (
        "write http:// or https://, a host and perhaps a path, for example http://127.0.0.1:8000"
    )
    if not value.isprintable() or " " in value or "\\" in value:
        raise ValueError(right)
    if "@" in value:
        message = "leave user and password out of the URL; put the token into token_file"
        raise ValueError(message)
    try:
        parts = urlsplit(value)
        found = _NETLOC.fullmatch(parts.netloc)
        if found and found[1]:
            IPv6Address(found[1])
    except ValueError:
        found = None
    if not found or not 0 < int(found[2] or 80) <= _PORT_MAX:
        raise ValueError(right)
    if parts.scheme not in {"http", "https"} or "?" in value or "#" in value:
        raise ValueError(right)
    return value.rstrip("/")
