"""
The file of ``--web.config.file``, in the format that the Prometheus exporters share.

Where this server cannot do what Go's does, the file is refused with the reason: a setting that
is accepted is in force. Source of the format: exporter-toolkit, docs/web-configuration.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StrictBool,
    StrictInt,
    ValidationError,
    ValidationInfo,
)

from exporter.settings import ConfigurationError, duration
from exporter.web.mistakes import HIDDEN, line, of_tls, part, shown
from exporter.web.options import RateLimit, WebConfig
from exporter.web.tls import TLSProblem, server_context

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

# The toolkit's list: what an operator may add to every answer, and the values that make sense.
HEADERS: Final[dict[str, tuple[str, ...]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
# Cost 4 is bcrypt's least; each step doubles the work, and 15 is over two seconds per log-in,
# during which nobody else can log in and a stop would have to wait.
COST_MIN, COST_MAX = 4, 14
_BCRYPT = re.compile(r"\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def _absolute(value: object, info: ValidationInfo[Path]) -> object:
    """Take a relative path from the folder of the file; an empty one is as good as none."""
    if isinstance(value, str):
        return Path(info.context) / value if value else None
    return value


def _or_empty(value: object) -> object:
    """Read a key without a value as an empty section."""
    return {} if value is None else value


PemFile = Annotated[Path | None, BeforeValidator(_absolute)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TLSServer(_Section):
    """``tls_server_config``: certificate, client certificates, versions and ciphers."""

    cert_file: PemFile = None
    key_file: PemFile = None
    cert: str | None = None
    key: SecretStr | None = None
    client_auth_type: Literal[
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = "NoClientCert"
    client_ca_file: PemFile = None
    client_ca: str | None = None
    client_allowed_sans: tuple[str, ...] = ()
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: StrictBool = True
    curve_preferences: tuple[str, ...] = ()


class HTTPServer(_Section):
    """``http_server_config``: headers; HTTP/2 is not spoken."""

    http2: StrictBool = False
    headers: Annotated[dict[str, str], BeforeValidator(_or_empty)] = Field(default_factory=dict)


class Rate(_Section):
    """``rate_limit``: a token bucket for the whole server."""

    interval: Annotated[float, BeforeValidator(lambda v: 0.0 if v == 0 else duration(v))] = 0.0
    burst: StrictInt = 0


class File(_Section):
    """The whole file."""

    tls_server_config: Annotated[TLSServer, BeforeValidator(_or_empty)] = TLSServer()
    http_server_config: Annotated[HTTPServer, BeforeValidator(_or_empty)] = HTTPServer()
    basic_auth_users: Annotated[dict[str, str], BeforeValidator(_or_empty)] = Field(
        default_factory=dict
    )
    rate_limit: Annotated[Rate, BeforeValidator(_or_empty)] = Rate()


_SETTINGS: Final = {
    "": tuple(File.model_fields),
    "tls_server_config": tuple(TLSServer.model_fields),
    "http_server_config": tuple(HTTPServer.model_fields),
    "rate_limit": tuple(Rate.model_fields),
}


def load(path: Path) -> WebConfig:
    """
    Read the file and the certificates it names.

    Raises:
        ConfigurationError: With every mistake; no hash, key or password is in the text.
    """
    tree = _read(path)
    try:
        file = File.model_validate(tree, context=path.parent)
    except ValidationError as error:
        raise ConfigurationError(
            *(f"{path}: {line(e, _SETTINGS)}" for e in error.errors())
        ) from None
    problems = [
        *of_tls(file.tls_server_config),
        *_http_problems(file),
        *_user_problems(file),
    ]
    context: ssl.SSLContext | None = None
    if not problems and file.tls_server_config.model_fields_set:
        try:
            context = server_context(file.tls_server_config)
        except TLSProblem as problem:
            problems = [_tls_line(file.tls_server_config, problem)]
    if problems:
        raise ConfigurationError(*(f"{path}: {problem}" for problem in problems))
    return _ready(file, context)


def _ready(file: File, context: ssl.SSLContext | None) -> WebConfig:
    tls, rate = file.tls_server_config, file.rate_limit
    return WebConfig(
        users={name: value.encode() for name, value in file.basic_auth_users.items()},
        headers=tuple(
            (name.lower().encode(), value.encode())
            for name, value in file.http_server_config.headers.items()
            if value
        ),
        rate_limit=RateLimit(interval_s=rate.interval, burst=rate.burst) if rate.interval else None,
        tls=context,
        allowed_sans=frozenset(tls.client_allowed_sans),
        client_certificate_required=tls.client_auth_type
        in {"RequireAnyClientCert", "RequireAndVerifyClientCert"},
    )


class _StrictLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys; of two passwords that would be a dangerous guess."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"{part(key.value)} is given twice; keep one"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(path: Path) -> dict[Any, Any]:
    try:
        text = path.read_text("utf-8")
        tree = yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"--web.config.file: {path}: cannot be read ({reason}); write a YAML file's path"
        raise ConfigurationError(message) from None
    except yaml.MarkedYAMLError as error:
        number = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{path}: line {number}: not valid YAML: {error.problem}"
        raise ConfigurationError(message) from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        message = f"{path}: must be a mapping of {', '.join(File.model_fields)}"
        raise ConfigurationError(message)
    return tree


def _http_problems(file: File) -> Iterator[str]:
    if file.http_server_config.http2:
        yield (
            "http_server_config.http2: true: this server speaks HTTP/1.1 only; "
            "write false or leave it out"
        )
    for name, value in file.http_server_config.headers.items():
        place = f"http_server_config.headers.{part(name)}"
        if name not in HEADERS:
            yield f"{place}: {HIDDEN}: not allowed here; write one of {', '.join(HEADERS)}"
        elif not _PRINTABLE.fullmatch(value):
            yield f"{place}: {shown(value)}: write one line of printable ASCII"
        elif value and HEADERS[name] and value not in HEADERS[name]:
            yield f"{place}: {shown(value)}: write {' or '.join(HEADERS[name])}"
    rate = file.rate_limit
    if rate.interval and rate.burst < 1:
        yield f"rate_limit.burst: {rate.burst}: write at least 1, or nobody would be served"


def _user_problems(file: File) -> Iterator[str]:
    for name, value in file.basic_auth_users.items():
        place = f"basic_auth_users.{part(name)}"
        found = _BCRYPT.fullmatch(value)
        if not name or ":" in name:
            yield f'{place}: {HIDDEN}: write a user name that is not empty and has no ":"'
        elif not found:
            yield f"{place}: {HIDDEN}: write a bcrypt hash, as htpasswd -nBC 10 USER prints it"
        elif not COST_MIN <= int(found[1]) <= COST_MAX:
            yield f"{place}: {HIDDEN}: write a hash of cost {COST_MIN} to {COST_MAX}; 10 is usual"


def _tls_line(tls: TLSServer, problem: TLSProblem) -> str:
    value = getattr(tls, problem.setting)
    readable = shown(str(value)) if isinstance(value, Path) else HIDDEN
    return f"tls_server_config.{problem.setting}: {readable}: {problem.right}"
