"""A real process: signals, exit status, and what is on standard error."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import httpx
import pytest
import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("served.py")
START_DEADLINE_S = 30
# The promise is 2 s; more would mean that somebody waits for something that hangs.
STOP_DEADLINE_S = 10
HASHES = {
    password: bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    for password in ("old", "new")
}


class Running:
    """The program, its port and its output so far."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output
        found = self.wait_for(r"url=(\w+)://(\S+?):(\d+)/")
        self.port = int(found[3])
        self.url = f"{found[1]}://127.0.0.1:{self.port}"

    def output(self) -> str:
        return self._output.read_text()

    def wait_for(self, pattern: str, count: int = 1) -> re.Match[str]:
        """Wait until *pattern* stands in the output *count* times."""
        deadline = time.monotonic() + START_DEADLINE_S
        while time.monotonic() < deadline:
            found = list(re.finditer(pattern, self.output()))
            if len(found) >= count:
                return found[count - 1]
            if self.process.poll() is not None:
                break
            time.sleep(0.01)
        pytest.fail(f"{pattern} is not in: {self.output()}")

    def wait_until_served(self) -> None:
        """Wait until the pages are there."""
        deadline = time.monotonic() + START_DEADLINE_S
        while httpx.get(f"{self.url}/-/ready").status_code != httpx.codes.OK:
            assert time.monotonic() < deadline, self.output()
            time.sleep(0.01)

    def wait_until_built(self) -> None:
        """Wait for the same where the probe would need a certificate."""
        self.wait_for("service built")

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(STOP_DEADLINE_S)


@contextmanager
def started(tmp_path: Path, *arguments: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    output = tmp_path / "output.log"
    with output.open("wb") as stream:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, PROGRAM, *arguments],
            stderr=stream,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def running(tmp_path: Path, *arguments: str | Path) -> Iterator[Running]:
    address = "127.0.0.1:0"
    with started(tmp_path, address, *arguments) as process:
        yield Running(process, tmp_path / "output.log")


def fails(tmp_path: Path, *arguments: str | Path) -> str:
    """Start what cannot start; check the exit status and return standard error."""
    with started(tmp_path, *arguments) as process:
        assert process.wait(START_DEADLINE_S) == 1
    return (tmp_path / "output.log").read_text()


def users(file: Path, password: str) -> Path:
    file.write_text(f"basic_auth_users: {{ann: {HASHES[password]}}}\n")
    return file


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_status_0(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path) as server:
        server.wait_until_served()
        assert server.end(number) == 0
        assert server.output().count("service stopped") == 1
        assert "Traceback" not in server.output()


def test_open_connections_do_not_hold_it_up(tmp_path: Path) -> None:
    with running(tmp_path) as server, httpx.Client() as kept:
        server.wait_until_served()
        assert kept.get(f"{server.url}/metrics").status_code == 200
        with socket.create_connection(("127.0.0.1", server.port)) as silent:
            silent.send(b"GET /metrics HTTP/1.1\r\n")
            assert server.end() == 0
        assert "Traceback" not in server.output()


