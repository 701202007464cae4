"""
The configuration: one YAML file, each setting of which the environment can override.

A setting ``section.name`` is the variable ``OPS_SECTION_NAME``; lists and maps are written as JSON.
Every mistake is reported at once, with its place, the value found and what would be right.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError

from exporter.catalogue.endpoints import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

ENV_PREFIX = "OPS_"
# A longer answer than this would keep the backend busy for longer than its users should notice.
DEADLINE_MAX_S = 10.0
# A value must not be older than the rules' windows allow (interface.md, Life of a value).
INTERVAL_MAX_S = 300.0
INTERVAL_MIN_S = 1.0

_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)(ms|s|m|h|d))")
_DURATION_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


class ConfigurationError(Exception):
    """
    Raised when a configuration cannot be used; the text is safe to show and lists every mistake.

    Attributes:
        problems: One line each: place, value and what would be right.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def duration(value: object) -> float:
    """
    Read ``30s``, ``1m30s`` or ``500ms`` as seconds.

    Raises:
        ValueError: If *value* is no such text; a bare number has no unit and is refused.
    """
    if isinstance(value, str) and value and _DURATION.sub("", value) == "":
        return sum(float(n) * _DURATION_S[unit] for n, unit in _DURATION.findall(value))
    message = "write a number and ms, s, m, h or d, for example 5s"
    raise ValueError(message)


def size(value: object) -> int:
    """Read ``8MiB`` or ``500kB`` (or a whole number) as bytes; ValueError otherwise."""
    found = re.fullmatch(r"(\d+)\s?([kKMG]i?B)?", str(value)) if value is not True else None
    if found and (found[2] or "") in _BYTES and int(found[1]) > 0:
        return int(found[1]) * _BYTES[found[2] or ""]
    message = "write a whole number and kB, MB, KiB or MiB, for example 8MiB"
    raise ValueError(message)


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.username or parts.password:
        message = "leave user and password out of the URL; put the token into token_file"
        raise ValueError(message)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        message = "write http:// or https://, a host and perhaps a path, for example http://127.0.0.1:8000"
        raise ValueError(message)
    return value.rstrip("/")


def _within(low: float, high: float, text: str) -> AfterValidator:
    def check(value: float) -> float:
        if low <= value <= high:
            return value
        message = f"must be from {text}"
        raise ValueError(message)

    return AfterValidator(check)


def _endpoint_name(value: str) -> str:
    if value in BY_NAME:
        return value
    message = f"no such endpoint; there are {', '.join(BY_NAME)}"
    raise ValueError(message)


EndpointName = Annotated[str, AfterValidator(_endpoint_name)]
Url = Annotated[str, AfterValidator(_http_url)]
Interval = Annotated[
    float, BeforeValidator(duration), _within(INTERVAL_MIN_S, INTERVAL_MAX_S, "1s to 5m")
]
Deadline = Annotated[float, BeforeValidator(duration), _within(0.1, DEADLINE_MAX_S, "100ms to 10s")]
Size = Annotated[int, BeforeValidator(size)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False)


class Api(_Section):
    """One monitoring API and how to ask it."""

    url: Url = Field("http://127.0.0.1:8000", description="Base URL of the monitoring API.")
    token: SecretStr | None = Field(
        None, description="Bearer token that may read; better: `token_file`.", exclude=True
    )
    token_file: Path | None = Field(
        None, description="File with the bearer token; read again when it changes."
    )
    ca_file: Path | None = Field(
        None, description="CA certificates (PEM) to trust instead of the system's."
    )
    time_range: str = Field("24h", description="`time_range` asked of a designed backend.")
    time_window_days: int = Field(
        7, ge=1, le=90, description="`time_window_days` asked of a deployed backend, 1-90."
    )

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token is not None and self.token_file is not None:
            message = "set either token or token_file, not both"
            raise ValueError(message)
        return self

    def bearer(self) -> str:
        """
        Return the token to send now, or nothing.

        Raises:
            OSError: If the token file cannot be read.
        """
        if self.token_file is not None:
            return self.token_file.read_text("utf-8").strip()
        return self.token.get_secret_value().strip() if self.token else ""


class Target(Api):
    """A monitoring API with the name under which ``/probe?target=NAME`` serves it."""

    name: str = Field("default", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$")


class EndpointSettings(_Section):
    """What may be set for one endpoint; what is left out has its default."""

    enabled: bool = True
    interval: Interval | None = None
    timeout: Deadline | None = None


class Poll(_Section):
    """The pace at which the API is asked."""

    interval: Interval = Field(
        30.0, description="Pace of a light endpoint, 1s to 5m; heavy ones are asked less often."
    )
    timeout: Deadline = Field(10.0, description="Deadline of one request, 10s at most.")
    endpoints: dict[EndpointName, EndpointSettings] = Field(
        default_factory=dict,
        description="Per endpoint: `enabled`, `interval`, `timeout`.",
    )


class Limits(_Section):
    """What bounds memory and cardinality."""

    body: Size = Field(8 * 2**20, description="Largest answer read, for example 8MiB.")
    cardinality: int = Field(
        200, ge=1, le=100_000, description="Most entities (modules, keys, jobs …) of one metric."
    )


class Cache(_Section):
    """How cache keys are shown."""

    keys: Literal["patterns", "whole"] = Field(
        "patterns",
        description="`patterns`: numbers, UUIDs, hex and e-mail addresses become `*`; `whole`.",
    )


class AlertmanagerSettings(_Section):
    """The Alertmanager that notifications go through."""

    url: Url = Field("http://127.0.0.1:9093", description="Base URL of Alertmanager.")


class Settings(BaseSettings):
    """The whole configuration."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
    )
    api: Api = Field(default_factory=Api)
    targets: tuple[Target, ...] = Field(
        (), description="Several monitoring APIs, instead of `api`; each with a `name`."
    )
    poll: Poll = Field(default_factory=Poll)
    limits: Limits = Field(default_factory=Limits)
    cache: Cache = Field(default_factory=Cache)
    alertmanager: AlertmanagerSettings = Field(default_factory=AlertmanagerSettings)
    state_dir: Path | None = Field(None, description="Folder for what must survive a restart.")
    exporter_url: Url = Field(
        "http://127.0.0.1:9847", description="Where users reach the exporter."
    )
    actions_url: Url = Field(
        "http://127.0.0.1:9848", description="Where users reach the action service."
    )
    prometheus_url: Url = Field("http://127.0.0.1:9090", description="Base URL of Prometheus.")
    grafana_url: Url = Field("http://127.0.0.1:3000", description="Base URL of Grafana.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which arrives as arguments."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @field_validator("targets")
    @classmethod
    def _names_once(cls, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        names = [target.name for target in targets]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            message = f"give each target a name of its own; twice: {', '.join(twice)}"
            raise ValueError(message)
        return targets

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.targets and "api" in self.model_fields_set:
            message = "set either api (one target) or targets (several), not both"
            raise ValueError(message)
        return self

    def all_targets(self) -> tuple[Target, ...]:
        """Return the targets; the simple form ``api`` is one, named ``default``."""
        if self.targets:
            return self.targets
        return (Target.model_construct(name="default", **dict(self.api)),)


def load(path: Path | None = None) -> Settings:
    """
    Read the configuration from *path* (nothing but defaults without one) and the environment.

    Raises:
        ConfigurationError: With every mistake found.
    """
    text = ""
    tree: dict[str, Any] = {}
    if path is not None:
        text, tree = _read(path)
    try:
        return Settings(**tree)
    except ValidationError as error:
        places = _Places(path, text)
        raise ConfigurationError(*(places.problem(e) for e in error.errors())) from None
    except SettingsError as error:
        found = re.search(r'field "(\w+)"', str(error))
        name = ENV_PREFIX + found[1].upper() if found else "environment"
        message = f"{name}: cannot be parsed: write JSON, as lists and maps need it"
        raise ConfigurationError(message) from None


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Return the text of the file and the mapping in it; ConfigurationError otherwise."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"{path}: cannot be read: {reason}"
        raise ConfigurationError(message) from None
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        twice = list(_duplicates(node)) if node is not None else []
        tree = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        message = f"{path}:{line}: not valid YAML: {error.problem}"
        raise ConfigurationError(message) from None
    if twice:
        raise ConfigurationError(*(f"{path}:{line}: {key}: stands twice" for line, key in twice))
    if tree is None:
        return text, {}
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        message = f"{path}: must be a mapping of settings, for example api: {{url: http://…}}"
        raise ConfigurationError(message)
    return text, tree


def _duplicates(node: yaml.Node) -> Iterator[tuple[int, str]]:
    """Yield line and name of each key that stands twice in a mapping; YAML would keep the last."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.start_mark.line + 1, str(key.value)
            seen.add(key.value)
            yield from _duplicates(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item)


class _Places:
    """Finds where a value came from: a variable of the environment or a line of the file."""

    def __init__(self, path: Path | None, text: str) -> None:
        self._path = path
        self._root = yaml.compose(text, yaml.SafeLoader) if text else None

    def problem(self, error: ErrorDetails) -> str:
        """Say one mistake in a line: place, value and what would be right."""
        loc = error["loc"]
        setting = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")
        place = f"{self._place(loc)}{setting or 'settings'}"
        if error["type"] == "extra_forbidden":
            return f"{place}: no such setting{_suggestion(loc)}"
        right = error["msg"].removeprefix("Value error, ")
        if error["type"] == "missing":
            return f"{place}: missing: write a value"
        if error["type"] == "value_error" and isinstance(error["input"], dict | Api | Settings):
            return f"{place}: {right}"
        return f"{place}: {_shown(loc, error['input'])}: {right}"

    def _place(self, loc: tuple[int | str, ...]) -> str:
        for depth in (2, 1):
            name = ENV_PREFIX + "_".join(str(part) for part in loc[:depth]).upper()
            if loc and os.environ.get(name):
                return f"{name}: "
        if self._path is None:
            return ""
        return f"{self._path}:{self._line(loc)}: "

    def _line(self, loc: tuple[int | str, ...]) -> int:
        node, line = self._root, 1
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                found = [(k, v) for k, v in node.value if k.value == part]
                if not found:
                    break
                line = found[0][0].start_mark.line + 1
                node = found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
                node = node.value[part]
                line = node.start_mark.line + 1
        return line


def _shown(loc: tuple[int | str, ...], value: object) -> str:
    """Return *value* as an error may show it: no secret, no password in a URL, not too long."""
    if any("token" in str(part) and "file" not in str(part) for part in loc):
        return "(a secret, not shown)"
    text = repr(value) if not isinstance(value, str) else f'"{value}"'
    text = re.sub(r"//[^/@\s]*@", "//(not shown)@", text)
    longest = 80
    return text if len(text) <= longest else f"{text[:longest]}…"


def _suggestion(loc: tuple[int | str, ...]) -> str:
    """Name the settings that exist where an unknown one was found, the most alike first."""
    model: Any = Settings
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        if isinstance(model, type) and issubclass(model, BaseModel) and part in model.model_fields:
            model = model.model_fields[part].annotation
            model = Target if model == tuple[Target, ...] else model
            model = EndpointSettings if model == dict[str, EndpointSettings] else model
    names = list(getattr(model, "model_fields", {}))
    alike = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f"; did you mean {alike[0]}?" if alike else f"; there are {', '.join(names)}"


def check_files(settings: Settings) -> None:
    """
    Try the files that *settings* names, which polling reads only when it needs them.

    Raises:
        ConfigurationError: With each file that cannot be read.
    """
    problems = []
    for target in settings.all_targets():
        for name in ("token_file", "ca_file"):
            path = getattr(target, name)
            try:
                if path is not None and not path.read_text("utf-8").strip():
                    problems.append(f"{target.name}: {name}: {path}: is empty")
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
                problems.append(f"{target.name}: {name}: {path}: cannot be read: {reason}")
    if problems:
        raise ConfigurationError(*problems)


def unknown_variables() -> list[str]:
    """Name the variables of the environment that look like ours and set nothing."""
    known = set()
    for name, field in Settings.model_fields.items():
        known.add(f"{ENV_PREFIX}{name}".upper())
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            known |= {f"{ENV_PREFIX}{name}_{sub}".upper() for sub in field.annotation.model_fields}
    # Kubernetes sets OPS_EXPORTER_PORT and the like for a service of that name.
    service = re.compile(r"OPS_(EXPORTER|ACTIONS)_(PORT|SERVICE)(_|$)")
    return sorted(
        name
        for name in os.environ
        if name.startswith(ENV_PREFIX) and name not in known and not service.match(name)
    )
