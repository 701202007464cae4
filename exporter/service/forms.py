"""
One-time tokens of forms: signed, and bound to user, purpose and time.

The key is in the database, so that the form of one replica may be sent to another. Nothing is kept
of a token: its nonce is the key under which the audit writes what was done with it, and whoever
sends it again finds that.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final

from itsdangerous import BadData, URLSafeSerializer

from exporter.store import meta

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

# Time enough to read and to ask somebody; what is shown has changed after that.
TTL_S: Final = 900.0
# The name of the field that bears it.
FIELD: Final = "form_token"
_KEY: Final = "form_key"
_LONGEST: Final = 512


class Expired(Exception):  # noqa: N818 - nobody has made a mistake
    """Raised when a form is too old; show it anew, nothing was done."""


class Forged(Exception):  # noqa: N818 - named for what was sent, as Expired is
    """Raised when a token is not ours, of another user or for something else; answer 403."""


def form_key(connection: Connection) -> str:
    """Return the key of all replicas; made by the first of them."""
    return meta.made_once(connection, _KEY, lambda: secrets.token_urlsafe(32))


class Forms:
    """
    Issues and checks tokens.

    Args:
        key: Secret, 256 bits.
        wall: Unix time.
    """

    def __init__(self, key: str, wall: Callable[[], float]) -> None:
        self._key = key
        self._wall = wall

    def issue(self, who: str, purpose: str, ttl_s: float = TTL_S) -> str:
        """
        Return a token that only *who* can use, once, for *purpose*.

        Args:
            who: Name of the user; without a newline.
            purpose: What the button does, to what.
        """
        nonce = secrets.token_urlsafe(16)
        return str(self._serializer(who, purpose).dumps([nonce, int(self._wall() + ttl_s)]))

    def check(self, token: str, who: str, purpose: str) -> str:
        """
        Return the nonce of a token.

        Raises:
            Expired: It was right once.
            Forged: It never was.
        """
        if len(token) > _LONGEST:
            raise Forged
        try:
            nonce, expires_at = self._serializer(who, purpose).loads(token)
        except BadData:
            raise Forged from None
        if self._wall() >= expires_at:
            raise Expired
        return str(nonce)

    def _serializer(self, who: str, purpose: str) -> URLSafeSerializer:
        # What is not in the token cannot be changed in it: user and purpose make the key.
        return URLSafeSerializer(
            self._key,
            salt=f"form\n{who}\n{purpose}",
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )
