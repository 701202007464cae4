from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest
import trustme

from exporter.settings import ConfigurationError
from exporter.web.config import load
from exporter.web.options import RateLimit
from exporter.web.tls import CIPHERS, CIPHERS_TLS13

HASH = "$2y$10$" + "a" * 53
CERTIFICATE = trustme.CA().issue_cert("localhost")
OTHER = trustme.CA().issue_cert("localhost")
TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key"
ALL_CIPHERS = ", ".join((*CIPHERS, *CIPHERS_TLS13))
TLS_NAMES = (
    "cert_file, key_file, cert, key, client_auth_type, client_ca_file, client_ca, "
    "client_allowed_sans, min_version, max_version, cipher_suites, prefer_server_cipher_suites, "
    "curve_preferences"
)
AUTH_TYPES = (
    "NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven or "
    "RequireAndVerifyClientCert"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with what the configurations name."""
    CERTIFICATE.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    CERTIFICATE.private_key_pem.write_to_path(tmp_path / "server.key")
    OTHER.private_key_pem.write_to_path(tmp_path / "other.key")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "junk.pem").write_text("-----BEGIN JUNK-----\nhunter2\n")
    return tmp_path


def problems(folder: Path, text: str) -> list[str]:
    """Return what is wrong with *text*, the file's name cut off."""
    path = folder / "web.yml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load(path)
    assert all(problem.startswith(f"{path}: ") for problem in caught.value.problems)
    return [
        problem.removeprefix(f"{path}: ").replace(f"{folder}/", "")
        for problem in caught.value.problems
    ]


MISTAKES = {
    "no mapping": (
        "[]",
        "must be a mapping of tls_server_config, http_server_config, basic_auth_users, rate_limit",
    ),
    "no YAML": ("a: b: c", "line 1: not valid YAML: mapping values are not allowed here"),
    "a key twice": (
        f"basic_auth_users:\n  ann: {HASH}\n  ann: {HASH}\n",
        "line 3: not valid YAML: ann is given twice; keep one",
    ),
    "unknown section": (
        "tls_config: {}",
        (
            "tls_config: (hidden): no such setting; write one of tls_server_config, "
            "http_server_config, basic_auth_users, rate_limit"
        ),
    ),
    "unknown TLS setting": (
        TLS + ", keyfile: x}",
        "tls_server_config.keyfile: (hidden): no such setting; write one of " + TLS_NAMES,
    ),
    "unknown HTTP setting": (
        "http_server_config: {http3: true}",
        "http_server_config.http3: (hidden): no such setting; write one of http2, headers",
    ),
    "section is no mapping": (
        "tls_server_config: yes",
        "tls_server_config: true: write a mapping of settings",
    ),
    "no key": (
        "tls_server_config: {cert_file: server.pem}",
        "tls_server_config.key_file: missing: TLS needs it; write the path of a PEM file",
    ),
    "no certificate": (
        "tls_server_config: {key_file: server.key}",
        "tls_server_config.cert_file: missing: TLS needs it; write the path of a PEM file",
    ),
    "a minimum without a certificate": (
        "tls_server_config: {min_version: TLS13, cert_file: '', key_file: server.key}",
        "tls_server_config.cert_file: missing: TLS needs it; write the path of a PEM file",
    ),
    "key file and inline key": (
        TLS + ", key: hunter2}",
        "tls_server_config.key: (hidden): set either key or key_file, not both",
    ),
    "certificate file not there": (
        "tls_server_config: {cert_file: none.pem, key_file: server.key}",
        (
            'tls_server_config.cert_file: "none.pem": cannot be read (No such file or directory); '
            "write the path of a PEM file"
        ),
    ),
    "key file is a folder": (
        "tls_server_config: {cert_file: server.pem, key_file: .}",
        (
            'tls_server_config.key_file: "FOLDER": cannot be read (Is a directory); '
            "write the path of a PEM file"
        ),
    ),
    "certificate is none": (
        "tls_server_config: {cert_file: junk.pem, key_file: server.key}",
        (
            'tls_server_config.cert_file: "junk.pem": not a usable certificate and key in PEM form '
            "(no PEM)"
        ),
    ),
    "key is none": (
        "tls_server_config: {cert_file: server.pem, key_file: junk.pem}",
        (
            'tls_server_config.key_file: "junk.pem": not a usable certificate and key in PEM form '
            "(no PEM)"
        ),
    ),
    "key of another certificate": (
        "tls_server_config: {cert_file: server.pem, key_file: other.key}",
        (
            'tls_server_config.key_file: "other.key": this key does not belong to the certificate '
            "in cert_file"
        ),
    ),
    "inline key is none": (
        "tls_server_config: {cert_file: server.pem, key: hunter2}",
        "tls_server_config.key: (hidden): not a usable certificate and key in PEM form (no PEM)",
    ),
    "key pasted as a file": (
        "tls_server_config: {cert_file: server.pem, key_file: '-----BEGIN KEY----- hunter2'}",
        (
            "tls_server_config.key_file: (hidden): cannot be read (No such file or directory); "
            "write the path of a PEM file"
        ),
    ),
    "unknown client_auth_type": (
        TLS + ", client_auth_type: Required}",
        f'tls_server_config.client_auth_type: "Required": write {AUTH_TYPES}',
    ),
    "verification without a CA": (
        TLS + ", client_auth_type: RequireAndVerifyClientCert}",
        (
            'tls_server_config.client_auth_type: "RequireAndVerifyClientCert": '
            "set client_ca_file as well"
        ),
    ),
    "verification if given without a CA": (
        TLS + ", client_auth_type: VerifyClientCertIfGiven}",
        'tls_server_config.client_auth_type: "VerifyClientCertIfGiven": set client_ca_file as well',
    ),
    "any certificate without a CA": (
        TLS + ", client_auth_type: RequireAnyClientCert}",
        (
            'tls_server_config.client_auth_type: "RequireAnyClientCert": a certificate that nobody '
            "vouches for proves nothing and OpenSSL refuses it; write RequireAndVerifyClientCert, "
            "set client_ca_file"
        ),
    ),
    "a CA that nothing uses": (
        TLS + ", client_ca_file: ca.pem}",
        (
            'tls_server_config.client_auth_type: "NoClientCert": a client CA is set but no '
            "certificate would be asked for; write RequireAndVerifyClientCert"
        ),
    ),
    "CA is none": (
        TLS + ", client_ca_file: junk.pem, client_auth_type: RequireAndVerifyClientCert}",
        'tls_server_config.client_ca_file: "junk.pem": no certificate in PEM form found',
    ),
    "names without a required certificate": (
        TLS + ", client_allowed_sans: [a], client_auth_type: RequestClientCert}",
        (
            'tls_server_config.client_auth_type: "RequestClientCert": client_allowed_sans is set, '
            "so a certificate must be required; write RequireAndVerifyClientCert"
        ),
    ),
    "TLS 1.0": (
        TLS + ", min_version: TLS10}",
        'tls_server_config.min_version: "TLS10": write TLS12 or TLS13; older versions are broken',
    ),
    "TLS 1.1": (
        TLS + ", max_version: TLS11}",
        'tls_server_config.max_version: "TLS11": write TLS12 or TLS13; older versions are broken',
    ),
    "minimum above maximum": (
        TLS + ", min_version: TLS13, max_version: TLS12}",
        'tls_server_config.min_version: "TLS13": must not be above max_version',
    ),
    "invented cipher": (
        TLS + ", cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}",
        (
            'tls_server_config.cipher_suites[0]: "TLS_RSA_WITH_RC4_128_SHA": '
            f"write one of {ALL_CIPHERS}"
        ),
    ),
    "no cipher of TLS 1.2": (
        TLS + ", cipher_suites: [TLS_AES_128_GCM_SHA256], max_version: TLS12}",
        (
            "tls_server_config.cipher_suites: has no suite of TLS 1.2, but max_version is TLS12; "
            "add one"
        ),
    ),
    "ciphers are no list": (
        TLS + ", cipher_suites: x}",
        'tls_server_config.cipher_suites: "x": write a list',
    ),
    "invented curve": (
        TLS + ", curve_preferences: [P256]}",
        (
            'tls_server_config.curve_preferences[0]: "P256": write one of X25519, '
            "CurveP256, CurveP384, CurveP521"
        ),
    ),
    "two curves": (
        TLS + ", curve_preferences: [X25519, CurveP256]}",
        (
            'tls_server_config.curve_preferences: ["X25519", "CurveP256"]: write one '
            "curve or leave it out; Python's TLS takes one or OpenSSL's own order"
        ),
    ),
    "preference is a word": (
        TLS + ", prefer_server_cipher_suites: server}",
        'tls_server_config.prefer_server_cipher_suites: "server": write true or false',
    ),
    "path is a number": (
        "tls_server_config: {cert_file: 1, key_file: server.key}",
        "tls_server_config.cert_file: 1: write the path of a PEM file",
    ),
    "HTTP/2": (
        "http_server_config: {http2: true}",
        (
            "http_server_config.http2: true: this server speaks HTTP/1.1 only; "
            "write false or leave it out"
        ),
    ),
    "unknown header": (
        "http_server_config: {headers: {Set-Cookie: hunter2}}",
        (
            "http_server_config.headers.Set-Cookie: (hidden): not allowed here; write "
            "one of Content-Security-Policy, Strict-Transport-Security, "
            "X-Content-Type-Options, X-Frame-Options, X-XSS-Protection"
        ),
    ),
    "value of X-Frame-Options": (
        "http_server_config: {headers: {X-Frame-Options: allow}}",
        'http_server_config.headers.X-Frame-Options: "allow": write deny or sameorigin',
    ),
    "value of nosniff": (
        "http_server_config: {headers: {X-Content-Type-Options: sniff}}",
        'http_server_config.headers.X-Content-Type-Options: "sniff": write nosniff',
    ),
    "header of two lines": (
        'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nA: b"}}',
        (
            'http_server_config.headers.X-XSS-Protection: "1\\r\\nA: b": '
            "write one line of printable ASCII"
        ),
    ),
    "header is a number": (
        "http_server_config: {headers: {X-XSS-Protection: 0}}",
        (
            "http_server_config.headers.X-XSS-Protection: 0: write text, in quotes "
            "where YAML reads it as something else"
        ),
    ),
    "password in clear text": (
        "basic_auth_users: {ann: hunter2}",
        "basic_auth_users.ann: (hidden): write a bcrypt hash, as htpasswd -nBC 10 USER prints it",
    ),
    "hash of another kind": (
        "basic_auth_users: {ann: $apr1$hunter2}",
        "basic_auth_users.ann: (hidden): write a bcrypt hash, as htpasswd -nBC 10 USER prints it",
    ),
    "password is a number": (
        "basic_auth_users: {ann: 12345}",
        (
            "basic_auth_users.ann: (hidden): write text, in quotes where YAML "
            "reads it as something else"
        ),
    ),
    "name is a number": (
        f"basic_auth_users: {{7: {HASH}}}",
        (
            "basic_auth_users[7]: (hidden): write text, in quotes where YAML reads "
            "it as something else"
        ),
    ),
    "name with a colon": (
        f"basic_auth_users: {{'a:b': {HASH}}}",
        'basic_auth_users.a:b: (hidden): write a user name that is not empty and has no ":"',
    ),
    "hash that takes minutes": (
        f"basic_auth_users: {{ann: {HASH.replace('10', '20')}}}",
        "basic_auth_users.ann: (hidden): write a hash of cost 4 to 14; 10 is usual",
    ),
    "name and hash swapped": (
        f"basic_auth_users: {{{HASH}: ann}}",
        (
            "basic_auth_users.(hidden): (hidden): write a bcrypt hash, as "
            "htpasswd -nBC 10 USER prints it"
        ),
    ),
    "users are a list": (
        "basic_auth_users: [ann]",
        "basic_auth_users: (hidden): write a mapping of names to values",
    ),
    "interval without a unit": (
        "rate_limit: {interval: 5, burst: 1}",
        "rate_limit.interval: 5: write a number and ms, s, m, h or d, for example 5s",
    ),
    "no burst": (
        "rate_limit: {interval: 1s}",
        "rate_limit.burst: 0: write at least 1, or nobody would be served",
    ),
    "burst is a word": (
        "rate_limit: {interval: 1s, burst: many}",
        'rate_limit.burst: "many": write a whole number',
    ),
}


@pytest.mark.parametrize(("text", "message"), list(MISTAKES.values()), ids=list(MISTAKES))
def test_each_mistake_is_named_with_its_place_and_what_would_be_right(
    folder: Path, text: str, message: str
) -> None:
    found = problems(folder, text)

    assert [message.replace("FOLDER", str(folder))] == found
    assert "hunter2" not in "".join(found)


def test_all_mistakes_are_reported_at_once(folder: Path) -> None:
    text = "http_server_config: {http2: true}\nbasic_auth_users: {ann: x, bob: y}\n"

    assert len(problems(folder, text)) == 3


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(tmp_path / "none.yml")

    assert str(caught.value) == (
        f"--web.config.file: {tmp_path}/none.yml: cannot be read (No such file or directory); "
        "write a YAML file's path"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "{}",
        "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
        "tls_server_config: {}\nhttp_server_config: {headers: }\n",
        "http_server_config: {http2: false}\nrate_limit: {interval: 0, burst: 0}\n",
    ],
)
def test_an_empty_file_or_section_sets_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "web.yml"
    path.write_text(text)

    config = load(path)

    assert (config.tls, config.users, config.headers, config.rate_limit) == (None, {}, (), None)
    assert not config.authenticates