def test_a_request_under_way_that_hangs_does_not_hold_it_up(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        server.wait_until_served()
        with socket.create_connection(("127.0.0.1", server.port)) as hanging:
            hanging.send(b"GET /hangs HTTP/1.1\r\nhost: x\r\n\r\n")
            server.wait_for("hanging")
            assert server.end() == 0
        assert "service stopped" in server.output()


def test_a_service_and_a_thread_that_hang_do_not_hold_it_up(tmp_path: Path) -> None:
    with running(tmp_path, "--stop", "hangs") as server:
        server.wait_until_served()
        assert server.end() == 0


def test_it_is_healthy_and_not_ready_while_it_is_built(tmp_path: Path) -> None:
    with running(tmp_path, "--build", "slow") as server:
        assert httpx.get(f"{server.url}/-/healthy").status_code == 200
        assert httpx.get(f"{server.url}/-/ready").status_code == 503
        assert httpx.get(f"{server.url}/metrics").headers["retry-after"] == "1"
        assert server.end() == 0


def test_a_hangup_while_it_is_built_does_not_end_it(tmp_path: Path) -> None:
    with running(tmp_path, "--build", "slow") as server:
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("still starting")
        assert httpx.get(f"{server.url}/-/healthy").status_code == 200


def test_a_configuration_that_cannot_be_used_is_status_1_and_a_line_each(tmp_path: Path) -> None:
    output = fails(tmp_path, "127.0.0.1:0", "--build", "fails")

    assert output.splitlines()[-2:] == [
        "ops-exporter: api.url: 1: write a URL",
        "ops-exporter: poll: 2: write a mapping",
    ]
    assert "Traceback" not in output


def test_a_mistake_of_ours_shows_its_traceback(tmp_path: Path) -> None:
    assert "RuntimeError" in fails(tmp_path, "127.0.0.1:0", "--build", "crashes")


def test_a_port_in_use_is_status_1_and_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        output = fails(tmp_path, address)

    assert output == (
        f'ops-exporter: --web.listen-address: "{address}": address already in use; '
        "stop what listens there, or choose another address or port\n"
    )


def test_all_addresses_without_authentication_are_refused(tmp_path: Path) -> None:
    output = fails(tmp_path, ":0")

    assert output.startswith("ops-exporter: --web.listen-address: ")
    assert "--web.insecure" in output


def test_a_bad_web_configuration_is_status_1(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {http2: true}")

    assert fails(tmp_path, "127.0.0.1:0", "--file", file).startswith(
        f"ops-exporter: {file}: http_server_config.http2: true: "
    )


def test_health_needs_no_password_while_it_is_built(tmp_path: Path) -> None:
    file = users(tmp_path / "web.yml", "old")
    with running(tmp_path, "--file", file, "--build", "slow") as server:
        assert httpx.get(f"{server.url}/-/healthy").status_code == 200
        assert httpx.get(f"{server.url}/metrics").status_code == 401


def test_a_hangup_swaps_the_users_and_keeps_the_last_good(tmp_path: Path) -> None:
    file = users(tmp_path / "web.yml", "old")
    with running(tmp_path, "--file", file) as server:
        server.wait_until_served()

        def status(password: str) -> int:
            return httpx.get(f"{server.url}/metrics", auth=("ann", password)).status_code

        assert (status("old"), status("new")) == (200, 401)

        users(file, "new")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("configuration reloaded")
        assert (status("old"), status("new")) == (401, 200)

        file.write_text("basic_auth_users: {ann: hunter2}")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("reload failed")
        assert (status("old"), status("new")) == (401, 200)
        assert "told of the failure" in server.output()
        assert "hunter2" not in server.output()

        answer = httpx.post(f"{server.url}/-/reload", auth=("ann", "new"))
        assert answer.status_code == 500
        assert "basic_auth_users.ann" in answer.text

        users(file, "old")
        assert httpx.post(f"{server.url}/-/reload", auth=("ann", "new")).status_code == 200
        assert (status("old"), status("new")) == (200, 401)


def test_a_reload_cannot_open_an_address_that_others_reach(tmp_path: Path) -> None:
    file = users(tmp_path / "web.yml", "old")
    with started(tmp_path, "0.0.0.0:0", "--file", file) as process:
        server = Running(process, tmp_path / "output.log")
        server.wait_until_served()
        server.wait_for("clear text")
        file.write_text("")
        process.send_signal(signal.SIGHUP)
        server.wait_for("reload failed.*--web.insecure")
        assert httpx.get(f"{server.url}/metrics").status_code == 401


def test_certificates_are_renewed_by_a_hangup(tmp_path: Path) -> None:
    """The loop of the program has another TLS implementation than the one of the other tests."""
    ca, clients = trustme.CA(), trustme.CA()
    ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    clients.cert_pem.write_to_path(tmp_path / "clients.pem")
    file = tmp_path / "web.yml"
    file.write_text(
        "tls_server_config: {cert_file: server.pem, key_file: server.pem, client_ca_file: "
        "clients.pem, client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [good]}"
    )

    def status(port: int, name: str) -> int:
        context = ssl.create_default_context()
        ca.configure_trust(context)
        clients.issue_cert(name).configure_cert(context)
        return httpx.get(f"https://127.0.0.1:{port}/-/healthy", verify=context).status_code

    with running(tmp_path, "--file", file) as server:
        server.wait_until_built()
        assert server.url.startswith("https://")
        assert status(server.port, "good") == 200
        with pytest.raises(httpx.TransportError):
            status(server.port, "bad")

        ca = trustme.CA()
        ca.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            tmp_path / "server.pem"
        )
        with pytest.raises(httpx.TransportError):
            status(server.port, "good")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for("configuration reloaded")
        assert status(server.port, "good") == 200
        with pytest.raises(httpx.TransportError):
            status(server.port, "bad")
        assert server.end() == 0
        assert "Traceback" not in server.output()
