"""Label values made of what an answer says: bounded in length, without user data."""

from __future__ import annotations

import re
from hashlib import sha256

LENGTH_MAX = 128
_KEPT = LENGTH_MAX - 9  # room for "~" and 8 hex digits

_EMAIL = re.compile(r"[^\s:/|@]+@[^\s:/|@]+\.[^\s:/|@]+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Eight or more with a digit among them: shorter ones, and those of letters alone, are words.
_HEX = re.compile(r"(?<![0-9a-zA-Z])(?=[a-fA-F]*[0-9])[0-9a-fA-F]{8,}(?![0-9a-zA-Z])")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
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
    for part in (_EMAIL, _UUID, _HEX, _NUMBER):
        key = part.sub("*", key)
    return _STARS.sub("*", key)


def repository(url: str) -> str:
    """Return *url* as host/path: no scheme, user, query or fragment; the host in lower case."""
    text = re.sub(r"^[a-zA-Z][a-zA-Z0-9+.-]*://", "", url.strip())
    text = re.split(r"[?#]", text, maxsplit=1)[0]
    authority, slash, path = text.partition("/")
    user, at, host = authority.rpartition("@")
    if at and ":" in host and not host.rpartition(":")[2].isdigit():
        # scp's form: git@host:owner/name
        host, _, first = host.partition(":")
        path, slash = first + slash + path, "/"
    del user
    return f"{host.lower()}{slash}{path}".rstrip("/")


def job_id(normalised_repository: str) -> str:
    """Return the stand-in for the id of a job whose API gives none."""
    return sha256(normalised_repository.encode("utf-8", "replace")).hexdigest()[:12]


def worker_names(full_names: list[str]) -> dict[str, str]:
    """
    Map Celery node names (``name@host``) to labels without the host.

    Names that only the host tells apart get a hash of the whole in its place, so that each worker
    keeps a series of its own.
    """
    short = {full: full.partition("@")[0] or full for full in full_names}
    taken = list(short.values())
    return {
        full: name
        if taken.count(name) == 1
        else f"{name}~{sha256(full.encode('utf-8', 'replace')).hexdigest()[:8]}"
        for full, name in short.items()
    }