def test_a_whole_file_is_read(folder: Path) -> None:
    path = folder / "web.yml"
    path.write_text(
        TLS + ", client_ca_file: ca.pem, client_auth_type: RequireAndVerifyClientCert, "
        "client_allowed_sans: [a.example], min_version: TLS13, curve_preferences: [X25519], "
        "prefer_server_cipher_suites: false}\n"
        "http_server_config: {http2: false, headers: {X-Frame-Options: deny, "
        "Content-Security-Policy: ''}}\n"
        f"basic_auth_users: {{ann: {HASH}}}\n"
        "rate_limit: {interval: 500ms, burst: 3}\n"
    )

    config = load(path)

    assert config.users == {"ann": HASH.encode()}
    assert config.headers == ((b"x-frame-options", b"deny"),)
    assert config.rate_limit == RateLimit(interval_s=0.5, burst=3)
    assert config.allowed_sans == {"a.example"}
    assert config.client_certificate_required
    assert config.authenticates
    assert config.tls is not None
    assert config.tls.verify_mode is ssl.CERT_REQUIRED
    assert config.tls.minimum_version is ssl.TLSVersion.TLSv1_3


def test_the_example_of_the_documentation_is_accepted(folder: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "configuration.md"
    (example,) = re.findall(r"```yaml\n(# web.yml.*?)```", page.read_text("utf-8"), re.DOTALL)
    tls = folder / "tls"
    tls.mkdir()
    for source, name in (("server.pem", "exporter.pem"), ("server.key", "exporter.key")):
        (folder / source).rename(tls / name)
    (folder / "ca.pem").rename(tls / "clients-ca.pem")
    path = folder / "web.yml"
    path.write_text(example.replace("$2y$10$…", HASH))

    config = load(path)

    assert config.tls is not None
    assert config.client_certificate_required
    assert list(config.users) == ["prometheus"]
    assert [name for name, _ in config.headers] == [b"strict-transport-security"]


def test_a_hash_is_not_in_what_the_configuration_prints(folder: Path) -> None:
    path = folder / "web.yml"
    path.write_text(f"basic_auth_users: {{ann: {HASH}}}\n")

    assert HASH not in repr(load(path))


@pytest.mark.parametrize(
    ("auth", "mode"),
    [
        ("NoClientCert", ssl.CERT_NONE),
        ("RequestClientCert", ssl.CERT_NONE),
        ("VerifyClientCertIfGiven", ssl.CERT_OPTIONAL),
        ("RequireAnyClientCert", ssl.CERT_REQUIRED),
        ("RequireAndVerifyClientCert", ssl.CERT_REQUIRED),
    ],
)
def test_each_of_gos_client_auth_types_has_its_like(
    folder: Path, auth: str, mode: ssl.VerifyMode
) -> None:
    ca = "" if auth == "NoClientCert" else ", client_ca_file: ca.pem"
    path = folder / "web.yml"
    path.write_text(TLS + f"{ca}, client_auth_type: {auth}}}")

    config = load(path)

    assert config.tls is not None
    assert config.tls.verify_mode is mode
    assert config.client_certificate_required == (mode is ssl.CERT_REQUIRED)


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(folder: Path) -> None:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - this test only

    key = serialization.load_pem_private_key(CERTIFICATE.private_key_pem.bytes(), None)
    (folder / "locked.key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"hunter2"),
        )
    )
    text = "tls_server_config: {cert_file: server.pem, key_file: locked.key}"

    assert problems(folder, text) == [
        (
            'tls_server_config.key_file: "locked.key": the key is encrypted; '
            "write one without a password"
        )
    ]
