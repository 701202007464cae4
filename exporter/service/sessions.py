"""
Sessions of browsers: who has signed in, in two cookies.

A link in Grafana or in a notification leads here from another site, and a cookie with
``SameSite=Strict`` would not come with it: the person would have to sign in for each click. With
``Lax`` alone, more would hang on the form's token than must. So there are two:

* ``ops_session`` (Lax) tells who is looking. It comes with links from elsewhere, and no GET changes
  anything.
* ``ops_session_act`` (Strict) is needed beside it by whatever changes something. It never comes
  with a request that another site's page has caused, be it a link or a form; the POST of a form
  comes from our own page, whatever led there.

The first is a hash of the second, which is 256 random bits: who has seen the one cannot make the
other. The database has a hash of the first, and what it is good for ends after 12 hours, at logout,
and with any change of the user's password. No GET renews it.

Both are HttpOnly and have the path of our folder, so that a Grafana beside us does not get them;
under TLS they are Secure, with the prefix that makes browsers insist on it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from exporter.web.contract import Scope

LIFETIME_S: Final = 12 * 3600
PRESESSION_S: Final = 3600
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_LOOK: Final = "ops_session"
_ACT: Final = "ops_session_act"
# Binds a login form to the browser that asked for it: nobody is signed in as somebody else.
_PRESESSION: Final = "ops_presession"


class Pair:
    """What a browser holds: two values of 43 characters."""

    def __init__(self) -> None:
        self.act = secrets.token_urlsafe(32)
        self.look = look_of(self.act)


def look_of(act: str) -> str:
    """Return the value of the first cookie that belongs to the second one's."""
    digest = hashlib.sha256(f"look:{act}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def id_of(look: str) -> str:
    """Return under which name the database knows a session."""
    return hashlib.sha256(look.encode()).hexdigest()


class Cookies:
    """
    Reads and sets the cookies.

    Args:
        url: Where users reach this service: its path is theirs.
    """

    def __init__(self, url: str, folder: str) -> None:
        self._secure = url.startswith("https://")
        self._path = folder or "/"

    def session(self, scope: Scope, cookies: Mapping[str, str]) -> tuple[str, bool] | None:
        """Return the value of the first cookie, and whether the second belongs to it."""
        look = cookies.get(self._name(scope, _LOOK), "")
        act = cookies.get(self._name(scope, _ACT), "")
        if not _SHAPE.fullmatch(look):
            return None
        firm = bool(_SHAPE.fullmatch(act)) and hmac.compare_digest(look_of(act), look)
        return look, firm

    def presession(self, scope: Scope, cookies: Mapping[str, str]) -> str | None:
        """Return what a login form is bound to."""
        value = cookies.get(self._name(scope, _PRESESSION), "")
        return value if _SHAPE.fullmatch(value) else None

    def set_session(self, scope: Scope, answer: Response, pair: Pair) -> None:
        """Hand a browser its session."""
        self._set(scope, answer, _LOOK, pair.look, LIFETIME_S, strict=False)
        self._set(scope, answer, _ACT, pair.act, LIFETIME_S, strict=True)
        self._set(scope, answer, _PRESESSION, "", 0, strict=True)

    def set_presession(self, scope: Scope, answer: Response, value: str) -> None:
        """Hand a browser what its login form is bound to."""
        self._set(scope, answer, _PRESESSION, value, PRESESSION_S, strict=True)

    def clear(self, scope: Scope, answer: Response) -> None:
        """Take the session away."""
        self._set(scope, answer, _LOOK, "", 0, strict=False)
        self._set(scope, answer, _ACT, "", 0, strict=True)

    def _set(
        self, scope: Scope, answer: Response, name: str, value: str, age_s: int, *, strict: bool
    ) -> None:
        answer.set_cookie(
            self._name(scope, name),
            value,
            max_age=age_s,
            path=self._path,
            secure=self._is_secure(scope),
            httponly=True,
            samesite="strict" if strict else "lax",
        )

    def _name(self, scope: Scope, name: str) -> str:
        if not self._is_secure(scope):
            return name
        return f"__Host-{name}" if self._path == "/" else f"__Secure-{name}"

    def _is_secure(self, scope: Scope) -> bool:
        return self._secure or scope["scheme"] == "https"
