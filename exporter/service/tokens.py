"""Bearer tokens of scripts, each in a file that is read again when it has changed."""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from exporter.logs import Log
from exporter.settings import weakness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporter.settings import Token

# Looking is cheap, but a flood of requests must not become one of the disk.
_LOOK_S: Final = 1.0

_log = Log(__name__)


@dataclass(slots=True)
class _Known:
    """A token as its file last held it; without a digest, nobody is let in by it."""

    token: Token
    stamp: tuple[int, ...] | None = None
    digest: bytes = b""
    because: str = ""


class Tokens:
    """
    The tokens of one configuration.

    Args:
        clock: Monotonic, in seconds.
    """

    def __init__(
        self, tokens: Sequence[Token], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._known = [_Known(token) for token in tokens]
        self._clock = clock
        self._looked_at_s = float("-inf")

    def find(self, authorization: bytes) -> Token | None:
        """Return the token that an Authorization header bears; reads files, seldom."""
        scheme, _, given = authorization.partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        self._look()
        # Of equal length, and each is compared: time tells neither how much was right nor of whom.
        digest = hashlib.sha256(given.strip()).digest()
        found = [one.token for one in self._known if hmac.compare_digest(one.digest, digest)]
        return found[0] if len(found) == 1 else None

    def _look(self) -> None:
        now_s = self._clock()
        if now_s - self._looked_at_s < _LOOK_S:
            return
        self._looked_at_s = now_s
        for one in self._known:
            stamp = _stamp(one.token.token_file)
            if stamp != one.stamp or stamp is None:
                _read(one, stamp)


def _stamp(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(one: _Known, stamp: tuple[int, ...] | None) -> None:
    """Take the token of the file; one that cannot be read or guessed lets nobody in."""
    try:
        text = one.token.token_file.read_text("utf-8").strip()
        why = weakness(text)
    except (OSError, UnicodeDecodeError):
        text, why = "", "cannot be read"
    if why and why != one.because:
        _log.warning("a script is not let in", script=one.token.name, because=why)
    one.stamp, one.because = stamp, why
    one.digest = b"" if why else hashlib.sha256(text.encode()).digest()
