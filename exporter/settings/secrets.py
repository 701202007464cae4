"""Tries the secrets of the action service before anybody relies on them; never shows one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from exporter.settings.errors import ConfigurationError
from exporter.settings.files import unreadable
from exporter.settings.mistakes import Mistakes
from exporter.settings.tree import Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from exporter.settings.mistakes import Place
    from exporter.settings.service import ServiceSettings

# What `openssl rand -base64 12` prints: 96 bits. Fewer characters are a word, and can be guessed.
TOKEN_MIN: Final = 16


def weakness(token: str) -> str:
    """Say why others must not be let in by *token*; empty when they may."""
    if not token.isascii() or not token.isprintable() or " " in token:
        return "holds more than one line of plain letters and digits"
    if len(token) < TOKEN_MIN:
        return f"is too easy to guess; write at least {TOKEN_MIN} random characters"
    return ""


def check_secrets(settings: ServiceSettings, path: Path | None = None) -> None:
    """
    Try every token that *settings*, which were read from *path*, name.

    Raises:
        ConfigurationError: With each that cannot be used.
    """
    mistakes = Mistakes(Tree.read(path), os.environ)
    problems = [*_of_scripts(settings, mistakes), *_of_webhook(settings, mistakes)]
    if settings.admin_token_file is not None:
        right = "a file that holds the token that may act"
        problems += unreadable(
            mistakes.place(("admin_token_file",)), settings.admin_token_file, right
        )
    if problems:
        raise ConfigurationError(*problems)


def _of_scripts(settings: ServiceSettings, mistakes: Mistakes) -> Iterator[str]:
    seen: dict[str, str] = {}
    for number, one in enumerate(settings.auth.tokens):
        place = mistakes.place(("auth", "tokens", number, "token_file"))
        unusable = list(_of_file(place, one.token_file))
        yield from unusable
        if unusable:
            continue
        token = one.token_file.read_text("utf-8").strip()
        if token in seen:
            right = f"holds the token of {seen[token]}; give each a token of its own"
            yield place.says(str(one.token_file), right)
        seen.setdefault(token, one.name)


def _of_webhook(settings: ServiceSettings, mistakes: Mistakes) -> Iterator[str]:
    if settings.webhook_token_file is not None:
        yield from _of_file(mistakes.place(("webhook_token_file",)), settings.webhook_token_file)
    elif settings.webhook_token is not None and (why := weakness(settings.secret("webhook_token"))):
        yield mistakes.place(("webhook_token",)).says("", why)


def _of_file(place: Place, path: Path) -> Iterator[str]:
    problems = list(unreadable(place, path, "a file that holds the token"))
    if not problems and (why := weakness(path.read_text("utf-8").strip())):
        problems = [place.says(str(path), why)]
    yield from problems
