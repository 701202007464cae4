"""A receiver of Alertmanager's notifications that shows each alert to a person."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

_STYLES: Final = {"critical": "bold red", "warning": "yellow", "info": "cyan"}
# Annotation, and what must be said of its link: nothing that runs beside this is a Grafana.
_LINKS: Final = {"runbook_url": "", "dashboard_url": " (needs a Grafana of your own)"}
# Alertmanager sends at most a few hundred alerts at once; more is not from it.
_BODY_MAX: Final = 8 * 2**20


class Sink:
    """
    The webhook, on a thread of its own while the ``with`` block runs.

    Args:
        show: Called for each alert of each notification, from the thread.
    """

    def __init__(self, address: tuple[str, int], show: Callable[[Text], None]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                try:
                    lines = describe(json.loads(self.rfile.read(min(length, _BODY_MAX))))
                except (ValueError, AttributeError):
                    self._answer(HTTPStatus.BAD_REQUEST)
                    return
                for line in lines:
                    show(line)
                self._answer(HTTPStatus.OK)

            def do_GET(self) -> None:
                self._answer(HTTPStatus.OK)

            def _answer(self, status: HTTPStatus) -> None:
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write no access log."""

        self._server = ThreadingHTTPServer(address, Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def describe(notification: dict[str, Any]) -> list[Text]:
    """Return a line or two for each alert in the body of a webhook (version 4)."""
    return [_line(alert) for alert in notification.get("alerts", [])]


def _line(alert: dict[str, Any]) -> Text:
    labels: dict[str, str] = alert.get("labels", {})
    annotations: dict[str, str] = alert.get("annotations", {})
    firing = alert.get("status") == "firing"
    severity = labels.get("severity", "none")
    style = _STYLES.get(severity, "")
    line = Text.assemble(
        (f"{datetime.now().astimezone():%H:%M:%S}  ", "dim"),
        ("FIRING   " if firing else "RESOLVED ", style if firing else "green"),
        f" {severity:<8}  ",
        (labels.get("alertname", "(no name)"), "bold"),
        f"  {annotations.get('summary', '')}",
    )
    for name, remark in _LINKS.items():
        if firing and annotations.get(name):
            line.append(f"\n{'':10}{annotations[name]}{remark}", "dim")
    return line
