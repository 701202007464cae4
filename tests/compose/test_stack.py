"""The stack in containers, as a team without any of its own would start it."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from scripts.children import LOOPBACK
from tests.compose.stack import SERVERS, eventually
from tests.e2e.replica import hidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.compose.stack import Stack

NEW: Final = "a password that is long enough"
BOARD: Final = "/rendered/grafana/dashboards/ops-overview.json"
DOWN: Final = "OpsMonitoringApiDown"
# Run in the container of the simulator: nobody else reaches it.
FAULT: Final = """
import json, sys, urllib.request
body = json.dumps({"kind": "down", "endpoint": "*"}).encode() if sys.argv[1] == "POST" else None
urllib.request.urlopen(urllib.request.Request(
    "http://127.0.0.1:9846/-/faults", data=body, method=sys.argv[1]))
"""


@pytest.fixture(scope="module")
def admin(stack: Stack) -> Iterator[httpx.Client]:
    """A browser whose user has changed the first password, as it is found in the container."""
    first = stack.execute("actions", "cat", "/var/lib/ops/first-password").strip()
    # All of the address stands in each path: httpx would drop the folder of a base URL.
    with httpx.Client(base_url=f"{stack.origin}/ops-actions/", trust_env=False) as client:
        sent(client, "login", {"user": "admin", "password": first})
        sent(client, "password", {"old": first, "new": NEW, "again": NEW})
        yield client


def sent(client: httpx.Client, path: str, values: dict[str, str]) -> httpx.Response:
    """Fill in the form of a page and send it, as a browser does."""
    form = hidden(client.get(path))
    answer = client.post(path, data={**form, **values})
    assert answer.status_code == 303, answer.text
    return answer


@pytest.mark.parametrize("server", SERVERS)
def test_no_server_has_more_rights_than_it_needs(stack: Stack, server: str) -> None:
    container = stack.inspect(server)
    host = container["HostConfig"]

    assert container["Config"]["User"].partition(":")[0] not in {"", "0", "root"}
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["Privileged"]


def test_only_the_proxy_has_ports_and_they_are_on_loopback(stack: Stack) -> None:
    bindings = {
        server: stack.inspect(server)["HostConfig"]["PortBindings"] or {} for server in SERVERS
    }
    hosts = {door["HostIp"] for doors in bindings["proxy"].values() for door in doors}

    assert [server for server, doors in bindings.items() if doors] == ["proxy"]
    assert hosts == {LOOPBACK}


def test_no_secret_is_in_an_image_or_an_environment(stack: Stack) -> None:
    secrets = [secret for found in held(stack).values() for secret in found.values()]
    known = "".join(str(stack.inspect(server)) for server in SERVERS)

    assert len({*secrets}) == 3
    assert [secret for secret in secrets if len(secret) < 32 or secret in known] == []


def test_each_server_has_the_secrets_it_needs_and_no_other(stack: Stack) -> None:
    names = {server: sorted(found) for server, found in held(stack).items()}

    assert names == {
        "exporter": ["api/token"],
        "actions": ["actions/admin-token", "alertmanager/webhook-token", "api/token"],
        "alertmanager": ["alertmanager/webhook-token"],
        "simulator": ["actions/admin-token", "api/token"],
    }


def held(stack: Stack) -> dict[str, dict[str, str]]:
    """Return what each server can read of the secrets, by their files."""
    command = ("sh", "-c", "cd /run/ops 2>/dev/null && grep -r . . || true")
    shown = {server: stack.execute(server, *command).splitlines() for server in SERVERS}
    pairs = {s: [line.removeprefix("./").split(":", 1) for line in ls] for s, ls in shown.items()}
    return {server: dict(found) for server, found in pairs.items() if found}


def test_prometheus_scrapes_everything_and_has_our_rules(stack: Stack) -> None:
    eventually(lambda: len(stack.ask("up == 1")) == 4, stack.report)
    rules = httpx.get(f"{stack.prometheus}/api/v1/rules", trust_env=False).json()["data"]["groups"]

    assert stack.ask("up == 0") == []
    assert any(rule["name"] == DOWN for group in rules for rule in group["rules"])
    eventually(lambda: stack.ask("ops_up") != [], stack.report)
    assert {sample["value"][1] for sample in stack.ask("ops_up")} == {"1"}


def test_alertmanager_and_the_dashboards_know_where_people_are(stack: Stack) -> None:
    config = httpx.get(f"{stack.alertmanager}/api/v2/status", trust_env=False).json()
    board = stack.compose("run", "--rm", "-T", "--entrypoint", "cat", "render", BOARD)

    assert "credentials_file: /run/ops/alertmanager/webhook-token" in config["config"]["original"]
    assert f"{stack.origin}/ops-actions" in board


def test_a_button_acts_behind_the_proxy(stack: Stack, admin: httpx.Client) -> None:
    page = admin.get("actions/clear-cache")
    result = sent(admin, "actions/clear-cache", {})
    shown = admin.get(f"{stack.origin}{result.headers['location']}")

    assert page.status_code == 200, page.text
    assert shown.status_code == 200
    assert "The cache is cleared" in shown.text, shown.text
    for path in ("metrics", "-/healthy", "webhooks/alertmanager"):
        assert admin.get(path).status_code == 404, path
    assert stack.inspect("actions")["RestartCount"] == 0


def test_an_outage_reaches_the_history_and_outlasts_a_restart(
    stack: Stack, admin: httpx.Client
) -> None:
    fault(stack, "POST")
    eventually(lambda: ends(admin) == [""], stack.report)
    stack.compose("restart", "actions")
    eventually(lambda: stack.health()["actions"] == "healthy", stack.report)
    assert ends(admin) == [""]
    fault(stack, "DELETE")

    eventually(lambda: ends(admin) == ["resolved"], stack.report)


def ends(admin: httpx.Client) -> list[str]:
    """Return how each outage in the history has ended; empty while it lasts."""
    table = admin.get("alerts/history", params={"q": DOWN, "format": "csv"}).text
    return [row["ended_by"] for row in csv.DictReader(table.splitlines()) if row["alert"] == DOWN]


def fault(stack: Stack, method: str) -> None:
    """Break the monitored API, or mend it."""
    stack.execute("simulator", "/opt/ops-exporter/bin/python3", "-c", FAULT, method)


def test_a_secret_of_ones_own_takes_the_place_of_the_made_one(stack: Stack) -> None:
    where, mine = "/run/ops/grafana/password", "one of my own, of some length"
    run = ("run", "--rm", "-T")

    stack.compose(*run, "secrets", "new-secret", "--stdin", where, text=f"{mine}\n")
    stack.up()  # makes what is not there, and leaves what is

    assert stack.compose(*run, "--entrypoint", "cat", "secrets", where).strip() == mine


def test_the_stack_comes_back_as_it_was(stack: Stack, admin: httpx.Client) -> None:
    stack.compose("down", "--timeout", "20")
    stack.up()

    assert ends(admin) == ["resolved"]
