"""docker-compose.yml, up, with ports of its own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

from scripts.children import LOOPBACK, free_port
from tests.compose.engine import Engine, proxied

if TYPE_CHECKING:
    from collections.abc import Callable

_IMAGE: Final = "ops-exporter:test"
# All but Grafana: nothing in Debian stands in for it.
SERVERS: Final = ("proxy", "exporter", "actions", "prometheus", "alertmanager", "simulator")
_ONCE: Final = ("secrets", "render")
_DEADLINE_S: Final = 300.0


class Stack:
    """
    The containers of one project.

    Attributes:
        origin: Of Grafana and the action service.
        exporter, prometheus, alertmanager: Base URLs.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        names = ("OPS_LISTEN", "OPS_EXPORTER_PORT", "PROMETHEUS_PORT", "ALERTMANAGER_PORT")
        ports = {name: free_port() for name in names}
        self.origin, self.exporter, self.prometheus, self.alertmanager = map(
            proxied, ports.values()
        )
        self._settings = {
            **{name: str(port) for name, port in ports.items()},
            **engine.images(),
            "OPS_LISTEN": f"{LOOPBACK}:{ports['OPS_LISTEN']}",
            "OPS_ORIGIN": self.origin,
            "OPS_EXPORTER_ORIGIN": self.exporter,
            "PROMETHEUS_ORIGIN": self.prometheus,
            "ALERTMANAGER_ORIGIN": self.alertmanager,
            "OPS_IMAGE": _IMAGE,
            "COMPOSE_PROJECT_NAME": "ops-test",
            "COMPOSE_PROFILES": "demo",
        }

    def __enter__(self) -> Self:
        self._engine.build(_IMAGE)
        self.compose("down", "--volumes", "--remove-orphans")  # of a run that was killed
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.compose("down", "--volumes", "--timeout", "20")

    def compose(self, *words: str, check: bool = True, text: str | None = None) -> str:
        """Run docker-compose; return what it printed."""
        done = self._engine.compose(*words, settings=self._settings, check=check, text=text)
        return done.stdout

    def up(self) -> None:
        """Start what does not run, and return once all of it is healthy."""
        self.compose("up", "--detach", "--no-build", *_ONCE, *SERVERS)
        eventually(lambda: set(self.health().values()) == {"healthy"}, self.report)

    def inspect(self, service: str) -> dict[str, Any]:
        """Return what the engine knows of the container of a service."""
        identity = self.compose("ps", "--quiet", service).strip()
        found: list[dict[str, Any]] = json.loads(self._engine.run("inspect", identity).stdout)
        return found[0]

    def health(self) -> dict[str, str]:
        """Return what each server's own health check says."""
        states = {name: self.inspect(name)["State"] for name in SERVERS}
        return {name: state.get("Health", {}).get("Status", "") for name, state in states.items()}

    def execute(self, service: str, *words: str, text: str | None = None) -> str:
        """Run a program in the container of a service."""
        return self.compose("exec", "-T", service, *words, text=text)

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Ask Prometheus; return its vector."""
        answer = httpx.get(
            f"{self.prometheus}/api/v1/query", params={"query": expression}, trust_env=False
        )
        found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
        return found

    def report(self) -> str:
        """Return what a person would look at first."""
        return self.compose("ps") + self.compose("logs", "--no-color", "--tail", "20")


def eventually(is_so: Callable[[], bool], report: Callable[[], str]) -> None:
    """Wait for what takes its time; fail with the report when it does not come."""
    deadline = time.monotonic() + _DEADLINE_S
    while not is_so():
        assert time.monotonic() < deadline, report()
        time.sleep(1.0)
