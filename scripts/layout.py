"""One demo's addresses and settings, and the command line of each program in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml

from scripts.children import LOOPBACK
from scripts.secrecy import USER, Secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one demo runs: its folder, its ports, its pace."""

    folder: Path
    ports: Mapping[str, int]
    dialect: str
    interval_s: int

    def address(self, name: str) -> str:
        """Return host and port of a program."""
        return f"{LOOPBACK}:{self.ports[name]}"

    def url(self, name: str) -> str:
        """Return the base URL of a program."""
        return f"http://{self.address(name)}"

    @property
    def secrets(self) -> Secrets:
        """Tokens, and who may act."""
        return Secrets.of(self.folder)

    @property
    def rendered(self) -> Path:
        """What ``ops-exporter generate`` rendered for this demo."""
        return self.folder / "rendered"

    def environment(self) -> dict[str, str]:
        """Return the environment of the exporter: ours, and its settings from here alone."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("OPS_")}
        # What does not run is not missed.
        alerts = {} if "actions" in self.ports else {"OpsActionsDown": {"enabled": False}}
        return own | {
            "OPS_ALERTS": json.dumps(alerts),
            "OPS_API_URL": self.url("simulator"),
            "OPS_API_TOKEN_FILE": str(self.secrets.read),
            "OPS_POLL_INTERVAL": f"{self.interval_s}s",
            "OPS_STATE_DIR": str(self.folder / "state"),
            "OPS_EXPORTER_URL": self.url("exporter"),
            "OPS_ACTIONS_URL": self.url("sink"),
            "OPS_PROMETHEUS_URL": self.url("prometheus"),
            "OPS_ALERTMANAGER_URL": self.url("alertmanager"),
        }

    def acting(self) -> dict[str, str]:
        """Return the same of a stack with the action service: people read on in the sink."""
        offered = {
            "OPS_ACTIONS_CLEAR_CACHE": json.dumps({"path": "/api/monitoring/cache/clear"}),
            "OPS_ACTIONS_CANCEL_JOB": json.dumps(
                {"path": "/api/v1/ingestion/jobs/{job_id}/cancel"}
            ),
        }
        everything = {"url": self.url("sink"), "severities": ["critical", "warning", "info"]}
        own = self.environment() | (offered if self.dialect == "designed" else {})
        return own | {
            "OPS_ACTIONS_URL": self.url("actions"),
            "OPS_ADMIN_TOKEN_FILE": str(self.secrets.admin),
            "OPS_WEBHOOK_TOKEN_FILE": str(self.secrets.webhook),
            "OPS_AUTH_OPERATORS": json.dumps([USER]),
            "OPS_ALERTMANAGER_WEBHOOK_TOKEN_FILE": str(self.secrets.webhook),
            "OPS_ALERTMANAGER_WEBHOOK": json.dumps([everything]),
        }


def ours(command: str, *options: Mapping[str, object]) -> list[str]:
    """Return a command line of ops-exporter, as installed beside this Python."""
    flags = [str(part) for mapping in options for pair in mapping.items() for part in pair]
    return [str(Path(sys.executable).with_name("ops-exporter")), command, *flags]


def listen(site: Site, name: str) -> dict[str, object]:
    """Return the flag that says where a server of ours listens."""
    return {"--web.listen-address": site.address(name)}


def located(program: str) -> Path | None:
    """Return where *program* is, fetched if need be; None when it cannot be had."""
    command = [str(ROOT / "scripts" / "debian-packages"), program]
    done = subprocess.run(  # noqa: S603 - our own script; it tells the user what it does
        command, stdout=subprocess.PIPE, text=True, check=False
    )
    return Path(done.stdout.strip()) if done.returncode == 0 else None


def prometheus_command(site: Site, program: Path, *, notify: bool) -> list[str]:
    """
    Write Prometheus's configuration, of the shape of ours, and return its command line.

    It scrapes what the site has of our own programs.
    """
    config = load_yaml(ROOT / "prometheus" / "prometheus.yml")
    interval = f"{site.interval_s}s"
    config["global"] = {"scrape_interval": interval, "evaluation_interval": interval}
    config["rule_files"] = [str(site.rendered / "prometheus" / "rules" / "*.yml")]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    here = {f"ops-{name}": name for name in ("exporter", "actions") if name in site.ports}
    for job, name in here.items():
        jobs[job]["static_configs"][0]["targets"] = [site.address(name)]
    config["scrape_configs"] = [jobs[job] for job in here]
    manager = config["alerting"]["alertmanagers"][0]["static_configs"][0]
    manager["targets"] = [site.address("alertmanager")] if notify else []
    path = site.folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    return [
        str(program),
        f"--config.file={path}",
        f"--storage.tsdb.path={site.folder / 'prometheus'}",
        f"--web.listen-address={site.address('prometheus')}",
    ]


def alertmanager_command(site: Site, program: Path) -> list[str]:
    """Write Alertmanager's configuration, quicker than the rendered one; return its command."""
    config = load_yaml(site.rendered / "alertmanager" / "alertmanager.yml")
    quicken(config["route"], site.interval_s)
    path = site.rendered / "alertmanager" / "demo.yml"
    path.write_text(yaml.safe_dump(config, sort_keys=False), "utf-8")
    return [
        str(program),
        f"--config.file={path}",
        f"--storage.path={site.folder / 'alertmanager'}",
        f"--web.listen-address={site.address('alertmanager')}",
        "--cluster.listen-address=",  # a demo has no peers and opens no other port
    ]


def quicken(route: dict[str, Any], interval_s: int) -> None:
    """Let a route and those below it notify at once: minutes are for people who are not looking."""
    route |= {"group_wait": "1s", "group_interval": f"{interval_s}s"}
    for child in route.get("routes", []):
        quicken(child, interval_s)


def hold_of(rendered: Path, alert: str) -> str:
    """Return how long *alert* must hold before it fires, as its rule says; LookupError if none."""
    for path in sorted((rendered / "prometheus" / "rules").glob("*.yml")):
        for group in load_yaml(path)["groups"]:
            for rule in group["rules"]:
                if rule.get("alert") == alert:
                    return str(rule.get("for", "0s"))
    message = f"no rule {alert} below {rendered}"
    raise LookupError(message)


def load_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file."""
    tree: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return tree
