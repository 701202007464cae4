"""``ops-exporter health``: for the health check of a container, which has no shell and no curl."""

from __future__ import annotations

import sys
import urllib.request
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import argparse

_TIMEOUT_S: Final = 4.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the URL."""
    parser.add_argument(
        "url",
        nargs="?",
        metavar="URL",
        default="http://127.0.0.1:9847",
        help="base URL of a server of ours; default: http://127.0.0.1:9847",
    )


def run(parsed: argparse.Namespace) -> int:
    """Ask ``/-/healthy``; exit status 1 says that it does not live, and the reason is printed."""
    url = f"{parsed.url.rstrip('/')}/-/healthy"
    if not url.startswith(("http://", "https://")):
        sys.stderr.write(f"ops-exporter: {parsed.url}: write a URL, as http://127.0.0.1:9847\n")
        return 2
    # A proxy of the environment has no business between a server and its own health check.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S):
            return 0
    except (OSError, ValueError) as error:
        sys.stderr.write(f"ops-exporter: {url}: {getattr(error, 'reason', error)}\n")
        return 1
