"""The configuration as models: what may be set, its default, its bounds and its meaning."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    SecretStr,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from exporter.catalogue.endpoints import BY_NAME
from exporter.catalogue.watched import WATCHABLE
from exporter.settings.actions import ActionsSettings
from exporter.settings.alertmanager import AlertmanagerSettings
from exporter.settings.alerts import AlertName, AlertSettings, mistakes
from exporter.settings.section import Section, Url, Whole, matching, within
from exporter.settings.together import Mistake, all_at_once
from exporter.settings.units import duration, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ENV_PREFIX: Final = "OPS_"
# A longer answer than this would keep the backend busy for longer than its users should notice.
DEADLINE_MAX_S: Final = 10.0
# A value must not be older than the rules' windows allow (interface.md, Life of a value).
INTERVAL_MAX_S: Final = 300.0
INTERVAL_MIN_S: Final = 1.0


def _endpoint_name(value: str) -> str:
    if value in BY_NAME:
        return value
    message = f"no such endpoint; there are {', '.join(BY_NAME)}"
    raise ValueError(message)


def _watchable_name(value: str) -> str:
    if value in WATCHABLE:
        return value
    name = f"ops_{value.lower().removeprefix('ops_')}"
    alike = difflib.get_close_matches(name, WATCHABLE, n=1)
    nearest = f"did you mean {alike[0]}? " if alike else ""
    message = f"no metric that can be watched; {nearest}docs/metrics.md lists those that can"
    raise ValueError(message)


EndpointName = Annotated[str, AfterValidator(_endpoint_name)]
WatchableName = Annotated[str, AfterValidator(_watchable_name)]
Interval = Annotated[
    float, BeforeValidator(duration), within(INTERVAL_MIN_S, INTERVAL_MAX_S, "1s to 5m")
]
Deadline = Annotated[float, BeforeValidator(duration), within(0.1, DEADLINE_MAX_S, "100ms to 10s")]
Size = Annotated[int, BeforeValidator(size)]
# Fewer samples say nothing about spread; more than a day of them would cost memory for nothing.
WindowSamples = Annotated[Whole, Field(ge=10, le=2880)]
Floor = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
TargetName = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}",
        "write at most 63 letters, digits, dots, dashes and underscores",
    ),
]
# It becomes the label of what an answer tells without naming its own window.
Window = Annotated[
    str, matching(r"[1-9][0-9]{0,3}[smhdw]", "write a number and m, h or d, for example 24h")
]


class Api(Section):
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
    time_range: Window = Field("24h", description="`time_range` asked of a designed backend.")
    time_window_days: Whole = Field(
        7, ge=1, le=90, description="`time_window_days` asked of a deployed backend, 1-90."
    )

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Refuse two tokens, of which one would never be sent."""
        if values.get("token") is not None and values.get("token_file") is not None:
            yield (), "set either token or token_file, not both"

    def bearer(self) -> str:
        """
        Return the token to send now, or nothing.

        Raises:
            OSError: If the token file cannot be read.
            UnicodeDecodeError: If it is no text.
        """
        if self.token_file is not None:
            return self.token_file.read_text("utf-8").strip()
        return self.token.get_secret_value().strip() if self.token else ""


class Target(Api):
    """A monitoring API with the name under which ``/probe?target=NAME`` serves it."""

    name: TargetName = "default"


class EndpointSettings(Section):
    """What may be set for one endpoint; what is left out has its default."""

    enabled: bool = True
    interval: Interval | None = None
    timeout: Deadline | None = None


class Poll(Section):
    """The pace at which the API is asked."""

    interval: Interval = Field(
        30.0, description="Pace of a light endpoint, 1s to 5m; heavy ones are asked less often."
    )
    timeout: Deadline = Field(10.0, description="Deadline of one request, 10s at most.")
    endpoints: dict[EndpointName, EndpointSettings] = Field(
        default_factory=dict,
        description="Per endpoint: `enabled`, `interval`, `timeout`.",
    )


