"""The whole configuration: with what only the action service may know."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from exporter.settings.errors import ConfigurationError
from exporter.settings.models import Settings
from exporter.settings.section import Section, matching

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.settings.together import Mistake

# As the audit has room for.
USER_NAME: Final = re.compile(r"[^\s:,]{1,64}")
DATABASE_FILE: Final = "actions.sqlite"
_DATABASE: Final = re.compile(r"(sqlite:///|postgresql(\+psycopg)?://).+")


def _network(value: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(str(value))
    except ValueError:
        message = "write an address or a network, for example 127.0.0.1 or 10.0.0.0/8"
        raise ValueError(message) from None


def _database(value: SecretStr) -> SecretStr:
    if _DATABASE.fullmatch(value.get_secret_value()):
        return value
    message = "write sqlite:///PATH or postgresql://USER@HOST/NAME"
    raise ValueError(message)


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if value:
        return value
    message = "write at least one, or leave the token out"
    raise ValueError(message)


UserName = Annotated[str, matching(USER_NAME.pattern, "write a name without spaces, : and ,")]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Scope = Literal["read", "act", "alerts", "metrics"]


class Token(Section):
    """A bearer token for scripts."""

    name: UserName
    token_file: Path
    scopes: Annotated[tuple[Scope, ...], AfterValidator(_some)]


class Proxy(Section):
    """A reverse proxy that has authenticated its users."""

    header: Annotated[
        str, matching(r"[A-Za-z][A-Za-z0-9-]{0,63}", "write a header's name, for example X-User")
    ] = "X-Forwarded-User"
    networks: tuple[Network, ...] = ()
    logout_url: Annotated[
        str,
        matching(
            r"(https?:/)?/[^/\\\s]\S*|", "write a URL, or a path of the proxy's: /oauth2/sign_out"
        ),
    ] = ""


class Auth(Section):
    """Who may look, and who may act."""

    operators: tuple[UserName, ...] = Field(
        (), description="Users who may act; all others may look."
    )
    tokens: tuple[Token, ...] = Field(
        (),
        description="Bearer tokens of scripts: `name`, `token_file`, `scopes` (`read`, `act`,"
        " `alerts`, `metrics`).",
    )
    proxy: Proxy = Field(
        default_factory=Proxy,
        description="A reverse proxy that names its users: `header` (X-Forwarded-User), the"
        " `networks` that it is believed from, `logout_url`.",
    )

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Refuse two tokens of one name: the audit could not tell them apart."""
        tokens = [one for one in values.get("tokens") or () if isinstance(one, dict)]
        names = [str(one.get("name")) for one in tokens]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            yield ("tokens",), f"give each token a name of its own; twice: {', '.join(twice)}"


class ServiceSettings(Settings):
    """The whole configuration, with what only the action service may know."""

    admin_token: SecretStr | None = Field(
        None, description="Bearer token that may act; better: `admin_token_file`.", exclude=True
    )
    admin_token_file: Path | None = Field(
        None, description="File with the bearer token that may act; the exporter never reads it."
    )
    webhook_token: SecretStr | None = Field(
        None,
        description="Bearer token that Alertmanager sends; better: `webhook_token_file`.",
        exclude=True,
    )
    webhook_token_file: Path | None = Field(
        None, description="File with the bearer token that Alertmanager sends."
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        None,
        description="Where history, audit and preferences are kept: `sqlite:///PATH` (the default,"
        " in `state_dir`), or `postgresql://…` for several replicas.",
        exclude=True,
    )
    auth: Auth = Field(default_factory=Auth)

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Refuse two tokens, of which one would never be used."""
        yield from super().together(values)
        for name in ("admin_token", "webhook_token"):
            if values.get(name) is not None and values.get(f"{name}_file") is not None:
                yield (), f"set either {name} or {name}_file, not both"

    @classmethod
    def of_service(cls) -> frozenset[str]:
        """Return the settings that the exporter does not even read."""
        return frozenset(cls.model_fields.keys() - Settings.model_fields.keys())

    def database(self) -> str:
        """
        Return the URL of the database.

        Raises:
            ConfigurationError: Nothing says where it is.
        """
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.state_dir is not None:
            return f"sqlite:///{self.state_dir / DATABASE_FILE}"
        message = (
            "state_dir: nothing: write the path of a folder that the action service may keep its"
            " database in, or set database_url"
        )
        raise ConfigurationError(message)

    def secret(self, name: Literal["admin_token", "webhook_token"]) -> str:
        """
        Return a token as it is now, or nothing.

        Raises:
            OSError: If its file cannot be read.
            UnicodeDecodeError: If it is no text.
        """
        path: Path | None = getattr(self, f"{name}_file")
        if path is not None:
            return path.read_text("utf-8").strip()
        value: SecretStr | None = getattr(self, name)
        return value.get_secret_value().strip() if value else ""
