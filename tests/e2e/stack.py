"""The whole stack, from the simulated product to a webhook, for tests and for the benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

import httpx
import yaml

from scripts.children import LOOPBACK, Child, free_port
from scripts.layout import Site, alertmanager_command, listen, load_yaml, prometheus_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

DEADLINE_S = 60.0
# In this process's Python, so that coverage sees them.
OURS = (sys.executable, "-m", "exporter.cli")
_ADMIN_TOKEN = "another one"  # noqa: S105 - of a simulated product
SERVERS = ("simulator", "exporter", "prometheus", "alertmanager", "actions", "sink")


@dataclass(frozen=True)
class Notice:
    """One alert in one notification, and when it came."""

    at: float
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]

    @property
    def name(self) -> str:
        return self.labels["alertname"]

    @property
    def what(self) -> tuple[str, str]:
        """Status and severity: what an escalation or a recovery changes."""
        return self.status, self.labels["severity"]


@dataclass
class Webhook:
    """Receives Alertmanager's notifications and keeps them all, in the order in which they came."""

    notices: list[Notice] = field(default_factory=list)
    # By labels, also of notices that a test has forgotten: what people believe to be wrong now.
    last: dict[tuple[tuple[str, str], ...], str] = field(default_factory=dict)

    def serve(self, port: int) -> ThreadingHTTPServer:
        """Return a server that is running on a thread of its own."""
        webhook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                for alert in json.loads(body)["alerts"]:
                    webhook.take(
                        Notice(time.time(), alert["status"], alert["labels"], alert["annotations"])
                    )
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Write no access log."""

        return _on_a_thread(Handler, port)

    def take(self, notice: Notice) -> None:
        self.notices.append(notice)
        if notice.name != "OpsWatchdog":
            self.last[tuple(sorted(notice.labels.items()))] = notice.status

    def of(self, name: str) -> list[Notice]:
        return [notice for notice in self.notices if notice.name == name]

    def names(self) -> set[str]:
        """Return every alert that was notified, but the one that always is."""
        return {notice.name for notice in self.notices} - {"OpsWatchdog"}


@dataclass
class Preferences:
    """Speaks for the action service: what people have set, as its metrics page tells it."""

    lines: list[str] = field(default_factory=list)

    def set(self, metric: str, alert: str, value: float) -> None:
        start = f'{metric}{{alert="{alert}"}} '
        self.lines[:] = [line for line in self.lines if not line.startswith(start)]
        self.lines.append(f"{start}{value}")

    def serve(self, port: int) -> ThreadingHTTPServer:
        """Return a server that is running on a thread of its own."""
        preferences = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = "".join(f"{line}\n" for line in preferences.lines).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write no access log."""

        return _on_a_thread(Handler, port)


