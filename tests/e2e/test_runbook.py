"""
What the runbook tells a person to ask and to type works: real programs, in the very situations.

One Prometheus scrapes an ailing product of each dialect, an exporter without a token and with a
broken configuration, one that is not there, and knows one that it no longer scrapes.
"""

from __future__ import annotations

import functools
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from exporter.catalogue.rules import ALERTS
from scripts.children import Child, free_port
from tests.conftest import ROOT
from tests.mixin.test_runbook import COMMANDS, EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

DEADLINE_S: Final = 60.0
BIN: Final = Path(sys.executable).parent
# No fault of the simulator brings a field that nobody knows.
NEVER: Final = {"max by (backend, endpoint) (ops_endpoint_unknown_fields) > 0"}
# Of the database itself; there is none here.
FOREIGN: Final = ("psql",)
DESIGNED: Final[tuple[dict[str, object], ...]] = (
    {"kind": "set", "path": "system_status", "value": "degraded"},
    {"kind": "set", "path": "worker_health", "value": "degraded"},
    {"kind": "set", "path": "modules.search.status", "value": "down"},
    {"kind": "set", "path": "modules.quality.error_count", "value": 30},
    {"kind": "worker_lost", "worker": "cloud-1", "silent": 600},
    {"kind": "model_unloaded", "model": "classifier"},
    {"kind": "down", "endpoint": "engagement"},
    {"kind": "wrong_types", "endpoint": "recommendations"},
    {"kind": "slow", "endpoint": "database", "seconds": 1.2},
)
DEPLOYED: Final[tuple[dict[str, object], ...]] = (
    {"kind": "set", "path": "components.redis.status", "value": "down"},
    {"kind": "set", "path": "system_status", "value": "degraded"},
)


