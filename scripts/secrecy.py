"""What only one demo knows: its tokens, and the user who may act in it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

import bcrypt
import yaml

if TYPE_CHECKING:
    from pathlib import Path

USER: Final = "demo"
# The password is random, has 96 bits and lives as long as the demo.
_COST: Final = 6
_TOKENS: Final = ("token", "admin-token", "webhook-token")


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """
    Files in the folder of a demo, for its owner only.

    Attributes:
        read: What the simulator wants and the exporter sends.
        admin: What the action service sends when it acts.
        webhook: What Alertmanager sends to the action service.
        web: The web configuration of the action service: its user.
        password: Of that user, in no file but this one's.
    """

    read: Path
    admin: Path
    webhook: Path
    web: Path
    password: Path

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Return where they are below *folder*."""
        read, admin, webhook = (folder / name for name in _TOKENS)
        return cls(
            read=read,
            admin=admin,
            webhook=webhook,
            web=folder / "web.yml",
            password=folder / "password",
        )

    def make(self) -> str:
        """Write all of them anew; return the password."""
        for path in (self.read, self.admin, self.webhook):
            _keep(path, secrets.token_urlsafe())
        password = secrets.token_urlsafe(12)
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(_COST)).decode()
        _keep(self.web, yaml.safe_dump({"basic_auth_users": {USER: hashed}}))
        _keep(self.password, password)
        return password


def _keep(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
