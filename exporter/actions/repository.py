"""The one form of a repository's address: checked here, fetched by the backend, never by us."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from exporter.actions.model import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

# A host, an owner and groups of 255 letters would not be an address that anybody has typed.
LENGTH_MAX: Final = 256
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(?=//)")
# A host's name or number; everything else (port, user, brackets) is said to be wrong before.
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
# What names of owners, groups and repositories are made of; a leading "-" would be an option.
_PART: Final = re.compile(r"[A-Za-z0-9._~][A-Za-z0-9._~-]*")
_PARTS_MIN: Final = 2
_EXAMPLE: Final = "for example https://github.com/owner/name"


def canonical(text: str, hosts: Sequence[str], *, name: str = "repo_url") -> str:
    """
    Return *text* as host/owner/name: the host in lower case, no scheme, no slash at the end.

    This is also how the exporter names the repository of a job (label ``repository``).

    Args:
        text: ``https://host/owner/name`` or ``host/owner/name``.
        hosts: Those that are allowed.
        name: Of the parameter, for the error.

    Raises:
        InputError: If it cannot be right; the text says what would be.
    """
    text = text.strip(" ")
    if problem := _problem(text):
        raise InputError(name, problem)
    scheme = _SCHEME.match(text)
    rest = text[scheme.end() + 2 :] if scheme else text
    if scheme and scheme[1].lower() != "https":
        raise InputError(name, f"Write https://, no other scheme, {_EXAMPLE}.")
    host, _, path = rest.rstrip("/").partition("/")
    if ":" in host:
        raise InputError(name, f"Leave the port out, {_EXAMPLE}.")
    if host.lower() not in hosts or not _HOST.fullmatch(host):
        # Equality with the list also refuses addresses, other spellings and look-alikes.
        raise InputError(name, f"Repositories may be ingested from {_listed(hosts)} only.")
    parts = path.split("/")
    if len(parts) < _PARTS_MIN or "" in parts:
        raise InputError(name, f"Write host, owner and name of the repository, {_EXAMPLE}.")
    if any(".." in part or part == "." or not _PART.fullmatch(part) for part in parts):
        raise InputError(
            name,
            "Write owner and name with letters, digits, dots, dashes and underscores only"
            f" (no .. and no leading dash), {_EXAMPLE}.",
        )
    return f"{host.lower()}/{path}"


def segment(text: str) -> str:
    """Return *text* percent-encoded as one segment of a path."""
    return quote(text, safe="")


def _problem(text: str) -> str:
    """Say what is wrong with a text as a whole; empty if nothing is."""
    wrong = (
        (not text, "Write the address of a repository"),
        (len(text) > LENGTH_MAX, f"Write at most {LENGTH_MAX} characters"),
        (not text.isascii(), "Write letters of the Latin alphabet without accents only"),
        (
            not text.isprintable() or any(found in text for found in ' \\"<>'),
            "Leave out spaces, line ends, quotes and backslashes",
        ),
        ("@" in text, "Leave out user and password: the backend has its own"),
        ("?" in text or "#" in text, "Leave out everything from ? or # on"),
        ("%" in text, "Write the characters themselves instead of %-codes"),
    )
    return next((f"{right}, {_EXAMPLE}." for found, right in wrong if found), "")


def _listed(hosts: Sequence[str]) -> str:
    if not hosts:
        return "no host (actions.ingest.hosts is empty)"
    return ", ".join(hosts[:-1]) + (" and " if len(hosts) > 1 else "") + hosts[-1]
