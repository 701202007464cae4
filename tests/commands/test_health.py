from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.commands.conftest import Cli, Simulate


def test_a_server_that_lives_is_healthy_whatever_proxy_the_environment_names(
    cli: Cli, simulate: Simulate
) -> None:
    done = cli("health", simulate(), http_proxy="http://127.0.0.1:1")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_who_does_not_listen_is_not(cli: Cli, free_port: Callable[[], int]) -> None:
    url = f"http://127.0.0.1:{free_port()}"

    done = cli("health", url)

    assert done.returncode == 1
    assert done.stderr.startswith(f"ops-exporter: {url}/-/healthy: ")
    assert "refused" in done.stderr


def test_who_listens_and_does_not_answer_is_not(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        done = cli("health", f"http://127.0.0.1:{mute.getsockname()[1]}")

    assert done.returncode == 1
    assert "timed out" in done.stderr


def test_another_server_is_not(cli: Cli, simulate: Simulate) -> None:
    done = cli("health", f"{simulate()}/nowhere")

    assert done.returncode == 1
    assert "Not Found" in done.stderr


@pytest.mark.parametrize("url", ["file:///etc/passwd", "127.0.0.1:9847", ""])
def test_what_is_no_url_is_refused(cli: Cli, url: str) -> None:
    done = cli("health", url)

    assert done.returncode == 2
    assert done.stderr == f"ops-exporter: {url}: write a URL, as http://127.0.0.1:9847\n"
