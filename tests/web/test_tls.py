"""Real handshakes with a real server on loopback."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from exporter.web import listen
from exporter.web.app import create_app
from exporter.web.config import load
from exporter.web.server import Server
from exporter.web.tls import CIPHERS, san_allowed
from tests.web.fake_exporter import FakeExporter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CA = trustme.CA()
CLIENT_CA = trustme.CA()
STRANGER_CA = trustme.CA()
FAILS = (httpx.TransportError, ssl.SSLError, ConnectionError)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    renew_certificate(tmp_path)
    CLIENT_CA.cert_pem.write_to_path(tmp_path / "clients.pem")
    return tmp_path


def renew_certificate(folder: Path, kind: trustme.KeyType = trustme.KeyType.ECDSA) -> int:
    """Write another certificate and key for the server; return the serial number."""
    from cryptography import x509  # noqa: PLC0415 - trustme brings it

    leaf = CA.issue_cert("127.0.0.1", key_type=kind)
    leaf.cert_chain_pems[0].write_to_path(folder / "server.pem")
    leaf.private_key_pem.write_to_path(folder / "server.key")
    return x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number


def write(folder: Path, more: str = "") -> Path:
    path = folder / "web.yml"
    path.write_text(f"tls_server_config: {{cert_file: server.pem, key_file: server.key{more}}}")
    return path


@asynccontextmanager
async def serving(file: Path) -> AsyncIterator[tuple[Server, int]]:
    listener = listen.bind(listen.parse("127.0.0.1:0"))
    port = listen.bound(listener).port
    server = Server(create_app(FakeExporter()), listener, load(file))
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()


def client_context(identity: trustme.LeafCert | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    if identity:
        identity.configure_cert(context)
    return context


async def ask(port: int, context: ssl.SSLContext) -> int:
    async with httpx.AsyncClient(verify=context) as client:
        return (await client.get(f"https://127.0.0.1:{port}/metrics")).status_code


async def session(port: int, context: ssl.SSLContext) -> ssl.SSLObject:
    """Shake hands and return what came of it."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.close()
    await writer.wait_closed()
    return found


async def test_https_is_served(folder: Path) -> None:
    async with serving(write(folder)) as (_, port):
        assert await ask(port, client_context()) == 200


async def test_an_inline_certificate_and_key_are_as_good_as_files(folder: Path) -> None:
    path = folder / "web.yml"
    pem = {
        name: (folder / f"server.{end}").read_text()
        for name, end in (("cert", "pem"), ("key", "key"))
    }
    indented = {name: text.replace("\n", "\n    ") for name, text in pem.items()}
    path.write_text(
        f"tls_server_config:\n  cert: |\n    {indented['cert']}\n  key: |\n    {indented['key']}\n"
    )
    async with serving(path) as (_, port):
        assert await ask(port, client_context()) == 200


async def test_plain_http_on_the_tls_port_gets_no_page(folder: Path) -> None:
    async with serving(write(folder)) as (_, port), httpx.AsyncClient() as client:
        with pytest.raises(FAILS):
            await client.get(f"http://127.0.0.1:{port}/metrics")


async def test_a_client_below_the_minimum_is_refused(folder: Path) -> None:
    old = client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(write(folder, ", min_version: TLS13")) as (_, port):
        with pytest.raises(FAILS):
            await ask(port, old)
        assert (await session(port, client_context())).version() == "TLSv1.3"


async def test_the_maximum_holds(folder: Path) -> None:
    async with serving(write(folder, ", max_version: TLS12")) as (_, port):
        assert (await session(port, client_context())).version() == "TLSv1.2"


@pytest.mark.parametrize("name", list(CIPHERS))
async def test_each_cipher_suite_is_the_one_that_go_means(folder: Path, name: str) -> None:
    renew_certificate(folder, trustme.KeyType.RSA if "_RSA_" in name else trustme.KeyType.ECDSA)
    anything = client_context()
    anything.set_ciphers("ALL")
    async with serving(write(folder, f", max_version: TLS12, cipher_suites: [{name}]")) as (
        _,
        port,
    ):
        cipher = (await session(port, anything)).cipher()

    assert cipher is not None
    assert cipher[0] == CIPHERS[name]


async def test_only_suites_of_tls_1_3_leave_no_older_version(folder: Path) -> None:
    old = client_context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with serving(write(folder, ", cipher_suites: [TLS_AES_128_GCM_SHA256]")) as (_, port):
        with pytest.raises(FAILS):
            await ask(port, old)
        assert await ask(port, client_context()) == 200


