from __future__ import annotations

import socket

import pytest

from exporter.settings import ConfigurationError
from exporter.web.listen import Listen, bind, bound, check_exposure, is_loopback, parse
from exporter.web.options import WebConfig

HASH = b"$2y$10$" + b"a" * 53


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9847", "127.0.0.1", 9847),
        ("[::1]:9847", "::1", 9847),
        ("[fe80::1%eth0]:1", "fe80::1%eth0", 1),
        ("localhost:0", "localhost", 0),
        (":9847", "", 9847),
        ("0.0.0.0:65535", "0.0.0.0", 65535),  # noqa: S104 - only read
    ],
)
def test_an_address_is_read(text: str, host: str, port: int) -> None:
    assert parse(text) == Listen(host, port)


@pytest.mark.parametrize("text", ["127.0.0.1:9847", "[::1]:9847", ":9847"])
def test_an_address_is_written_as_it_was_read(text: str) -> None:
    assert str(parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "9847", "127.0.0.1", "127.0.0.1:", "::1:9847", "a:65536", "a:-1", "a b:1", "h:1:2"]
)
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse(text)

    assert str(caught.value) == (
        f'--web.listen-address: "{text}": write HOST:PORT, for example 127.0.0.1:9847, '
        "[::1]:9847 or :9847"
    )


def test_port_zero_takes_a_free_one() -> None:
    with bind(Listen("127.0.0.1", 0)) as listener:
        assert bound(listener).port > 0


def test_no_host_is_all_addresses() -> None:
    with bind(Listen("", 0)) as listener:
        assert not is_loopback(bound(listener))
        with socket.create_connection(("127.0.0.1", bound(listener).port)):
            pass


def test_a_name_is_looked_up() -> None:
    with bind(Listen("localhost", 0)) as listener:
        assert is_loopback(bound(listener))


def test_a_port_in_use_is_one_line_that_names_it() -> None:
    with bind(Listen("127.0.0.1", 0)) as listener:
        taken = bound(listener)
        with pytest.raises(ConfigurationError) as caught:
            bind(taken)

    assert str(caught.value) == (
        f'--web.listen-address: "{taken}": address already in use; '
        "stop what listens there, or choose another address or port"
    )


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1"):
        bind(Listen("192.0.2.1", 0))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1"])
def test_loopback_needs_nothing(host: str) -> None:
    check_exposure(Listen(host, 9847), WebConfig(), insecure=False)

    assert is_loopback(Listen(host, 9847))


OTHERS = ["0.0.0.0", "::", "192.0.2.1", "::ffff:127.0.0.1", "fe80::1%eth0"]  # noqa: S104 - only read


@pytest.mark.parametrize("host", OTHERS)
@pytest.mark.parametrize("headers", [(), ((b"x-frame-options", b"deny"),)])
def test_another_address_without_authentication_is_refused(
    host: str, headers: tuple[tuple[bytes, bytes], ...]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_exposure(Listen(host, 9847), WebConfig(headers=headers), insecure=False)

    for way in ("basic_auth_users", "RequireAndVerifyClientCert", "--web.insecure"):
        assert way in str(caught.value)


@pytest.mark.parametrize("host", OTHERS)
def test_another_address_needs_users_certificates_or_the_operators_word(host: str) -> None:
    listen = Listen(host, 9847)

    check_exposure(listen, WebConfig(users={"ann": HASH}), insecure=False)
    check_exposure(listen, WebConfig(client_certificate_required=True), insecure=False)
    check_exposure(listen, WebConfig(), insecure=True)
