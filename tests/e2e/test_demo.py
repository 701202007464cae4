"""`make demo` as a user runs it: real Prometheus, real Alertmanager, real signals."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from exporter.catalogue import metrics, own_metrics
from exporter.catalogue.model import Dialect, Metric
from scripts.children import Child, ChildError, free_port
from scripts.demo import PORTS
from scripts.secrecy import USER
from tests.service.frame import sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).resolve().parents[2]
DOWN = "OpsMonitoringApiDown"


@dataclass(frozen=True)
class Running:
    """A demo with its ports, and the folder that it may put its temporary folder into."""

    child: Child
    ports: dict[str, int]
    temporary: Path

    def url(self, name: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}{path}"

    def get(self, name: str, path: str, **query: str) -> Any:
        return httpx.get(self.url(name, path), params=query, trust_env=False).json()

    def shown(self) -> str:
        return self.child.log.read_text("utf-8")

    def descendants(self) -> list[int]:
        return list(descendants_of(self.child.pid))


def descendants_of(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
        yield int(child)
        yield from descendants_of(int(child))


def eventually(happened: Callable[[], object], *, within_s: float, demo: Running) -> None:
    """Wait until *happened* returns something true; fail with what the demo showed otherwise."""
    until = time.monotonic() + within_s
    while not happened():
        demo.child.check()
        assert time.monotonic() < until, f"not within {within_s:g} s:\n{demo.shown()}"
        time.sleep(0.2)


def begin(folder: Path) -> Running:
    """Start a demo at a quick pace, and return once it says that all is ready."""
    temporary = folder / "tmp"
    temporary.mkdir()
    ports = {name: free_port() for name in PORTS}
    flags = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
    command = [sys.executable, "-m", "scripts.demo", "--interval", "1", *flags]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    child = Child("demo", command, log=folder / "demo.log", env=environment)
    demo = Running(child, ports, temporary)
    try:
        eventually(lambda: "Ctrl-C stops everything" in demo.shown(), within_s=120, demo=demo)
    except BaseException:
        child.stop()
        raise
    return demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = begin(tmp_path_factory.mktemp("demo"))
    yield running
    running.child.stop()


@pytest.fixture
def own_demo(tmp_path: Path) -> Iterator[Running]:
    """Start a demo that the test may break."""
    running = begin(tmp_path)
    yield running
    running.child.stop()


def due(metric: Metric) -> bool:
    """Tell whether the exporter shows *metric* while a healthy backend speaks the designed way."""
    anomaly = metric.open_labels
    return not metric.service and not anomaly and metric.dialect is not Dialect.DEPLOYED


def test_prometheus_sees_exporter_and_action_service_up(demo: Running) -> None:
    def targets() -> dict[str, str]:
        active = demo.get("prometheus", "/api/v1/targets")["data"]["activeTargets"]
        return {target["labels"]["job"]: target["health"] for target in active}

    up = {"ops-exporter": "up", "ops-actions": "up"}
    eventually(lambda: targets() == up, within_s=30, demo=demo)


def test_nearly_every_metric_of_the_catalogue_has_series(demo: Running) -> None:
    wanted = {metric.name for metric in (*metrics.ALL, *own_metrics.ALL) if due(metric)}

    def missing() -> set[str]:
        names = demo.get("prometheus", "/api/v1/label/__name__/values")["data"]
        return wanted - set(names)

    # Heavy endpoints are asked late and alone.
    eventually(lambda: len(missing()) <= len(wanted) / 10, within_s=60, demo=demo)


def test_an_outage_is_notified_and_resolved(demo: Running) -> None:
    fault = {"kind": "down", "endpoint": "*"}
    eventually(lambda: up(demo) == "1", within_s=30, demo=demo)

    httpx.post(demo.url("simulator", "/-/faults"), json=fault, trust_env=False).raise_for_status()
    eventually(lambda: notified(demo, "FIRING"), within_s=180, demo=demo)
    httpx.delete(demo.url("simulator", "/-/faults"), trust_env=False).raise_for_status()

    eventually(lambda: notified(demo, "RESOLVED"), within_s=180, demo=demo)

    eventually(lambda: taken(demo), within_s=30, demo=demo)


def taken(demo: Running) -> list[Any]:
    """Return what the action service was told and has written down."""
    stored = 'ops_webhook_notifications_total{status="stored"} > 0'
    found: list[Any] = demo.get("prometheus", "/api/v1/query", query=stored)["data"]["result"]
    return found


async def test_who_has_the_password_may_act(demo: Running) -> None:
    (kept,) = demo.temporary.glob("*/password")
    password = kept.read_text("utf-8")
    async with httpx.AsyncClient(base_url=demo.url("actions", ""), trust_env=False) as client:
        assert (await client.get("/actions/refresh")).status_code == 401
        assert (await sign_in(client, USER, "another password")).status_code != 303
        assert (await sign_in(client, USER, password)).status_code == 303
        page = await client.get("/actions/refresh")

    assert page.status_code == 200
    assert "form_token" in page.text  # an operator's page has a form to send
    assert kept.stat().st_mode & 0o077 == 0
    assert password not in demo.shown()


def up(demo: Running) -> str | None:
    result = demo.get("prometheus", "/api/v1/query", query="ops_up")["data"]["result"]
    return result[0]["value"][1] if result else None


def notified(demo: Running, status: str) -> bool:
    return any({status, DOWN} <= set(line.split()) for line in demo.shown().splitlines())


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing_behind(
    own_demo: Running, stop: signal.Signals
) -> None:
    started = own_demo.descendants()
    assert len(started) >= 5  # simulator, exporter, action service, Prometheus, Alertmanager

    os.kill(own_demo.child.pid, stop)
    eventually_ended(own_demo)

    assert own_demo.child.exit_code == 0
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
    assert list(own_demo.temporary.iterdir()) == []


def test_a_program_that_dies_is_named_and_stops_the_rest(own_demo: Running) -> None:
    started = own_demo.descendants()
    exporter = next(pid for pid in started if b"serve" in command_of(pid))

    os.kill(exporter, signal.SIGKILL)
    eventually_ended(own_demo)

    assert own_demo.child.exit_code == 1
    assert "exporter ended with exit code -9" in own_demo.shown()
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    port = free_port()
    server = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    other = Child("server", server, log=tmp_path / "server.log")
    try:
        other.wait_until_ready(f"http://127.0.0.1:{port}/")
        command = [sys.executable, "-m", "scripts.demo", "--exporter-port", str(port)]
        done = subprocess.run(  # noqa: S603 - our own script
            command, capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        other.stop()

    assert done.returncode == 1
    assert f"--exporter-port {port}: something listens there" in done.stdout


def command_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def eventually_ended(demo: Running) -> None:
    with pytest.raises(ChildError):
        eventually(lambda: False, within_s=60, demo=demo)
