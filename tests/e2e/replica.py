"""The action service as a process that can be killed, before a product that counts what it does."""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import bcrypt
import httpx
import yaml

from scripts.children import LOOPBACK, Child, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

USER: Final = "ann"
PASSWORD: Final = "correct horse battery"  # noqa: S105 - of a test
WEBHOOK_TOKEN: Final = "0123456789-what-only-a-test-may-tell"  # noqa: S105 - likewise
INGEST: Final = "/api/v1/ingestion/ingest/"
_HIDDEN: Final = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_COST: Final = 4


class Product:
    """
    Takes repositories, slowly, and counts each one when it has taken it in.

    A simulator would do, if its queue had no end and it could say when it is in the middle.

    Attributes:
        began: Set as soon as a request is there.
        taken: How often each repository was taken in.
    """

    def __init__(self, slow_s: float) -> None:
        self.slow_s = slow_s
        self.began = threading.Event()
        self.taken: Counter[str] = Counter()
        product = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                product.began.set()
                time.sleep(product.slow_s)
                product.taken[unquote(self.path.removeprefix(INGEST))] += 1
                time.sleep(product.slow_s)
                body = b'{"status": "queued", "job_id": "1", "queue_position": 1}'
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write no access log."""

        self._server = ThreadingHTTPServer((LOOPBACK, 0), Handler)
        self.url = f"http://{LOOPBACK}:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[Product]:
        """Serve until the block is left."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


class Replica:
    """
    A process of the action service; stopped, killed and started again on one port.

    Args:
        folder: Its own: replicas share the database alone.
        settings: As in the configuration file.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], hash_: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._port = free_port()
        self.url = f"http://{LOOPBACK}:{self._port}"
        webhook = folder / "webhook-token"
        webhook.write_text(WEBHOOK_TOKEN, "utf-8")
        whole = {
            # Nobody listens there: what these would say is not asked for.
            "exporter_url": f"http://{LOOPBACK}:{free_port()}",
            "alertmanager": {"url": f"http://{LOOPBACK}:{free_port()}"},
            "state_dir": str(folder / "state"),
            "webhook_token_file": str(webhook),
            "auth": {"operators": [USER]},
            "actions": {"url": self.url, "cooldown": "0s"},
        }
        (folder / "ops.yml").write_text(yaml.safe_dump({**whole, **settings}), "utf-8")
        users = {"basic_auth_users": {USER: hash_}}
        (folder / "web.yml").write_text(yaml.safe_dump(users), "utf-8")
        self._child: Child | None = None

    def start(self) -> None:
        """Start it, and return once it is ready."""
        words = (
            *(sys.executable, "-m", "exporter.cli", "actions"),
            *("--config.file", str(self._folder / "ops.yml")),
            *("--web.config.file", str(self._folder / "web.yml")),
            *("--web.listen-address", f"{LOOPBACK}:{self._port}"),
        )
        own = {name: value for name, value in os.environ.items() if not name.startswith("OPS_")}
        self._child = Child("actions", words, log=self._folder / "actions.log", env=own)
        self._child.wait_until_ready(f"{self.url}/-/ready")

    def kill(self) -> None:
        """End it as a crash does: no handler of it runs any more."""
        assert self._child is not None
        self._child.kill()

    def stop(self) -> None:
        """End it as it should be."""
        if self._child is not None:
            self._child.stop()


def hash_of(password: str) -> str:
    """Return the hash that stands in a web configuration file."""
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()


def signed_in(url: str) -> httpx.Client:
    """Return a browser in which the user has signed in."""
    client = httpx.Client(base_url=url, timeout=30.0, trust_env=False)
    values = {**hidden(client.get("/login")), "user": USER, "password": PASSWORD}
    answer = client.post("/login", data=values)
    assert answer.status_code == 303, answer.text
    return client


def asked(client: httpx.Client, repository: str) -> dict[str, str]:
    """Open the confirmation for a repository; return the form behind its button."""
    page = client.get("/actions/ingest", params={"repo_url": repository})
    assert page.status_code == 200, page.text
    return hidden(page)


def hidden(page: httpx.Response) -> dict[str, str]:
    """Return the hidden fields of the form on a page."""
    return {name: unescape(value) for name, value in _HIDDEN.findall(page.text)}


def notification(number: int) -> dict[str, Any]:
    """Return what Alertmanager would send of one alert, of which there is no other."""
    labels = {"alertname": "OpsQueueBacklogHigh", "severity": "warning", "number": str(number)}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": {},
        "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": f"{number:016x}",
    }
    return {"version": "4", "status": "firing", "receiver": "ops", "alerts": [alert]}
