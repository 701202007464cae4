"""Draws templates, and knows the files beside them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from exporter.web import pages

if TYPE_CHECKING:
    from collections.abc import Mapping

_HERE: Final = Path(__file__).parent
_TYPES: Final = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
}


def draw(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template of the folder, which may use those of ``exporter.web``; all is escaped."""
    return str(pages.environment(_HERE / "templates").get_template(template).render(values))


def static(name: str) -> tuple[bytes, str] | None:
    """Return body and media type of a file; None when there is none of that name."""
    path = _files().get(name)
    return (_body(path), _TYPES[path.suffix]) if path else pages.static(name)


@functools.cache
def _files() -> dict[str, Path]:
    # Listed, not asked for: no name of a request ever becomes a path.
    return {path.name: path for path in (_HERE / "static").iterdir() if path.suffix in _TYPES}


@functools.cache
def _body(path: Path) -> bytes:
    return path.read_bytes()