class Stack:
    """The whole of it; the ports that the runbook names are those of the healthy product."""

    def __init__(self, folder: Path, programs: Mapping[str, Path], stack: ExitStack) -> None:
        self._folder = folder
        self._programs = programs
        self._stack = stack
        names = ("designed", "deployed", "well", "ailing", "old", "locked", "exporter")
        more = ("actions", "prometheus", "alertmanager", "gone")
        self.addresses = {name: f"127.0.0.1:{free_port()}" for name in (*names, *more)}
        for token in ("token", "admin-token"):
            (folder / token).write_text(secrets.token_urlsafe(), "utf-8")
        self._stack.enter_context(_serving(self.addresses["actions"], _preferences()))

    def url(self, name: str) -> str:
        return f"http://{self.addresses[name]}"

    def start(self) -> None:
        tokens = ("--token.file=token", "--admin-token.file=admin-token")
        for name, dialect in (("designed",) * 2, ("deployed",) * 2, ("well", "deployed")):
            self._ours("simulate", name, "--dialect", dialect, "--slow-scale=0", *tokens)
        literal = {"OPS_ANOMALY_MODE": "literal", "OPS_ANOMALY_WINDOW": "10"}
        self._exporter("ailing", "designed", literal)
        self._exporter("old", "deployed")
        self._exporter("exporter", "well", config="ops-exporter.yml")
        locked = self._exporter("locked", "designed", token=False, config="locked.yml")
        self._scrape()
        self._break()
        (self._folder / "locked.yml").write_text("api: {url: 5}\n", "utf-8")
        os.kill(locked.pid, signal.SIGHUP)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Ask Prometheus; an error of it fails the test."""
        answer = httpx.get(
            f"{self.url('prometheus')}/api/v1/query",
            params={"query": expression},
            timeout=DEADLINE_S,
            trust_env=False,
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        found: list[dict[str, Any]] = answer.json()["data"]["result"]
        return found

    def type(self, command: str) -> subprocess.CompletedProcess[str]:
        """Type a line of the runbook into a shell, with the addresses of this stack."""
        ports = {
            "127.0.0.1:8000": "well",
            "127.0.0.1:9847": "exporter",
            "127.0.0.1:9848": "actions",
            "127.0.0.1:9090": "prometheus",
            "127.0.0.1:9093": "alertmanager",
        }
        for place, name in ports.items():
            command = command.replace(place, self.addresses[name])
        command = command.replace("/etc/prometheus/", "")
        folders = [str(path.parent) for path in self._programs.values()]
        path = os.pathsep.join([str(BIN), *folders, os.environ["PATH"]])
        return subprocess.run(  # noqa: S603 - the lines of our own runbook
            ["/bin/bash", "-c", command],
            cwd=self._folder,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )

    def _exporter(
        self,
        name: str,
        api: str,
        env: Mapping[str, str] | None = None,
        *,
        token: bool = True,
        config: str = "",
    ) -> Child:
        settings = {"OPS_POLL_INTERVAL": "1s", **(env or {})}
        if config:
            lines = [f"  url: {self.url(api)}", *(["  token_file: token"] if token else [])]
            # A deployed backend answers 500 for its models even when it is well.
            rest = ["poll: {endpoints: {models: {enabled: false}}}", ""]
            (self._folder / config).write_text("\n".join(("api:", *lines, *rest)), "utf-8")
            return self._ours("serve", name, f"--config.file={config}", env=settings)
        settings |= {"OPS_API_URL": self.url(api), "OPS_API_TOKEN_FILE": "token"}
        return self._ours("serve", name, env=settings)

    def _ours(self, *words: str, env: Mapping[str, str] | None = None) -> Child:
        command, name, *options = words
        address = f"--web.listen-address={self.addresses[name]}"
        line = (sys.executable, "-m", "exporter.cli", command, address, *options)
        return self._run(name, *line, ready="/-/healthy", env=env)

    def _run(
        self, name: str, *line: str, ready: str, env: Mapping[str, str] | None = None
    ) -> Child:
        # Paths in options are relative: the children work in the folder of the stack.
        whole = ("env", f"--chdir={self._folder}", *line)
        log = self._folder / f"{name}.log"
        child = Child(name, whole, log=log, env={**os.environ, "PYTHONPATH": "", **(env or {})})
        self._stack.callback(child.stop)
        child.wait_until_ready(f"{self.url(name)}{ready}")
        return child

    def _scrape(self) -> None:
        alertmanager = ROOT / "alertmanager" / "alertmanager.yml"
        self._run(
            "alertmanager",
            str(self._programs["alertmanager"]),
            f"--config.file={alertmanager}",
            "--storage.path=silences",
            f"--web.listen-address={self.addresses['alertmanager']}",
            "--cluster.listen-address=",
            ready="/-/ready",
        )
        backends = {"ailing": "designed", "old": "deployed", "locked": "locked", "gone": "gone"}
        exporters = [
            {"targets": [self.addresses[name]], "labels": {"backend": backend}}
            for name, backend in backends.items()
        ]
        manager = {"static_configs": [{"targets": [self.addresses["alertmanager"]]}]}
        tree = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ROOT / "prometheus" / "rules" / "*.yml")],
            "alerting": {"alertmanagers": [manager]},
            "scrape_configs": [
                {"job_name": "ops-exporter", "static_configs": exporters},
                {
                    "job_name": "ops-actions",
                    "static_configs": [{"targets": [self.addresses["actions"]]}],
                },
            ],
        }
        (self._folder / "prometheus.yml").write_text(json.dumps(tree), "utf-8")
        self._remember()
        self._run(
            "prometheus",
            str(self._programs["prometheus"]),
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=series",
            f"--web.listen-address={self.addresses['prometheus']}",
            ready="/-/ready",
        )

    def _remember(self) -> None:
        """Let Prometheus have scraped one backend more an hour ago, which is no target any more."""
        now = int(time.time())
        sample = 'up{backend="retired",instance="127.0.0.1:1",job="ops-exporter"} 1'
        lines = [f"{sample} {at}" for at in range(now - 3900, now - 3600, 15)]
        text = "\n".join(("# TYPE up gauge", *lines, "# EOF", ""))
        (self._folder / "history.txt").write_text(text, "utf-8")
        subprocess.run(  # noqa: S603 - promtool, from the packages
            [
                *(self._programs["promtool"], "tsdb", "create-blocks-from", "openmetrics"),
                *("history.txt", "series"),
            ],
            cwd=self._folder,
            capture_output=True,
            check=True,
        )

    def _break(self) -> None:
        """Bring about what the runbook is for, once the healthy product was seen."""
        for metric in ("ops_events_emitted_total", "ops_anomaly_ready == 1"):
            eventually(functools.partial(self.query, f"{metric} and on (backend) up == 1"))
        for simulator, faults in (("designed", DESIGNED), ("deployed", DEPLOYED)):
            for fault in (*faults, {"kind": "restart"}):
                self._post(f"{self.url(simulator)}/-/faults", json.dumps(fault))
        self._post(f"{self.url('designed')}/-/faults", '{"kind": "spike", "path": "queue_length"}')
        repository = "https%3A%2F%2Fgithub.com%2Fquiet-river%2Fatlas"
        for _ in range(4):
            self._post(f"{self.url('designed')}/api/v1/ingestion/ingest/{repository}", "")
        # How a job ends is chance, unless it is cancelled: then it has failed.
        jobs = f"{self.url('designed')}/api/v1/ingestion/jobs"
        told = httpx.get(f"{jobs}/history", timeout=DEADLINE_S, trust_env=False)
        waiting = [job["id"] for job in told.json() if job["status"] == "pending"]
        self._post(f"{jobs}/{waiting[0]}/cancel", "")

    def _post(self, url: str, body: str) -> None:
        token = (self._folder / "admin-token").read_text("utf-8")
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(url, content=body, headers=headers, timeout=DEADLINE_S, trust_env=False)
        assert answer.is_success, answer.text


def eventually(happened: Callable[[], object]) -> None:
    until = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.1)


def _preferences() -> bytes:
    """Return a page as the action service shows it; one alert is switched off."""
    names = dict.fromkeys(alert.name for alert in ALERTS if alert.limit is not None)
    off = "OpsEventLatencyHigh"
    lines = [f'ops_alert_threshold{{alert="{name}"}} 1' for name in names]
    lines += [f'ops_alert_enabled{{alert="{name}"}} {int(name != off)}' for name in names]
    return "\n".join((*lines, "")).encode()


def _serving(address: str, page: bytes) -> ExitStack:
    """Serve *page* at every path, for as long as the result is not closed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def do_POST(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Write no access log."""

    host, port = address.split(":")
    server = ThreadingHTTPServer((host, int(port)), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    stack = ExitStack()
    stack.callback(server.server_close)
    stack.callback(thread.join)
    stack.callback(server.shutdown)
    return stack


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory,
    prometheus: Path,
    promtool: Path,
    alertmanager: Path,
    amtool: Path,
) -> Iterator[Stack]:
    programs = {
        "prometheus": prometheus,
        "promtool": promtool,
        "alertmanager": alertmanager,
        "amtool": amtool,
    }
    with ExitStack() as children:
        running = Stack(tmp_path_factory.mktemp("runbook"), programs, children)
        running.start()
        yield running


@pytest.mark.parametrize("expression", sorted({expr for _, expr in EXPRESSIONS} - NEVER))
def test_each_expression_of_the_runbook_has_an_answer(stack: Stack, expression: str) -> None:
    """It may take a few polls until what was broken shows."""
    eventually(functools.partial(stack.query, expression))


@pytest.mark.parametrize("expression", sorted(NEVER))
def test_the_others_are_understood(stack: Stack, expression: str) -> None:
    assert stack.query(expression) == []
    assert stack.query(re.sub(r" > 0$", " >= 0", expression))


@pytest.mark.parametrize(
    "command", [line for line in dict.fromkeys(COMMANDS) if not line.startswith(FOREIGN)]
)
def test_each_command_of_the_runbook_works(stack: Stack, command: str) -> None:
    done = stack.type(command)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout
