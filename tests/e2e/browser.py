"""The action service as people meet it: real programs on loopback, looked at with Chromium."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Self

import bcrypt
import httpx
import yaml
from playwright.sync_api import sync_playwright

from scripts.children import LOOPBACK, Child, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from playwright.sync_api import Browser, Page

# In this process's Python, so that coverage sees them.
OURS: Final = (sys.executable, "-m", "exporter.cli")
PASSWORD: Final = "correct horse battery"  # noqa: S105 - of a test
# May act, and may look.
OPERATOR: Final = "ann"
VIEWER: Final = "vic"
DESKTOP: Final = (1600, 1000)
PHONE: Final = (390, 844)
DEADLINE_S: Final = 30.0
_READ: Final = "0123456789-what-only-a-test-may-read"
_ADMIN: Final = "0123456789-what-only-a-test-may-do"
_WEBHOOK: Final = "0123456789-what-only-a-test-may-tell"
_COST: Final = 4
# What an API of the designed dialect, and the simulator, have beside the design.
_OFFERED: Final = {
    "clear_cache": {"path": "/api/monitoring/cache/clear"},
    "cancel_job": {"path": "/api/v1/ingestion/jobs/{job_id}/cancel"},
}


@dataclass
class Stand:
    """
    Simulator, exporter and action service, running within a ``with`` block.

    Args:
        generate_s: How long the product needs for its sparse embeddings.
        settings: Of exporter and action service beside those of their place, as in the file.
    """

    folder: Path
    dialect: str = "designed"
    generate_s: float = 4.0
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ports = {name: free_port() for name in ("simulator", "exporter", "actions")}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, token in (("read", _READ), ("admin", _ADMIN), ("webhook", _WEBHOOK)):
            (self.folder / f"{name}-token").write_text(token, "utf-8")
        config, web = self.folder / "ops.yml", self.folder / "web.yml"
        config.write_text(yaml.safe_dump(self._settings()), "utf-8")
        hash_ = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(_COST)).decode()
        users = dict.fromkeys((OPERATOR, VIEWER), hash_)
        web.write_text(yaml.safe_dump({"basic_auth_users": users}), "utf-8")
        read, admin = self.folder / "read-token", self.folder / "admin-token"
        self._run(
            "simulator",
            "simulate",
            *("--dialect", self.dialect, "--slow-scale", "0.02"),
            *("--generate-seconds", str(self.generate_s)),
            *("--token.file", str(read), "--admin-token.file", str(admin)),
            ready="/-/healthy",
        )
        self._run("exporter", "serve", "--config.file", str(config), ready="/-/ready")
        self._run(
            "actions",
            "actions",
            *("--config.file", str(config), "--web.config.file", str(web)),
            ready="/-/ready",
        )

    @property
    def home(self) -> str:
        """The base URL of the pages."""
        return self.url("actions")

    def url(self, name: str) -> str:
        """Return the base URL of a program."""
        return f"http://{LOOPBACK}:{self._ports[name]}"

    def fault(self, **description: object) -> None:
        """Let the product suffer from something."""
        url = f"{self.url('simulator')}/-/faults"
        httpx.post(url, json=description, trust_env=False).raise_for_status()

    def mend(self) -> None:
        """Let the product suffer from nothing any more."""
        httpx.delete(f"{self.url('simulator')}/-/faults", trust_env=False).raise_for_status()

    def notify(self, *alerts: Mapping[str, Any]) -> None:
        """Speak to the webhook as Alertmanager does."""
        body = {"version": "4", "status": "firing", "receiver": "ops", "alerts": list(alerts)}
        url, headers = f"{self.home}/webhooks/alertmanager", {"authorization": f"Bearer {_WEBHOOK}"}
        httpx.post(url, json=body, headers=headers, trust_env=False).raise_for_status()

    def jobs(self) -> list[dict[str, Any]]:
        """Return the product's own list of ingestion jobs."""
        jobs: list[dict[str, Any]] = self._ask("/api/v1/ingestion/jobs/history?limit=100")
        return jobs

    def cache(self) -> dict[str, Any]:
        """Return what the product says of its cache."""
        cache: dict[str, Any] = self._ask("/api/monitoring/cache/stats")
        return cache

    def _ask(self, path: str) -> Any:
        headers = {"authorization": f"Bearer {_READ}"}
        answer = httpx.get(f"{self.url('simulator')}{path}", headers=headers, trust_env=False)
        return answer.raise_for_status().json()

    def _settings(self) -> dict[str, Any]:
        actions: dict[str, Any] = {"url": self.home, "cooldown": "0s"}
        if self.dialect == "designed":
            actions |= _OFFERED
        whole: dict[str, Any] = {
            "api": {
                "url": self.url("simulator"),
                "token_file": str(self.folder / "read-token"),
            },
            "poll": {"interval": "1s"},
            "state_dir": str(self.folder / "state"),
            "exporter_url": self.url("exporter"),
            "admin_token_file": str(self.folder / "admin-token"),
            "webhook_token_file": str(self.folder / "webhook-token"),
            "auth": {"operators": [OPERATOR]},
            "actions": actions,
        }
        for name, value in self.settings.items():
            more = isinstance(value, dict) and name in whole
            whole[name] = {**whole[name], **value} if more else value
        return whole

    def _run(self, name: str, *command: str, ready: str) -> None:
        words = [*OURS, *command, "--web.listen-address", f"{LOOPBACK}:{self._ports[name]}"]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OPS_")}
        child = Child(name, words, log=self.folder / f"{name}.log", env=environment)
        self._stack.callback(child.stop)
        child.wait_until_ready(f"{self.url(name)}{ready}")


@contextmanager
def chromium(program: Path) -> Iterator[Browser]:
    """Start the browser; there is no sandbox in a container, and no page of strangers here."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def looking(
    browser: Browser,
    stand: Stand,
    name: str = OPERATOR,
    *,
    javascript: bool = True,
    size: tuple[int, int] = DESKTOP,
    dark: bool = False,
) -> Iterator[Page]:
    """
    Open a page in a browser of its own, in which *name* has signed in.

    What a script of the page complains of fails the test.
    """
    width, height = size
    context = browser.new_context(
        base_url=stand.home,
        java_script_enabled=javascript,
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
    )
    context.set_default_timeout(DEADLINE_S * 1000)
    complaints: list[str] = []
    try:
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda line: _note(complaints, line.type, line.text))
        page.goto("/login")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{stand.home}/")
        yield page
    finally:
        context.close()
    assert not complaints, complaints


def _note(complaints: list[str], kind: str, text: str) -> None:
    # That a page answers 404 or 409 is no mistake of a script.
    if kind == "error" and "Failed to load resource" not in text:
        complaints.append(text)


def violations(page: Page) -> list[str]:
    """Return what axe-core finds that keeps somebody from using the page."""
    page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{page.url}: {rule['id']}: {rule['help']}: {json.dumps(node['html'])[:300]}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than the screen."""
    script = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return int(page.evaluate(script))
