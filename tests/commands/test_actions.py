"""The action service as a program: what it shows, keeps, copies, and never tells."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import bcrypt
import httpx
import pytest
import yaml

from exporter.catalogue.actions import API, REFRESH, WEBHOOK
from tests.commands.conftest import DEADLINE_S, PROGRAM, clean_environment, wait_for_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scripts.children import Child
    from tests.commands.conftest import Cli
    from tests.conftest import Start

ADMIN_TOKEN: Final = "hush-what-acts-0123456789"  # noqa: S105 - of a test
WEBHOOK_TOKEN: Final = "hush-what-notifies-0123456789"  # noqa: S105 - of a test
SCRIPT_TOKEN: Final = "hush-what-scripts-bear-0123456789"  # noqa: S105 - of a test
PASSWORD: Final = "hush what people type"  # noqa: S105 - of a test
MISTYPED: Final = "hush what people mistype"
NEW: Final = "hush what nobody else knows"
TOKEN: Final = re.compile(r'name="form_token" value="([^"]+)"')
ALERT: Final = {
    "status": "firing",
    "labels": {"alertname": "OpsQueueBacklogHigh", "severity": "warning"},
    "annotations": {"summary": "Too many tasks wait."},
    "startsAt": "2027-01-15T08:00:00Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "generatorURL": "",
    "fingerprint": "0123456789abcdef",
}
NOTIFICATION: Final = {"version": "4", "status": "firing", "receiver": "ops", "alerts": [ALERT]}


class Actions:
    """The service, before it starts: a folder and an address."""

    def __init__(self, folder: Path, port: int, start: Start) -> None:
        self.state = folder / "state"
        self.url = f"http://127.0.0.1:{port}"
        self.file = folder / "ops.yml"
        self.configure()
        self._start = start
        self._address = f"127.0.0.1:{port}"

    def configure(self, **settings: Any) -> None:
        """Write the configuration: nobody listens at any address of it."""
        nobody = "http://127.0.0.1:1"
        given = {
            "api": {"url": nobody},
            "alertmanager": {"url": nobody},
            "exporter_url": nobody,
            "state_dir": str(self.state),
            "actions": {"url": self.url},
        }
        self.file.write_text(yaml.safe_dump(given | settings))

    def command(self, *words: object) -> list[str]:
        """Return the command line."""
        given = ("--config.file", self.file, "--web.listen-address", self._address)
        return [*PROGRAM, "actions", *map(str, (*given, *words))]

    def start(self, *words: object, ready: str = "/-/ready") -> Child:
        """Start it; its output goes into a file."""
        mine = dict.fromkeys(os.environ.keys() - clean_environment().keys(), "")
        return self._start(*self.command(*words), ready=f"{self.url}{ready}", env=mine)

    def browser(self) -> httpx.Client:
        """Return a browser."""
        headers = {"accept": "text/html"}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False)


@pytest.fixture
def actions(start: Start, free_port: Callable[[], int], tmp_path: Path) -> Actions:
    return Actions(tmp_path, free_port(), start)


def test_its_help_names_every_flag(cli: Cli) -> None:
    done = cli("actions", "--help")

    assert done.returncode == 0
    for flag in (
        *("--config.file", "--web.listen-address", "--web.config.file", "--web.telemetry-path"),
        *("--web.enable-lifecycle", "--database.backup", "--auth.new-password"),
        *("--log.level", "--log.format"),
    ):
        assert flag in done.stdout


def test_without_a_folder_or_a_database_it_says_what_is_missing(cli: Cli) -> None:
    done = cli("actions", "--web.listen-address", "127.0.0.1:0")

    assert done.returncode == 1
    assert "ops-exporter: state_dir: nothing: write the path of a folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_secret_that_cannot_be_used_keeps_it_from_starting(cli: Cli, tmp_path: Path) -> None:
    done = cli(
        *("actions", "--web.listen-address", "127.0.0.1:0"),
        OPS_STATE_DIR=str(tmp_path),
        OPS_WEBHOOK_TOKEN="hush",  # noqa: S106 - of a test
    )

    assert done.returncode == 1
    assert "webhook_token: (a secret, not shown): is too easy to guess" in done.stderr
    assert "hush" not in done.stderr


def test_on_a_terminal_the_first_password_is_shown_there_and_kept_nowhere(
    actions: Actions, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with on_a_terminal(actions.command(), log) as read:
        shown = read(re.compile(r"First user: admin\s+Password:\s+(\S+)\s"))

    assert len(shown) >= 24
    assert not (actions.state / "first-password").exists()
    assert shown not in log.read_text()
    assert shown.encode() not in contents(actions.state)


def test_without_a_terminal_it_is_in_a_file_until_it_is_changed(actions: Actions) -> None:
    child = actions.start()
    file = actions.state / "first-password"
    password = file.read_text().strip()
    assert file.stat().st_mode & 0o777 == 0o600
    assert password not in child.log.read_text()
    assert str(file) in child.log.read_text()

    with actions.browser() as client:
        assert sign_in(client, "admin", password).headers["location"] == "/password"
        form = {"old": password, "new": NEW, "again": NEW, **form_of(client, "/password")}
        assert client.post("/password", data=form).status_code == 303

    assert not file.exists()
    child.stop()
    assert NEW not in child.log.read_text()
    assert NEW.encode() not in contents(actions.state)


def test_whoever_has_lost_the_password_gets_another_one(actions: Actions, cli: Cli) -> None:
    file = actions.state / "first-password"
    actions.start()
    lost = file.read_text().strip()

    done = cli("actions", "--config.file", actions.file, "--auth.new-password")

    assert done.returncode == 0
    found = file.read_text().strip()
    assert found != lost
    assert found not in done.stdout + done.stderr
    with actions.browser() as client:
        assert sign_in(client, "admin", lost).status_code == 403
        assert sign_in(client, "admin", found).status_code == 303


def test_a_copy_of_the_database_is_made_while_it_runs(
    actions: Actions, cli: Cli, tmp_path: Path
) -> None:
    actions.configure(webhook_token=WEBHOOK_TOKEN)
    actions.start()
    notify(actions).raise_for_status()
    copy = tmp_path / "copy.sqlite"

    done = cli("actions", "--config.file", actions.file, "--database.backup", copy)

    assert done.returncode == 0
    assert done.stdout == f"{copy}: {copy.stat().st_size} bytes\n"
    assert copy.stat().st_mode & 0o777 == 0o600
    database = sqlite3.connect(copy)
    assert "OpsQueueBacklogHigh" in "\n".join(database.iterdump())
    database.close()


def test_no_secret_is_logged_shown_counted_or_kept(actions: Actions, tmp_path: Path) -> None:
    files = {"admin": ADMIN_TOKEN, "webhook": WEBHOOK_TOKEN, "script": SCRIPT_TOKEN}
    for name, token in files.items():
        (tmp_path / name).write_text(token)
    scopes = ["read", "act", "alerts", "metrics"]
    nightly = {"name": "nightly", "token_file": str(tmp_path / "script"), "scopes": scopes}
    actions.configure(
        admin_token_file=str(tmp_path / "admin"),
        webhook_token_file=str(tmp_path / "webhook"),
        auth={"operators": ["ann"], "tokens": [nightly]},
    )
    hash_ = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    web = tmp_path / "web.yml"
    web.write_text(yaml.safe_dump({"basic_auth_users": {"ann": hash_}}))
    child = actions.start(
        *("--web.config.file", web, "--web.enable-lifecycle", "--log.level", "debug")
    )
    told = Path(f"/proc/{child.pid}/cmdline").read_text()
    bearer = {"authorization": f"Bearer {SCRIPT_TOKEN}", "accept": "application/json"}
    with actions.browser() as client:
        answers = [sign_in(client, "ann", MISTYPED), sign_in(client, MISTYPED, PASSWORD)]
        answers += [sign_in(client, "ann", PASSWORD), notify(actions), notify(actions, MISTYPED)]
        # Nobody is there to hear it: what it bears must not be in the reason.
        form = {"backend": "default", **form_of(client, REFRESH.path)}
        answers += [client.post(REFRESH.path, data=form), client.get("/audit")]
        answers += [client.get("/audit/1"), client.get("/"), client.get("/jobs")]
        answers += [client.post("/-/reload", headers=bearer)]
        answers += [client.post("/-/reload", auth=("ann", MISTYPED)), client.get("/metrics")]
        answers += [client.get(f"{API.path}/{path}", headers=bearer) for path in ("audit", "jobs")]
        held = dict(client.cookies)
    told += "".join(f"{answer.url}{answer.headers.get('location')}" for answer in answers)
    told += "".join(answer.text for answer in answers)
    os.kill(child.pid, signal.SIGHUP)
    child.stop()
    assert wait_for_end(child) == 0
    log = child.log.read_text()

    assert log.count("wrong user name or password") >= 3
    assert "reloaded" in told
    assert "level=error" not in log
    kept = contents(actions.state).decode("latin-1")
    assert "OpsQueueBacklogHigh" in kept
    secrets = (ADMIN_TOKEN, WEBHOOK_TOKEN, SCRIPT_TOKEN, PASSWORD, hash_, *held.values())
    assert len(held) == 2
    for secret in secrets:
        assert secret not in told + log + kept
    # People type their password where their name belongs: the form has it again, nothing else does.
    assert MISTYPED not in log + kept


def notify(actions: Actions, token: str = WEBHOOK_TOKEN) -> httpx.Response:
    """Speak as Alertmanager does."""
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=actions.url, headers=headers, trust_env=False) as client:
        return client.post(WEBHOOK.path, json=NOTIFICATION)


def sign_in(client: httpx.Client, name: str, password: str) -> httpx.Response:
    """Fill in the form."""
    values = {"user": name, "password": password, **form_of(client, "/login")}
    return client.post("/login", data=values)


def form_of(client: httpx.Client, path: str) -> dict[str, str]:
    """Return the token on a page."""
    found = TOKEN.search(client.get(path).text)
    assert found
    return {"form_token": found[1]}


def contents(folder: Path) -> bytes:
    """Return all bytes of all files."""
    return b"".join(path.read_bytes() for path in sorted(folder.iterdir()))


@contextmanager
def on_a_terminal(command: list[str], log: Path) -> Iterator[Callable[[re.Pattern[str]], str]]:
    """Run *command* with a terminal as its output; yield what waits for a text there."""
    ours, theirs = pty.openpty()
    with log.open("wb") as errors:
        child = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=theirs, stderr=errors, env=clean_environment()
        )
    os.close(theirs)

    def read(wanted: re.Pattern[str]) -> str:
        text = ""
        while not (found := wanted.search(text)):
            assert select.select([ours], [], [], DEADLINE_S)[0], text
            text += os.read(ours, 4096).decode()
        return found[1]

    try:
        yield read
    finally:
        child.terminate()
        child.wait(DEADLINE_S)
        os.close(ours)
