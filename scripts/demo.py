"""``make demo``: the whole stack on loopback, fed by the simulator, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from scripts.children import LOOPBACK, Child, ChildError, free_port
from scripts.layout import (
    Site,
    alertmanager_command,
    hold_of,
    listen,
    located,
    ours,
    prometheus_command,
)
from scripts.secrecy import USER
from scripts.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PORTS: Final = {
    "simulator": 9846,
    "exporter": 9847,
    "prometheus": 9090,
    "alertmanager": 9093,
    "actions": 9848,
    "sink": 9849,
}
_DOWN_ALERT: Final = "OpsMonitoringApiDown"
# A poll, a scrape, an evaluation, a notification: each waits for its turn once.
_TURNS: Final = 4
_STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Demo:
    """The running stack; what it started ends with its ``with`` block, last started first."""

    def __init__(self, site: Site, console: Console, stack: ExitStack) -> None:
        self._site = site
        self._console = console
        self._stack = stack
        self._children: list[Child] = []

    def start(self) -> None:
        """
        Start everything that can be had and wait until it is ready.

        Raises:
            ChildError: If a program ended or did not become ready.
        """
        site = self._site
        for name in ("state", "logs", "prometheus", "alertmanager"):
            (site.folder / name).mkdir(parents=True, exist_ok=True)
        password = site.secrets.make()
        self._render()
        programs = {name: located(name) for name in ("prometheus", "alertmanager")}

        self._stack.enter_context(Sink((LOOPBACK, site.ports["sink"]), self._console.print))
        options = {
            "--dialect": site.dialect,
            "--token.file": site.secrets.read,
            "--admin-token.file": site.secrets.admin,
        }
        self._run("simulator", ours("simulate", listen(site, "simulator"), options), "/-/healthy")
        self._run("exporter", ours("serve", listen(site, "exporter")), "/-/ready")
        users = {"--web.config.file": site.secrets.web}
        self._run("actions", ours("actions", listen(site, "actions"), users), "/-/ready")
        if alertmanager := programs["alertmanager"]:
            self._run("alertmanager", alertmanager_command(site, alertmanager), "/-/ready")
        if prometheus := programs["prometheus"]:
            command = prometheus_command(site, prometheus, notify=alertmanager is not None)
            self._run("prometheus", command, "/-/ready")
        self._tell([name for name, path in programs.items() if path is None], password)

    def watch(self) -> None:
        """Return never; raise ChildError as soon as a child has ended."""
        while True:
            for child in self._children:
                child.check()
            time.sleep(0.2)

    def _run(self, name: str, command: Sequence[str], ready: str) -> None:
        site = self._site
        log = site.folder / "logs" / f"{name}.log"
        with signals_held():  # no child is born and forgotten
            child = Child(name, command, log=log, env=site.acting())
            self._stack.callback(child.stop)
        self._children.append(child)
        child.wait_until_ready(f"{site.url(name)}{ready}")

    def _render(self) -> None:
        """Render rules and Alertmanager's configuration for this demo's addresses."""
        command = ours("generate", {"--output": self._site.rendered})
        done = subprocess.run(  # noqa: S603 - our own command
            command, env=self._site.acting(), capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            message = (
                f"generate ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}"
            )
            raise ChildError(message)

    def _tell(self, missing: Sequence[str], password: str) -> None:
        """Say where everything is, what to look at, how to break it and what happens then."""
        site, write = self._site, self._console.print
        what = {
            "simulator": f"the monitored API, {site.dialect} dialect",
            "exporter": "its /metrics, and its verdict on each endpoint",
            "actions": "buttons, live alerts, history, thresholds",
            "prometheus": "graphs, alerts and targets",
            "alertmanager": "alerts and silences: /api/v2/alerts",
        }
        write()
        for name, text in what.items():
            url = "not running" if name in missing else site.url(name)
            write(f"  [bold]{name.capitalize():<14}[/]{url:<24}[dim]{text}[/]")
        # A password is for a terminal: what goes elsewhere may be kept.
        known = password if self._console.is_terminal else f"in {site.secrets.password}"
        write(f"\n  Sign in to the actions as [bold]{USER}[/], password [bold]{escape(known)}[/]")
        write(f"  [dim]Logs and data: {escape(str(site.folder))}[/]\n")
        for title, lines in self._suggestions(missing).items():
            write(f"  [bold]{title}[/]")
            for line in lines:
                write(f"    {line}")
        write("\n  Ctrl-C stops everything. Notifications:\n")

    def _suggestions(self, missing: Sequence[str]) -> dict[str, list[str]]:
        faults = f"{self._site.url('simulator')}/-/faults"
        break_it = f"""curl -X POST {faults} -d '{{"kind": "down", "endpoint": "*"}}'"""
        mend_it = f"curl -X DELETE {faults}"
        if missing:
            return {"Break the API": [break_it], "Mend it": [mend_it]}
        hold = hold_of(self._site.rendered, _DOWN_ALERT)
        return {
            "Ask Prometheus": [
                'ops_api_response_time_seconds{quantile="0.95"}',
                "sum by (module) (ops_module_status == 1)",
                "ops_endpoint_interval_seconds",
            ],
            "Break the API": [
                break_it,
                f"[dim]{_DOWN_ALERT} fires below when it has held for {hold}.[/]",
            ],
            "Mend it": [
                mend_it,
                f"[dim]It resolves within about {_TURNS * self._site.interval_s} s.[/]",
            ],
        }


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; each port may come from the environment too (DEMO_EXPORTER_PORT)."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--dialect", choices=("designed", "deployed"), default="designed")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep logs and data here")
    parser.add_argument(
        "--interval", type=int, default=5, metavar="SECONDS", help="of polls, scrapes and rules"
    )
    for name, port in PORTS.items():
        parser.add_argument(
            f"--{name}-port",
            type=int,
            metavar="PORT",
            default=os.environ.get(f"DEMO_{name.upper()}_PORT"),
            help=f"default: {port}, or a free one",
        )
    return parser.parse_args(arguments)


def chosen_ports(options: argparse.Namespace) -> dict[str, int]:
    """
    Return the configured port of each program, else the well-known one, else a free one.

    Raises:
        ChildError: If something listens on a configured port.
    """
    ports: dict[str, int] = {}
    for name, well_known in PORTS.items():
        wanted = getattr(options, f"{name}_port")
        ports[name] = free_port(wanted or well_known)
        if wanted and ports[name] != wanted:
            message = f"--{name}-port {wanted}: something listens there: choose another port"
            raise ChildError(message)
    return ports


def interrupted(*_: object) -> None:
    """Treat SIGTERM and a closed terminal as Ctrl-C."""
    raise KeyboardInterrupt


@contextmanager
def signals_held() -> Iterator[None]:
    """Let a signal that stops us wait until the block is over."""
    held: list[int] = []
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            signal.signal(number, interrupted)
    if held:
        raise KeyboardInterrupt


def run(options: argparse.Namespace, console: Console, stack: ExitStack) -> None:
    """
    Run the stack; return never.

    Raises:
        ChildError: If something of it ended or did not start.
        KeyboardInterrupt: When it shall stop.
    """
    try:
        if options.data is None:
            prefix = "ops-exporter-demo-"
            options.data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))
        site = Site(
            folder=options.data.resolve(),
            ports=chosen_ports(options),
            dialect=options.dialect,
            interval_s=options.interval,
        )
        demo = Demo(site, console, stack)
        demo.start()
        demo.watch()
    finally:
        for number in _STOP_SIGNALS:  # nothing may interrupt the cleaning up
            signal.signal(number, signal.SIG_IGN)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo until Ctrl-C (exit code 0) or until something of it ends (1)."""
    options = parse(arguments)
    console = Console(highlight=False, soft_wrap=True)
    for number in _STOP_SIGNALS:
        signal.signal(number, interrupted)
    try:
        with ExitStack() as stack:
            run(options, console, stack)
    except ChildError as error:
        console.print(Text.assemble("\n", ("Stopped: ", "bold red"), str(error)))
        return 1
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
