"""What the flags and the web configuration file came to, ready for use; cheap to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from exporter.web.contract import Headers

RESERVED_PATHS: Final = ("/", "/probe", "/runbook", "/favicon.ico")
RESERVED_FOLDERS: Final = ("/-/", "/static/")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebOptions:
    """
    What the pages need to know from the command line.

    Attributes:
        telemetry_path: Where the metrics page is.
        enable_lifecycle: Allow ``POST /-/reload``.
    """

    telemetry_path: str = "/metrics"
    enable_lifecycle: bool = False
    title: str = "ops-exporter"
    version: str = ""

    def __post_init__(self) -> None:
        path = self.telemetry_path
        if (
            not path.startswith("/")
            or path in RESERVED_PATHS
            or path.startswith(RESERVED_FOLDERS)
            or not set(path).isdisjoint("?#%{} ")
        ):
            from exporter.settings import ConfigurationError  # noqa: PLC0415 - heavy, seldom needed

            message = (
                f'--web.telemetry-path: "{path}": write an absolute path of its own, '
                f"for example /metrics; {' '.join((*RESERVED_PATHS, *RESERVED_FOLDERS))} are taken"
            )
            raise ConfigurationError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """One request per interval, and *burst* of them at once after a pause."""

    interval_s: float
    burst: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """
    The web configuration file, checked and loaded; without a file, the defaults.

    Attributes:
        users: Bcrypt hash by user name; empty: no password is asked.
        headers: Added to every answer, in place of our own of the same name.
        tls: None: plain HTTP.
        allowed_sans: Subject alternative names of which a client certificate needs one.
        client_certificate_required: No connection without a verified client certificate.
    """

    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    headers: Headers = ()
    rate_limit: RateLimit | None = None
    tls: ssl.SSLContext | None = None
    allowed_sans: frozenset[str] = frozenset()
    client_certificate_required: bool = False

    @property
    def authenticates(self) -> bool:
        """True when nobody gets past without a password or a client certificate."""
        return bool(self.users) or self.client_certificate_required
