"""
Who is behind a reverse proxy: its header is believed from named networks alone.

Of anybody else the header is as if it was not there. It is believed only where the browser asked
for us by the address of ``actions.url`` or by a bare IP address: a page of another site can make a
name of its own point to this machine (DNS rebinding), and would then speak to us beside the proxy
with any header that it likes. So a proxy passes the Host header on.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exporter.settings.service import USER_NAME

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from exporter.settings import Proxy
    from exporter.web.contract import Scope

_FORWARDED: Final = frozenset((b"x-forwarded-for", b"forwarded", b"x-real-ip", b"via"))


class Peers:
    """
    Who speaks to us directly, and for whom.

    Args:
        url: Where users reach this service.
    """

    def __init__(self, proxy: Proxy, url: str) -> None:
        self._header = proxy.header.lower().encode()
        self._networks = proxy.networks
        self._host = urlsplit(url).hostname

    @property
    def believes(self) -> bool:
        """Whether there is a proxy that names its users."""
        return bool(self._networks)

    def user(self, scope: Scope) -> str | None:
        """Return the user whom a proxy of ours names; None when none does."""
        if not self._trusted(_peer(scope)) or not self._for_us(scope):
            return None
        named = [value for name, value in scope["headers"] if name == self._header]
        if len(named) != 1:  # a proxy that adds to a header of the client's says nothing
            return None
        try:
            name: str = named[0].decode().strip()
        except UnicodeDecodeError:
            return None
        return name if USER_NAME.fullmatch(name) and name.isprintable() else None

    def address(self, scope: Scope) -> str:
        """Return the address of the client: the nearest one that is no proxy of ours."""
        peer = _peer(scope)
        if self._trusted(peer):
            lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            for hop in reversed(b",".join(lines).decode("latin-1").split(",")):
                found = _address(hop.strip())
                if found is None:
                    break
                peer = found
                if not self._trusted(found):
                    break
        return str(peer) if peer is not None else "unknown"

    def _trusted(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in one for one in self._networks)

    def _for_us(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        try:
            host = urlsplit(f"//{hosts[0].decode('latin-1')}").hostname if len(hosts) == 1 else None
        except ValueError:
            return False
        return host is not None and (host == self._host or _address(host) is not None)


def forwarded(scope: Scope) -> bool:
    """Whether a proxy says that it speaks for somebody else."""
    return any(name in _FORWARDED for name, _ in scope["headers"])


def _peer(scope: Scope) -> IPv4Address | IPv6Address | None:
    client = scope.get("client")
    return _address(client[0]) if client else None


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # As a socket for both kinds tells an address of the older one.
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
