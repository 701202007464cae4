"""The action service with a real Prometheus and a real Alertmanager, which tell it of alerts."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final, Self

import httpx
import yaml

from scripts.children import LOOPBACK, Child, free_port
from tests.conftest import ROOT, program
from tests.e2e.browser import DEADLINE_S, Stand

if TYPE_CHECKING:
    from pathlib import Path

RULES: Final = ROOT / "prometheus" / "rules"
_PATIENCE_S: Final = 90.0


class Alerted:
    """
    All of it, running within a ``with`` block: alerts are told within seconds.

    Attributes:
        stand: Product, exporter and action service.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = ExitStack()
        self._ports = {name: free_port() for name in ("prometheus", "alertmanager")}
        managing = {"alertmanager": {"url": self.url("alertmanager")}}
        self.stand = Stand(folder / "stand", settings=managing)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.stand)
        self._alertmanager()
        self._prometheus()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self, name: str) -> str:
        """Return the base URL of Prometheus or Alertmanager."""
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def fires(self, alert: str) -> bool:
        """Say whether a rule of Prometheus fires."""
        query = f'ALERTS{{alertname="{alert}",alertstate="firing"}}'
        url = f"{self.url('prometheus')}/api/v1/query"
        answer = httpx.get(url, params={"query": query}, trust_env=False, timeout=DEADLINE_S)
        return bool(answer.raise_for_status().json()["data"]["result"])

    def silences(self) -> list[dict[str, Any]]:
        """Return the silences that are in force."""
        url = f"{self.url('alertmanager')}/api/v2/silences"
        found = httpx.get(url, trust_env=False, timeout=DEADLINE_S).raise_for_status().json()
        return [one for one in found if one["status"]["state"] != "expired"]

    def until(self, happened: Any, what: str) -> None:
        """Wait until *happened* returns something true."""
        deadline = time.monotonic() + _PATIENCE_S
        while not happened():
            assert time.monotonic() < deadline, what
            time.sleep(0.2)

    def _alertmanager(self) -> None:
        hook = {
            "url": f"{self.stand.home}/webhooks/alertmanager",
            "http_config": {
                "authorization": {"credentials_file": str(self._folder / "stand" / "webhook-token")}
            },
        }
        route = {"receiver": "actions", "group_by": ["..."], "group_wait": "1s"}
        tree = {
            "route": route | {"group_interval": "1s", "repeat_interval": "1h"},
            "receivers": [{"name": "actions", "webhook_configs": [hook]}],
        }
        config = self._folder / "alertmanager.yml"
        config.write_text(yaml.safe_dump(tree), "utf-8")
        self._run(
            "alertmanager",
            str(program("alertmanager")),
            f"--config.file={config}",
            f"--storage.path={self._folder / 'silences'}",
            "--cluster.listen-address=",
        )

    def _prometheus(self) -> None:
        (self._folder / "rules").mkdir()
        for path in sorted(RULES.glob("*.yml")):
            text = json.dumps(_quick(yaml.safe_load(path.read_text("utf-8"))))
            (self._folder / "rules" / path.name).write_text(text, "utf-8")
        targets = {
            f"ops-{name}": self.stand.url(name).removeprefix("http://")
            for name in ("exporter", "actions")
        }
        tree = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(self._folder / "rules" / "*.yml")],
            "alerting": {
                "alertmanagers": [
                    {"static_configs": [{"targets": [f"{LOOPBACK}:{self._ports['alertmanager']}"]}]}
                ]
            },
            "scrape_configs": [
                {
                    "job_name": job,
                    "static_configs": [{"targets": [address], "labels": {"backend": "default"}}],
                }
                for job, address in targets.items()
            ],
        }
        config = self._folder / "prometheus.yml"
        config.write_text(json.dumps(tree), "utf-8")
        self._run(
            "prometheus",
            str(program("prometheus")),
            f"--config.file={config}",
            f"--storage.tsdb.path={self._folder / 'series'}",
        )

    def _run(self, name: str, *command: str) -> None:
        address = f"{LOOPBACK}:{self._ports[name]}"
        words = (*command, f"--web.listen-address={address}")
        child = Child(name, words, log=self._folder / f"{name}.log")
        self._stack.callback(child.stop)
        child.wait_until_ready(f"{self.url(name)}/-/ready")


def _quick(tree: dict[str, Any]) -> dict[str, Any]:
    """Let alerts fire and end at once: how long they hold has tests of its own."""
    for group in tree["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
            rule.pop("keep_firing_for", None)
    return tree
