"""Where the server listens, and the rule for addresses that others can reach."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from exporter.web.options import WebConfig

FLAG: Final = "--web.listen-address"
# An IPv6 address in brackets, or anything without a colon; then the port.
_ADDRESS = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%\w+)?)\]|([^:\[\]\s/]*)):(\d{1,5})")
_BACKLOG: Final = 1024


@dataclass(frozen=True, slots=True)
class Listen:
    """A host (empty: all addresses of this machine) and a port (0: any free one)."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse(text: str) -> Listen:
    """
    Read ``127.0.0.1:9847``, ``[::1]:9847``, ``localhost:9847`` or ``:9847``.

    Raises:
        ConfigurationError: If it is none of these.
    """
    found = _ADDRESS.fullmatch(text)
    if not found or int(found[3]) > 65535:  # noqa: PLR2004 - the largest port
        raise _problem(text, "write HOST:PORT, for example 127.0.0.1:9847, [::1]:9847 or :9847")
    return Listen(found[1] or found[2], int(found[3]))


def bind(listen: Listen) -> socket.socket:
    """
    Take the address, so that connections queue up from now on.

    Raises:
        ConfigurationError: If it is in use, not of this machine, or not to be found.
    """
    try:
        if not listen.host and socket.has_dualstack_ipv6():
            family, address = socket.AF_INET6, ("", listen.port)
            return socket.create_server(
                address, family=family, backlog=_BACKLOG, dualstack_ipv6=True
            )
        found = socket.getaddrinfo(
            listen.host or "0.0.0.0",  # noqa: S104 - guarded by check_exposure
            listen.port,
            type=socket.SOCK_STREAM,
            flags=socket.AI_PASSIVE,
        )
        return socket.create_server(found[0][4][:2], family=found[0][0], backlog=_BACKLOG)
    except OSError as error:
        # the socket module adds the address, which stands in the line already
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror or "no such address"
        right = f"{reason.lower()}; stop what listens there, or choose another address or port"
        raise _problem(str(listen), right) from None


def bound(listener: socket.socket) -> Listen:
    """Return the address that a socket listens on, with its real port."""
    host, port = listener.getsockname()[:2]
    return Listen(host, port)


def is_loopback(listen: Listen) -> bool:
    """Tell whether only this machine reaches a bound address."""
    return ipaddress.ip_address(listen.host.partition("%")[0]).is_loopback


def check_exposure(listen: Listen, config: WebConfig, *, insecure: bool) -> None:
    """
    Refuse to serve others than this machine without asking who they are.

    Args:
        listen: The bound address.
        config: The web configuration about to come into force.
        insecure: The operator said that it is meant.

    Raises:
        ConfigurationError: If the address is open to others and nothing protects it.
    """
    if is_loopback(listen) or insecure or config.authenticates:
        return
    right = (
        "others than this machine can reach it; give --web.config.file with basic_auth_users or "
        "client_auth_type RequireAndVerifyClientCert, or say --web.insecure if that is meant"
    )
    raise _problem(str(listen), right)


def _problem(value: str, right: str) -> Exception:
    from exporter.settings import ConfigurationError  # noqa: PLC0415 - heavy, seldom needed

    return ConfigurationError(f"{FLAG}: {json.dumps(value)}: {right}")
