from __future__ import annotations

import re
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator.command import listener
from tests.simulator.served import running

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_line_tells_where_it_listens() -> None:
    with running("--dialect", "deployed", "--seed", "7") as served:
        pattern = r"simulator listening on http://127\.0\.0\.1:\d+ \(deployed dialect, seed 7\)"
        assert re.fullmatch(pattern, served.first_line)
        assert httpx.get(f"{served.url}/-/healthy", trust_env=False).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_0_also_while_a_request_hangs(number: signal.Signals) -> None:
    with running() as served:
        served.fault(kind="hang")
        with pytest.raises(httpx.ReadTimeout):
            httpx.get(f"{served.url}/api/monitoring/health", timeout=0.3, trust_env=False)
        served.process.send_signal(number)

        _, errors = served.process.communicate(timeout=10)

        assert served.process.returncode == 0
        assert "Traceback" not in errors


def test_tokens_come_from_files_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("from-file\n", "utf-8")

    with running("--token.file", str(file), SIMULATOR_ADMIN_TOKEN="from-environment") as served:  # noqa: S106  # a test's token
        for token, status in (("from-file", 200), ("from-environment", 200), ("other", 401)):
            headers = {"Authorization": f"Bearer {token}"}
            url = f"{served.url}/api/monitoring/events"
            assert status == httpx.get(url, headers=headers, trust_env=False).status_code


def test_a_scenario_runs_from_the_start(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.yml"
    scenario.write_text("[{at: 0s, fault: {kind: http_500, endpoint: cache}}]", "utf-8")

    with running("--scenario", str(scenario)) as served:
        url = f"{served.url}/api/monitoring/cache/stats"
        assert httpx.get(url, trust_env=False).status_code == 500


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--web.listen-address", "9846"], '--web.listen-address: "9846": write HOST:PORT'),
        (["--web.listen-address", "127.0.0.1:99999"], "write HOST:PORT"),
        (
            ["--token.file", "/none/token"],
            '--token.file: "/none/token": cannot be read (no such file or directory)',
        ),
        (
            ["--scenario", "/none/scenario.yml"],
            '--scenario: "/none/scenario.yml": cannot be read (no such file or directory)',
        ),
    ],
)
def test_a_mistake_is_told_in_one_line_with_exit_1(flags: list[str], message: str) -> None:
    with running(*flags) as served:
        output, errors = served.process.communicate(timeout=30)

    assert served.process.returncode == 1
    assert served.first_line + output == ""
    assert message in errors
    assert "Traceback" not in errors


def test_an_answer_does_not_wait_for_the_acknowledgement_of_its_headers() -> None:
    """Without TCP_NODELAY each answer on a connection that is kept alive takes 40 ms longer."""
    with (
        listener("127.0.0.1:0") as listening,
        socket.create_connection(listening.getsockname()),
    ):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_address_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with running("--web.listen-address", address) as served:
            _, errors = served.process.communicate(timeout=30)

    assert served.process.returncode == 1
    assert errors == (
        f'ops-exporter: --web.listen-address: "{address}": address already in use; '
        "stop what listens there, or choose another address or port\n"
    )
