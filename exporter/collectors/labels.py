"""Label values made of what an answer says: bounded in length, without user data."""

from __future__ import annotations

import re
from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

LENGTH_MAX = 128
_KEPT = LENGTH_MAX - 9  # room for "~" and 8 hex digits

# Possessive, and only where a name can begin: keys can be long, and this must stay linear.
_EMAIL = re.compile(r"(?<![^\s:/|@])[^\s:/|@]++(?:@[^\s:/|@]++)+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# What bounds a mail address, percent-encoded as in a key made of a URL.
_ENCODED_BOUND = re.compile(r"%(?:25)*(40|3a|2f|7c)", re.IGNORECASE)
# Eight or more with a digit among them: shorter ones are words, and of letters alone most are.
_HEX = re.compile(r"(?<![0-9a-zA-Z])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}(?![0-9a-zA-Z])")
# No word has twelve letters from a to f. After the numbers: next to one it is on its own as well.
_HEX_LETTERS = re.compile(r"(?<![0-9a-zA-Z])[a-fA-F]{12,}+(?![0-9a-zA-Z])")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# One slash is enough: proxies merge the two of a URL within a path.
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+-]*:/+")
# A separator of a URL, percent-encoded, also more than once.
_ENCODED = re.compile(r"%(?:25)*(?:3a|2f|40|3f|23)", re.IGNORECASE)
# The API's own paths encode a repository once and proxies once more; bounded, as texts can be long.
_DECODINGS = 3
_STARS = re.compile(r"\*(?:[\s.,_-]?\*)+")


def label(text: str) -> str:
    """Return *text* as a label value: valid UTF-8, at most 128 characters, never empty."""
    if not text.isascii():
        # JSON can spell half a surrogate pair, which no page can carry.
        text = text.encode("utf-8", "replace").decode("utf-8")
    if len(text) > LENGTH_MAX:
        digest = sha256(text.encode()).hexdigest()[:8]
        text = f"{text[:_KEPT]}~{digest}"
    # Prometheus takes an empty value for a label that is not there.
    return text or "(empty)"


def key_pattern(key: str) -> str:
    """Return a cache *key* without what tells users or rows apart, such as ``user:*:profile``."""
    key = _ENCODED_BOUND.sub(lambda found: unquote(f"%{found[1]}"), key)
    for part in (_EMAIL, _UUID, _HEX, _NUMBER, _HEX_LETTERS):
        key = part.sub("*", key)
    return _STARS.sub("*", key)


def repository(url: str) -> str:
    """Return *url* as host/path: no scheme, user, query or fragment; the host in lower case."""
    rest, has_scheme = _without_scheme(url.strip())
    rest = _without_user(rest)
    for _ in range(_DECODINGS):
        if not _ENCODED.search(rest):
            break
        # Only now: decoded earlier, a password with an encoded "/" in it would look like a path.
        rest, has_inner = _without_scheme(unquote(rest))
        rest, has_scheme = _without_user(rest), has_scheme or has_inner
    text = re.split(r"[?#]", rest, maxsplit=1)[0]
    host, slash, path = text.partition("/")
    if _misplaced_port(host):
        host, _, start = host.partition(":")
        if start and not has_scheme:
            # scp's form: git@host:owner/name
            path, slash = start + slash + path, "/"
    return f"{host.lower()}{slash}{path}".rstrip("/")


def _without_scheme(url: str) -> tuple[str, bool]:
    found = _SCHEME.match(url)
    return (url[found.end() :], True) if found else (url.lstrip("/"), False)


def _without_user(rest: str) -> str:
    first = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" in first:
        return rest[first.rindex("@") + 1 :]
    if _misplaced_port(first) and "@" in rest:
        # What looks like a port is the beginning of a password with "/", "?" or "#" in it.
        return rest.rpartition("@")[2]
    return rest


def _misplaced_port(host: str) -> bool:
    name, colon, port = host.partition(":")
    return bool(colon) and not name.startswith("[") and not (port.isascii() and port.isdigit())


def job_id(normalised_repository: str) -> str:
    """Return the stand-in for the id of a job whose API gives none."""
    return sha256(normalised_repository.encode("utf-8", "replace")).hexdigest()[:12]


def worker_name(full_name: str) -> str:
    """Return the label of a Celery node (``name@host``) without its host."""
    return full_name.partition("@")[0]


def worker_names(full_names: Iterable[str], ambiguous: set[str]) -> dict[str, str]:
    """
    Map Celery node names (``name@host``) to labels without the host.

    Names that only the host tells apart get a hash of the whole in its place, so that each worker
    keeps a series of its own.

    Args:
        ambiguous: Names that such workers had so far; added to, so that the last of them keeps its
            label when the others are gone.
    """
    short = {full: worker_name(full) for full in full_names}
    ambiguous.update(name for name, count in Counter(short.values()).items() if count > 1)
    return {
        full: f"{name}~{sha256(full.encode('utf-8', 'replace')).hexdigest()[:8]}"
        if name in ambiguous
        else name
        for full, name in short.items()
    }
