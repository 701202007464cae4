"""Which format and encoding a scraper gets: Accept and Accept-Encoding (RFC 9110, 12.5)."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# A scraper sends the same header for ever; the bound keeps a hostile client from filling memory.
_HEADERS_KEPT: Final = 64
_QUALITY = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?")


class Format(StrEnum):
    """The formats of the page; the value is the Content-Type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


class _Preference(NamedTuple):
    """One element of an Accept… header."""

    name: str
    parameters: Mapping[str, str]
    quality: float


@lru_cache(_HEADERS_KEPT)
def preferred_format(accept: str) -> Format:
    """
    Return the format that *accept* likes best.

    Text 0.0.4 when the header is empty, likes both equally well or allows neither: every scraper
    can read it, and a page in the wrong format is worth more than a 406 at night.
    """
    ranges = list(_preferences(accept))
    # max() keeps the first of equals: text.
    return max(Format, key=lambda offered: _rank(offered, ranges))


@lru_cache(_HEADERS_KEPT)
def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether *accept_encoding* allows gzip and does not like the plain bytes better."""
    qualities = {coding.name: coding.quality for coding in _preferences(accept_encoding)}
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0.0 and gzip >= qualities.get("identity", 0.0)


def _rank(offered: Format, ranges: list[_Preference]) -> tuple[float, int]:
    """Return quality and precision of the most precise of *ranges* that covers *offered*."""
    (own,) = _preferences(offered)
    main_type = own.name.partition("/")[0]
    precision = {"*/*": 1, f"{main_type}/*": 2, own.name: 3}
    found = [
        (precision[wanted.name] + ("version" in wanted.parameters), wanted.quality)
        for wanted in ranges
        if wanted.name in precision
        and wanted.parameters.get("version", own.parameters["version"]) == own.parameters["version"]
    ]
    best, quality = max(found, default=(0, 0.0))
    return quality, best if quality else 0


def _preferences(header: str) -> Iterator[_Preference]:
    """Yield the elements of *header*; one with an unreadable quality counts as refused."""
    for element in header.lower().split(","):
        name, *rest = (part.strip() for part in element.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip(): value.strip(' "') for key, _, value in pairs}
        quality = parameters.pop("q", "1")
        if name:
            readable = _QUALITY.fullmatch(quality)
            yield _Preference(name, parameters, float(quality) if readable else 0.0)
