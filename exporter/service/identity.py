"""
Who asks: by a session, a proxy's header, a password or a token.

Pages know people: the proxy's header (proxy.py), or else the session (sessions.py). Scripts bring a
password (Basic) or a token with each request; pages do not take these, for a browser that was once
asked for a password would send it along with whatever another site makes it send.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.logs import Log
from exporter.service.accounts import Accounts
from exporter.service.proxy import Peers
from exporter.service.sessions import Cookies, id_of
from exporter.service.throttle import Attempts
from exporter.service.tokens import Tokens
from exporter.store import sessions
from exporter.web.auth import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from exporter.service.accounts import Account
    from exporter.settings import ServiceSettings
    from exporter.store.database import Database
    from exporter.web.contract import Scope

_log = Log(__name__)


class Role(StrEnum):
    """What somebody may do."""

    VIEWER = "viewer"  # look
    OPERATOR = "operator"  # act


class Via(StrEnum):
    """How we know who somebody is."""

    SESSION = "session"
    PROXY = "proxy"
    BASIC = "basic"
    TOKEN = "token"  # noqa: S105 - a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """
    Somebody who asks.

    Attributes:
        name: Of the user, or of the token.
        scopes: Of a token: read, act, alerts, metrics.
        firm: No other site's page can have caused this request; needed by what changes something.
        must_change: The password was made by us, and nothing else may be done before it is changed.
        kept: The password is in the database, and can be changed here.
    """

    name: str
    role: Role
    via: Via
    scopes: frozenset[str] = frozenset()
    firm: bool = True
    must_change: bool = False
    kept: bool = False

    @property
    def operator(self) -> bool:
        """Whether they may act."""
        return self.role is Role.OPERATOR


class Identifier:
    """
    Says who asks, by one configuration.

    Args:
        users: Hash by name, of the web configuration file.
        attempts: Passwords tried so far; outlives a configuration.
        wall: Unix time.

    Attributes:
        cookies: Those of browsers.
        peers: Who speaks to us directly.
    """

    def __init__(
        self,
        database: Database,
        settings: ServiceSettings,
        users: Mapping[str, bytes],
        *,
        attempts: Attempts | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._wall = wall
        self._operators = frozenset(settings.auth.operators)
        self.attempts = attempts or Attempts()
        self.peers = Peers(settings.auth.proxy, settings.actions.url)
        self.accounts = Accounts(database, users, kept=not self.peers.believes)
        self.cookies = Cookies(settings.actions.url, settings.actions.folder)
        self.tokens = Tokens(settings.auth.tokens)

    async def of_page(self, scope: Scope) -> Identity | None:
        """Return the person who asks for a page; None when we do not know them."""
        named = self.peers.user(scope)
        if named is not None:
            role = Role.OPERATOR if named in self._operators else Role.VIEWER
            return Identity(name=named, role=role, via=Via.PROXY)
        held = self.cookies.session(scope, cookies(scope))
        if held is None:
            return None
        look, firm = held
        account = await self._database.read(self._signed_in, id_of(look), self._wall())
        return self._of(account, Via.SESSION, firm=firm) if account else None

    async def of_script(self, scope: Scope) -> Identity | None:
        """
        Return who asks with a password or a token in the request.

        Raises:
            TooMany: Too many wrong passwords; answer 429.
            Busy: Too many are being checked; answer 503.
        """
        given = authorization(scope)
        credential = parse(given)
        if credential is None:
            return self.of_token(scope)
        account = await self.sign_in(*credential, self.peers.address(scope))
        return self._of(account, Via.BASIC) if account else None

    def of_token(self, scope: Scope) -> Identity | None:
        """Return the script whose token the request bears."""
        token = self.tokens.find(authorization(scope))
        if token is None:
            return None
        scopes = frozenset(token.scopes)
        role = Role.OPERATOR if "act" in scopes else Role.VIEWER
        return Identity(name=token.name, role=role, via=Via.TOKEN, scopes=scopes)

    async def sign_in(self, name: str, password: bytes, address: str) -> Account | None:
        """
        Return the user if the password is right.

        Raises:
            TooMany: Too many wrong ones, of this user or from this address.
            Busy: Too many are being checked.
        """
        # Before what is remembered is looked up, too: or it could be guessed at full speed.
        self.attempts.begin(name, address)
        account = await self.accounts.check(name, password)
        if account is not None:
            self.attempts.succeeded(name, address)
        else:
            # Without the name: people type their password there.
            _log.warning("wrong user name or password", address=address)
        return account

    def _signed_in(self, connection: Connection, id_: str, now: float) -> Account | None:
        session = sessions.find(connection, id_, now)
        account = self.accounts.all(connection).get(session.who) if session else None
        same = session and account and session.credential == account.credential
        return account if same else None

    def _of(self, account: Account, via: Via, *, firm: bool = True) -> Identity:
        # The first user is nobody's to name: whoever runs this service has their password.
        operator = account.kept or account.name in self._operators
        return Identity(
            name=account.name,
            role=Role.OPERATOR if operator else Role.VIEWER,
            via=via,
            firm=firm,
            must_change=account.must_change,
            kept=account.kept,
        )


def authorization(scope: Scope) -> bytes:
    """Return the Authorization header; nothing when there is none, or more than one."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    return given[0] if len(given) == 1 else b""


def cookies(scope: Scope) -> Mapping[str, str]:
    """Return the cookies of a request."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    found: dict[str, str] = {}
    for pair in ";".join(lines).split(";"):
        name, _, value = pair.strip().partition("=")
        # The first one is that of the most particular path (RFC 6265, 5.4).
        found.setdefault(name, value)
    return found