class Limits(Section):
    """What bounds memory and cardinality."""

    body: Size = Field(8 * 2**20, description="Largest answer read, for example 8MiB.")
    cardinality: Whole = Field(
        200, ge=1, le=100_000, description="Most entities (modules, keys, jobs …) of one metric."
    )


class Cache(Section):
    """How cache keys are shown."""

    keys: Literal["patterns", "whole"] = Field(
        "patterns",
        description="`patterns`: numbers, UUIDs, hex and e-mail addresses become `*`; `whole`.",
    )


class WatchSettings(Section):
    """What may be set for one watched metric; what is left out has its default."""

    enabled: bool = True
    window: WindowSamples | None = None
    direction: Literal["up", "down", "both"] | None = None
    floor: Floor | None = None


class AnomalySettings(Section):
    """What is watched for anomalies, and by which rule."""

    enabled: bool = Field(True, description="Watch for anomalies at all.")  # noqa: FBT003 - the default
    mode: Literal["detector", "literal"] = Field(
        "detector",
        description="`detector`: its own judgement; `literal`: a z-score beyond 2, which marks one"
        " sample in twenty of pure noise.",
    )
    window: WindowSamples = Field(
        120, description="Samples of the window that a z-score compares with, 10-2880."
    )
    watch: dict[WatchableName, WatchSettings] = Field(
        default_factory=dict,
        description="Per metric: `enabled`, `window`, `direction` (`up`, `down`, `both`: which side"
        " is bad), `floor` (what is nearer than this to the expected is no anomaly; of durations"
        " a share: 0.25 is a quarter longer).",
    )


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
    anomaly: AnomalySettings = Field(default_factory=AnomalySettings)
    alertmanager: AlertmanagerSettings = Field(default_factory=AlertmanagerSettings)
    actions: ActionsSettings = Field(default_factory=ActionsSettings)
    alerts: dict[AlertName, AlertSettings] = Field(
        default_factory=dict,
        description="Per alert: `threshold` (in base units: 0.05, 0.5, 100), `enabled`: the default"
        " of what people set on the page of the action service.",
    )
    state_dir: Path | None = Field(
        None,
        description="Folder for what must survive a restart: what the detectors have learnt; of the"
        " action service, its database. Without one, the exporter saves nothing.",
    )
    exporter_url: Url = Field(
        "http://127.0.0.1:9847", description="Where users reach the exporter."
    )
    runbook_url: Url | None = Field(
        None,
        description="Page with the runbook, when it is not the exporter's own: one that is there"
        " when the exporter is not. It has the anchors of `docs/runbook.md`.",
    )
    prometheus_url: Url = Field(
        "http://127.0.0.1:9090",
        description="Base URL of Prometheus. When it is set, detectors without saved state learn"
        " from the last day there.",
    )
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

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report what is wrong with several settings together with what is wrong with each."""
        return all_at_once(values, handler, cls.together)

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Yield place and text of what no setting alone is wrong about; *values* are raw."""
        yield from _of_targets(values)
        yield from mistakes(values.get("alerts"))

    def all_targets(self) -> tuple[Target, ...]:
        """Return the targets; the simple form ``api`` is one, named ``default``."""
        if self.targets:
            return self.targets
        return (Target.model_construct(name="default", **dict(self.api)),)


def _of_targets(values: Mapping[str, Any]) -> Iterator[Mistake]:
    """Refuse two targets of one name, and targets beside ``api``."""
    targets = values.get("targets")
    if not isinstance(targets, list | tuple):
        return
    raw = [target for target in targets if isinstance(target, dict)]
    names = [str(target.get("name", Target.model_fields["name"].default)) for target in raw]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        yield ("targets",), f"give each target a name of its own; twice: {', '.join(twice)}"
    if targets and "api" in values:
        yield (), "set either api (one target) or targets (several), not both"
