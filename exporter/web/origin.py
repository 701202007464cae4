"""Whether a request that changes something comes from another site's page in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from exporter.web.contract import Scope

_PORTS: Final = {"http": 80, "https": 443}


def foreign(scope: Scope, url: str = "") -> str:
    """
    Say why a request is refused as another site's; empty when it is not.

    Args:
        url: Where users reach this server too: behind a proxy it may have another scheme and host.

    Browsers send Sec-Fetch-Site or Origin with every POST and let no page change them; a script
    (curl, a job) sends neither and is let through, for it can be led astray by no page.
    """
    headers = dict(scope["headers"])
    site = headers.get(b"sec-fetch-site", b"none").decode("latin-1")
    if site not in {"same-origin", "none"}:
        return f"Sec-Fetch-Site is {site!r}; this may be asked for by this server's own pages only"
    origin = headers.get(b"origin")
    if origin is None:
        return ""
    host = headers.get(b"host", b"").decode("latin-1")
    asking = _origin(origin.decode("latin-1"))
    if asking is None or asking not in {_origin(f"{scope['scheme']}://{host}"), _origin(url)}:
        return "Origin is another one than this server's"
    return ""


def _origin(url: str) -> tuple[str, str, int] | None:
    """Return scheme, host and port, with the port that a browser leaves out; None: no origin."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None
