"""The action service as scripts meet it: real programs, tokens, and an alert that fires."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import httpx

from scripts.children import LOOPBACK, Child, free_port
from tests.e2e.browser import Stand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# One may act so often in a minute, and no more.
_TOKENS: Final = 60
_SCOPES: Final = ["read", "act", "alerts", "metrics"]
# As the examples of the description name it.
LABELS: Final = {"alertname": "OpsModuleDown", "backend": "default", "module": "auth"}
_CONFIG: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


@dataclass
class Callers:
    """Scripts with a token each."""

    stand: Stand
    tokens: tuple[str, ...]

    @property
    def token(self) -> str:
        """Of one that may look as often as it likes."""
        return self.tokens[0]


@contextmanager
def callers(folder: Path, alertmanager: Path) -> Iterator[Callers]:
    """Start a designed product and everything that the API needs."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    tokens = tuple(f"0123456789-of-a-script-number-{number}" for number in range(_TOKENS))
    given: list[dict[str, Any]] = []
    for number, token in enumerate(tokens):
        path = folder / f"token-{number}"
        path.write_text(token, "utf-8")
        given.append({"name": f"script-{number}", "token_file": str(path), "scopes": _SCOPES})
    settings = {"auth": {"tokens": given}, "alertmanager": {"url": url}}
    with _alertmanager(alertmanager, folder, port):
        _fire(url)
        with Stand(folder / "stand", generate_s=0.5, settings=settings) as stand:
            yield Callers(stand, tokens)


@contextmanager
def _alertmanager(program: Path, folder: Path, port: int) -> Iterator[None]:
    config = folder / "alertmanager.yml"
    config.write_text(_CONFIG, "utf-8")
    command = [str(program), f"--config.file={config}", "--cluster.listen-address="]
    command += [f"--storage.path={folder / 'alertmanager'}"]
    command += [f"--web.listen-address={LOOPBACK}:{port}"]
    child = Child("alertmanager", command, log=folder / "alertmanager.log")
    try:
        child.wait_until_ready(f"http://{LOOPBACK}:{port}/-/ready")
        yield
    finally:
        child.stop()


def _fire(url: str) -> None:
    now = time.time()
    alert = {
        "labels": {**LABELS, "severity": "warning"},
        "startsAt": datetime.fromtimestamp(now - 60, UTC).isoformat(),
        "endsAt": datetime.fromtimestamp(now + 3600, UTC).isoformat(),
    }
    httpx.post(f"{url}/api/v2/alerts", json=[alert], trust_env=False).raise_for_status()
