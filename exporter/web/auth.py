"""HTTP basic authentication against bcrypt hashes, without a bcrypt per request."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# interface.md section 1. A changed file empties the cache at once, so this bounds nothing but
# how long a credential's keyed hash stays in memory.
REMEMBERED_S: Final = 300.0
REMEMBERED_MAX: Final = 128
# bcrypt runs one at a time; more than this in line is a guessing attack, and each holds a socket.
WAITING_MAX: Final = 32
# bcrypt reads no further; Go's and Apache's implementations cut here too, Python's raises.
_PASSWORD_MAX_BYTES: Final = 72


class Busy(Exception):  # noqa: N818 - a state, not a mistake
    """Raised when too many passwords wait to be checked; answer 503, the client may come back."""


class Users:
    """
    The users of one web configuration; another configuration gets another object.

    Args:
        hashes: Bcrypt hash by user name, at least one.
        check: ``check(password, hash)``, expensive; run in a worker thread, one at a time.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        hashes: Mapping[str, bytes],
        *,
        check: Callable[[bytes, bytes], bool] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._hashes = dict(hashes)
        self._check = check or _bcrypt
        self._clock = clock
        # An unknown user must cost as much as a known one, or names could be found by timing.
        cost = max(hash_[4:6] for hash_ in self._hashes.values())
        self._nobody = b"$2b$" + cost + b"$" + b"." * 53
        self._key = os.urandom(32)
        self._remembered: dict[bytes, float] = {}
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def allow(self, authorization: bytes) -> bool:
        """
        Tell whether an Authorization header names a user with the right password.

        Raises:
            Busy: If too many are being checked already.
        """
        credential = parse(authorization)
        return credential is not None and await self.check(*credential)

    async def check(self, name: str, password: bytes) -> bool:
        """
        Tell whether it is the user's password; an unknown user takes as long as a known one.

        Raises:
            Busy: If too many are being checked already.
        """
        fingerprint = self._fingerprint(name, password)
        if self._remembers(fingerprint):
            return True
        if self._waiting >= WAITING_MAX:
            raise Busy
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                # Another request with the same credential may have been checked while we waited.
                if self._remembers(fingerprint):
                    return True
                known = self._hashes.get(name)
                right = await asyncio.to_thread(
                    self._check, password[:_PASSWORD_MAX_BYTES], known or self._nobody
                )
        finally:
            self._waiting -= 1
        if right and known is not None:
            self._remember(fingerprint)
            return True
        return False

    def _fingerprint(self, name: str, password: bytes) -> bytes:
        # The hash in front keeps "a" + "bc" apart from "ab" + "c".
        named = hashlib.sha256(name.encode()).digest()
        return hmac.digest(self._key, named + password, "sha256")

    def _remembers(self, fingerprint: bytes) -> bool:
        return self._remembered.get(fingerprint, 0.0) > self._clock()

    def _remember(self, fingerprint: bytes) -> None:
        self._remembered.pop(fingerprint, None)
        while len(self._remembered) >= REMEMBERED_MAX:
            del self._remembered[next(iter(self._remembered))]
        self._remembered[fingerprint] = self._clock() + REMEMBERED_S


def _bcrypt(password: bytes, hash_: bytes) -> bool:
    import bcrypt  # noqa: PLC0415 - only where passwords are asked

    try:
        return bcrypt.checkpw(password, hash_)
    except ValueError:  # a password that bcrypt cannot take is a wrong one
        return False


def parse(authorization: bytes) -> tuple[str, bytes] | None:
    """Read ``Basic base64(name:password)``; None when it is something else."""
    scheme, _, encoded = authorization.partition(b" ")
    if scheme.lower() != b"basic":
        return None
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