@pytest.mark.parametrize("curve", ["X25519", "CurveP256", "CurveP384", "CurveP521"])
async def test_a_client_without_the_preferred_curve_is_refused(folder: Path, curve: str) -> None:
    other = client_context()
    other.set_ecdh_curve("prime256v1" if curve != "CurveP256" else "secp384r1")
    async with serving(write(folder, f", curve_preferences: [{curve}]")) as (_, port):
        assert await ask(port, client_context()) == 200
        with pytest.raises(FAILS):
            await ask(port, other)


MUTUAL = ", client_ca_file: clients.pem, client_auth_type: RequireAndVerifyClientCert"


async def test_no_page_without_a_client_certificate(folder: Path) -> None:
    async with serving(write(folder, MUTUAL)) as (_, port):
        with pytest.raises(FAILS):
            await ask(port, client_context())


async def test_no_page_with_a_certificate_of_another_ca(folder: Path) -> None:
    async with serving(write(folder, MUTUAL)) as (_, port):
        with pytest.raises(FAILS):
            await ask(port, client_context(STRANGER_CA.issue_cert("prometheus.example")))


async def test_a_certificate_of_the_client_ca_opens(folder: Path) -> None:
    async with serving(write(folder, MUTUAL)) as (_, port):
        assert await ask(port, client_context(CLIENT_CA.issue_cert("prometheus.example"))) == 200


async def test_verification_if_given_opens_without_but_not_with_a_strangers(folder: Path) -> None:
    more = MUTUAL.replace("RequireAndVerifyClientCert", "VerifyClientCertIfGiven")
    async with serving(write(folder, more)) as (_, port):
        assert await ask(port, client_context()) == 200
        with pytest.raises(FAILS):
            await ask(port, client_context(STRANGER_CA.issue_cert("prometheus.example")))


SANS = MUTUAL + ', client_allowed_sans: [prometheus.example, "192.0.2.7", "2001:db8::7"]'


@pytest.mark.parametrize("name", ["prometheus.example", "192.0.2.7", "2001:db8::7"])
async def test_an_allowed_name_opens(folder: Path, name: str) -> None:
    async with serving(write(folder, SANS)) as (_, port):
        assert await ask(port, client_context(CLIENT_CA.issue_cert(name))) == 200


@pytest.mark.parametrize(
    "name", ["other.example", "sub.prometheus.example", "*.example", "192.0.2.8"]
)
async def test_another_name_of_the_same_ca_does_not(folder: Path, name: str) -> None:
    async with serving(write(folder, SANS)) as (_, port):
        with pytest.raises(FAILS):
            await ask(port, client_context(CLIENT_CA.issue_cert(name)))


def test_no_certificate_and_no_name_are_never_allowed() -> None:
    assert not san_allowed(None, {"a"})
    assert not san_allowed({}, {"a"})
    assert not san_allowed({"subjectAltName": (("othername", "a"),)}, {"a"})
    assert san_allowed({"subjectAltName": (("URI", "spiffe://a"),)}, {"spiffe://a"})
    assert san_allowed({"subjectAltName": (("email", "a@b.example"),)}, {"a@b.example"})


async def test_a_renewed_certificate_is_used_for_new_handshakes(folder: Path) -> None:
    file = write(folder)
    async with serving(file) as (server, port):
        before = (await session(port, client_context())).getpeercert()
        serial = renew_certificate(folder)
        await server.renew(load(file))
        after = (await session(port, client_context())).getpeercert()

    assert before is not None
    assert after is not None
    assert int(before["serialNumber"], 16) != serial  # type: ignore[arg-type]
    assert int(after["serialNumber"], 16) == serial  # type: ignore[arg-type]


async def test_who_was_let_in_by_the_old_ca_must_come_back_and_is_refused(folder: Path) -> None:
    file = write(folder, MUTUAL)
    context = client_context(CLIENT_CA.issue_cert("prometheus.example"))
    async with serving(file) as (server, port), httpx.AsyncClient(verify=context) as client:
        url = f"https://127.0.0.1:{port}/metrics"
        assert (await client.get(url)).status_code == 200
        STRANGER_CA.cert_pem.write_to_path(folder / "clients.pem")
        await server.renew(load(file))
        with pytest.raises(FAILS):
            await client.get(url)


async def test_tls_can_be_switched_on_while_serving(folder: Path) -> None:
    plain = folder / "plain.yml"
    plain.write_text("")
    async with serving(plain) as (server, port):
        async with httpx.AsyncClient() as client:
            assert (await client.get(f"http://127.0.0.1:{port}/metrics")).status_code == 200
        await server.renew(load(write(folder)))
        assert await ask(port, client_context()) == 200
