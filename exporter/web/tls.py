"""The TLS part of the web configuration as an ``ssl.SSLContext``; Go's names, OpenSSL's doing."""

from __future__ import annotations

import ipaddress
import os
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from exporter.web.config import TLSServer

VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}

# Go's crypto/tls.CipherSuites() for TLS 1.2, each with OpenSSL's name.
CIPHERS: Final = {
    f"TLS_ECDHE_{key}_WITH_{go}": f"ECDHE-{key}-{openssl}"
    for key in ("ECDSA", "RSA")
    for go, openssl in (
        ("AES_128_CBC_SHA", "AES128-SHA"),
        ("AES_256_CBC_SHA", "AES256-SHA"),
        ("AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
        ("AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
        ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    )
}
# Always on with TLS 1.3 and not configurable, here as in Go; allowed in the list, without effect.
CIPHERS_TLS13: Final = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
CURVES: Final = {
    "X25519": "X25519",
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
}
# OpenSSL can ask for a certificate only together with checking it. An unchecked certificate that
# is merely requested proves nothing, so RequestClientCert asks for none; an unchecked one that is
# required is checked all the same (config.py insists on a CA), which is stricter than Go.
CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "RequestClientCert": ssl.CERT_NONE,
    "RequireAnyClientCert": ssl.CERT_REQUIRED,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
}


class TLSProblem(Exception):  # noqa: N818 - a finding for a report, like the others of config.py
    """Raised when a setting cannot be used; never holds what a key or a certificate says."""

    def __init__(self, setting: str, right: str) -> None:
        self.setting = setting
        self.right = right
        super().__init__(f"{setting}: {right}")


def server_context(tls: TLSServer) -> ssl.SSLContext:
    """
    Build the context of the listener.

    Raises:
        TLSProblem: If a certificate or a key cannot be read, or they do not belong together.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = VERSIONS[tls.min_version]
    context.maximum_version = VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    if not tls.prefer_server_cipher_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.cipher_suites:
        chosen = [CIPHERS[name] for name in tls.cipher_suites if name in CIPHERS]
        if chosen:
            context.set_ciphers(":".join(chosen))
        else:  # only suites of TLS 1.3 are left, so nothing older can be spoken
            context.minimum_version = ssl.TLSVersion.TLSv1_3
    for name in tls.curve_preferences:
        context.set_ecdh_curve(CURVES[name])
    context.set_alpn_protocols(["http/1.1"])
    _load_certificate(context, tls)
    _load_client_ca(context, tls)
    return context


def _load_certificate(context: ssl.SSLContext, tls: TLSServer) -> None:
    cert_setting = "cert_file" if tls.cert_file else "cert"
    key_setting = "key_file" if tls.key_file else "key"
    inline_key = tls.key.get_secret_value() if tls.key else None
    with (
        _as_file(cert_setting, tls.cert_file, tls.cert) as cert,
        _as_file(key_setting, tls.key_file, inline_key) as key,
    ):
        try:
            # Without a password callback OpenSSL would ask at the terminal, and wait there.
            context.load_cert_chain(cert, key, password=_no_password)
        except _EncryptedKey:
            right = "the key is encrypted; write one without a password"
            raise TLSProblem(key_setting, right) from None
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                right = f"this key does not belong to the certificate in {cert_setting}"
                raise TLSProblem(key_setting, right) from None
            right = f"not a usable certificate and key in PEM form ({error.reason or 'no PEM'})"
            raise TLSProblem(_culprit(cert, cert_setting, key_setting), right) from None


class _EncryptedKey(Exception):  # noqa: N818 - carries a fact out of a callback
    pass


def _no_password() -> str:
    raise _EncryptedKey


def _culprit(cert: str, cert_setting: str, key_setting: str) -> str:
    """Say which of the two is broken: a certificate that loads as a CA is a certificate."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cert)
    except ssl.SSLError:
        return cert_setting
    return key_setting


def _load_client_ca(context: ssl.SSLContext, tls: TLSServer) -> None:
    context.verify_mode = CLIENT_AUTH[tls.client_auth_type]
    if context.verify_mode is ssl.CERT_NONE:
        return
    setting = "client_ca_file" if tls.client_ca_file else "client_ca"
    with _as_file(setting, tls.client_ca_file, tls.client_ca) as bundle:
        try:
            context.load_verify_locations(bundle)
        except ssl.SSLError:
            raise TLSProblem(setting, "no certificate in PEM form found") from None


@contextmanager
def _as_file(setting: str, path: Path | None, inline: str | None) -> Iterator[str]:
    """Give the path of a PEM file; an inline text stays in memory and never touches the disk."""
    if path is not None:
        try:
            path.read_bytes()
        except OSError as error:
            right = f"cannot be read ({error.strerror}); write the path of a PEM file"
            raise TLSProblem(setting, right) from None
        yield str(path)
        return
    descriptor = os.memfd_create("pem")
    try:
        os.write(descriptor, (inline or "").encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def san_allowed(certificate: Mapping[str, object] | None, allowed: Iterable[str]) -> bool:
    """
    Tell whether a certificate bears one of the names allowed.

    Args:
        certificate: As ``SSLSocket.getpeercert()`` gives it.
        allowed: DNS names, IP addresses, e-mail addresses or URIs, compared exactly.
    """
    names = (certificate or {}).get("subjectAltName", ())
    kinds = {"DNS", "IP Address", "email", "URI"}
    has = {_san(value) for kind, value in names if kind in kinds}  # type: ignore[attr-defined]
    return not has.isdisjoint(_san(value) for value in allowed)


def _san(value: str) -> str:
    """Write an IP address in one way: OpenSSL prints FE80:0:0:0:0:0:0:1 for fe80::1."""
    try:
        return str(ipaddress.ip_address(value.strip()))
    except ValueError:
        return value