class Stack:
    """
    Simulator, exporter, Prometheus, Alertmanager and webhook, running within a ``with`` block.

    The rules are the rendered ones, but fire at once: `for` and `keep_firing_for` are for people,
    and promtool's tests are about them.

    Args:
        programs: Where Prometheus and Alertmanager are.
        interval_s: Of polls, scrapes and evaluations.
        settings: Of the exporter, beside those of its place.
        held: Beginnings of the names of alerts that fire as late as the rules say, since before the
            first scrape every target is absent.
    """

    def __init__(
        self,
        folder: Path,
        programs: dict[str, Path],
        *,
        interval_s: int = 1,
        dialect: str = "designed",
        settings: Mapping[str, str] | None = None,
        held: tuple[str, ...] = ("OpsExporter", "OpsActions"),
    ) -> None:
        ports = {name: free_port() for name in SERVERS}
        self.site = Site(folder=folder, ports=ports, dialect=dialect, interval_s=interval_s)
        self.webhook = Webhook()
        self.preferences = Preferences()
        self._programs = programs
        self._settings = settings or {}
        self._held = held
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        site = self.site
        for name in ("state", "logs", "prometheus", "alertmanager"):
            (site.folder / name).mkdir()
        site.secrets.read.write_text("a token that only this test knows", "utf-8")
        self._admin_token_file.write_text(_ADMIN_TOKEN, "utf-8")
        self._render()
        for server in (
            self.webhook.serve(site.ports["sink"]),
            self.preferences.serve(site.ports["actions"]),
        ):
            self._stack.callback(server.server_close)
            self._stack.callback(server.shutdown)
        simulate = [*OURS, "simulate", "--dialect", site.dialect, "--slow-scale", "0.02"]
        simulate += ["--token.file", str(site.secrets.read), *_flags(listen(site, "simulator"))]
        simulate += ["--admin-token.file", str(self._admin_token_file)]
        self._run("simulator", simulate, "/-/healthy")
        self._run("exporter", [*OURS, "serve", *_flags(listen(site, "exporter"))], "/-/ready")
        self._run(
            "alertmanager", alertmanager_command(site, self._programs["alertmanager"]), "/-/ready"
        )
        command = prometheus_command(site, self._programs["prometheus"], notify=True)
        # What ends while it is hidden is told once Prometheus says it again, which takes a minute.
        command.append(f"--rules.alert.resend-delay={site.interval_s}s")
        self._run("prometheus", command, "/-/ready")
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def _admin_token_file(self) -> Path:
        return self.site.folder / "admin-token"

    def _run(self, name: str, command: list[str], ready: str) -> None:
        log = self.site.folder / "logs" / f"{name}.log"
        child = Child(name, command, log=log, env={**self.site.environment(), **self._settings})
        self._stack.callback(child.stop)
        child.wait_until_ready(f"{self.site.url(name)}{ready}")

    def _render(self) -> None:
        command = [*OURS, "generate", "--output", str(self.site.rendered)]
        subprocess.run(  # noqa: S603 - our own command
            command, env=self.site.environment(), capture_output=True, check=True
        )
        for path in (self.site.rendered / "prometheus" / "rules").glob("*.yml"):
            tree = load_yaml(path)
            for rule in tree["groups"][0]["rules"]:
                if not rule.get("alert", "").startswith(self._held):
                    rule.pop("for", None)
                    rule.pop("keep_firing_for", None)
            path.write_text(yaml.safe_dump(tree, sort_keys=False), "utf-8")

    def fault(self, **description: object) -> int:
        """Switch a fault on; return its id."""
        url = f"{self.site.url('simulator')}/-/faults"
        answer = httpx.post(url, json=description, timeout=DEADLINE_S, trust_env=False)
        assert answer.status_code == 201, answer.text
        number: int = answer.json()["id"]
        return number

    def mend(self, number: int) -> None:
        """Switch a fault off."""
        url = f"{self.site.url('simulator')}/-/faults/{number}"
        httpx.delete(url, timeout=DEADLINE_S, trust_env=False).raise_for_status()

    def act(self, path: str) -> None:
        """Have the product do something, as the action service would."""
        url = f"{self.site.url('simulator')}{path}"
        headers = {"Authorization": f"Bearer {_ADMIN_TOKEN}"}
        httpx.post(url, headers=headers, timeout=DEADLINE_S, trust_env=False).raise_for_status()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask Prometheus for what is now."""
        url = f"{self.site.url('prometheus')}/api/v1/query"
        answer = httpx.get(url, params={"query": expression}, trust_env=False)
        result: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return result

    def eventually(self, happened: Callable[[], object], within_s: float = DEADLINE_S) -> None:
        """Wait until *happened* returns something true; fail with all notifications otherwise."""
        until = time.monotonic() + within_s
        while not happened():
            if time.monotonic() > until:
                lines = [f"{n.name} {n.what}" for n in self.webhook.notices]
                raise AssertionError("\n".join(["not in time; notified so far:", *lines]))
            time.sleep(0.1)

    def rounds(self, number: int) -> None:
        """Let Prometheus evaluate its rules this many times more."""

        def evaluated() -> float:
            url = f"{self.site.url('prometheus')}/metrics"
            text = httpx.get(url, trust_env=False).text
            start = "prometheus_rule_group_iterations_total"
            (line,) = [
                row
                for row in text.splitlines()
                if row.startswith(start) and "ops-monitoring" in row
            ]
            return float(line.rsplit(" ", 1)[1])

        wanted = evaluated() + number
        self.eventually(lambda: evaluated() >= wanted)


def _flags(options: dict[str, object]) -> list[str]:
    return [str(part) for pair in options.items() for part in pair]


def _on_a_thread(handler: type[BaseHTTPRequestHandler], port: int) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer((LOOPBACK, port), handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    return server
