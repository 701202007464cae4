"""What the actions do, and how: no secret is in here, for the exporter may share the file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from exporter.settings.section import Section, Url, matching, within
from exporter.settings.units import duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.settings.together import Mistake

# With fewer, a pattern such as "c*" would take keys of others with it.
LITERAL_PREFIX_MIN: Final = 3
# The broker's own keys: without them, tasks under way are lost.
BROKER_KEYS: Final = ("celery", "_kombu", "unacked")
_GLOB: Final = re.compile(r"[*?\[\\]")
_DAY_S: Final = 86400.0


def _path(value: str) -> str:
    if re.fullmatch(r"/[A-Za-z0-9._~-][A-Za-z0-9._~/-]*", value):
        return value
    message = "write a path of the API, for example /api/monitoring/cache/clear"
    raise ValueError(message)


def _job_path(value: str) -> str:
    if value.count("{job_id}") == 1:
        _path(value.replace("{job_id}", "id"))
        return value
    message = "write a path with {job_id} in it, once"
    raise ValueError(message)


def _folder(value: str) -> str:
    # It becomes the path of a cookie and the beginning of each redirect.
    if re.fullmatch(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)*", urlsplit(value).path):
        return value
    message = "write a path of plain words or none, for example https://ops.example/ops-actions"
    raise ValueError(message)


def _pattern(value: str) -> str:
    prefix = _GLOB.split(value, maxsplit=1)[0]
    if len(prefix) < LITERAL_PREFIX_MIN or not value.isprintable():
        message = f"write at least {LITERAL_PREFIX_MIN} plain characters first, for example cache:*"
        raise ValueError(message)
    if any(prefix.startswith(key) or key.startswith(prefix) for key in BROKER_KEYS):
        message = "these are keys of the task queue, which must stay; name those of the cache"
        raise ValueError(message)
    return value


def redis_url(value: str) -> str:
    """Return the URL of a Redis; ValueError if it is none."""
    try:
        parts = urlsplit(value)
        right = parts.scheme in {"redis", "rediss"} and parts.hostname and parts.port != 0
    except ValueError:
        right = False
    if right and re.fullmatch(r"/?|/[0-9]{1,4}", parts.path) and not parts.fragment:
        return value
    message = "write redis:// or rediss://, a host and the number of the database"
    raise ValueError(message)


def _open_redis_url(value: str) -> str:
    if "@" in value or "?" in value:
        message = "leave user and password out; write the whole URL into redis_url_file"
        raise ValueError(message)
    return redis_url(value)


Host = Annotated[
    str,
    matching(r"[a-z0-9-]+(\.[a-z0-9-]+)+", "write a host in lower case, for example github.com"),
]
Deadline = Annotated[float, BeforeValidator(duration), within(1, 60, "1s to 1m")]
Cooldown = Annotated[float, BeforeValidator(duration), within(0, 3600, "0s to 1h")]
Retention = Annotated[
    float, BeforeValidator(duration), within(_DAY_S, 3650 * _DAY_S, "1d to 3650d")
]


class ClearCache(Section):
    """How the cache is cleared: by the API, or in Redis."""

    path: Annotated[str, AfterValidator(_path)] | None = None
    redis_url: Annotated[str, AfterValidator(_open_redis_url)] | None = None
    redis_url_file: Path | None = None
    redis_pattern: Annotated[str, AfterValidator(_pattern)] | None = None

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Refuse two ways at once, and half of one."""
        urls = [name for name in ("redis_url", "redis_url_file") if values.get(name) is not None]
        if len(urls) > 1:
            yield (), "set either redis_url or redis_url_file, not both"
        if urls and values.get("path") is not None:
            yield (), "set either path or a Redis, not both"
        if bool(urls) != (values.get("redis_pattern") is not None):
            yield (), "set a Redis together with redis_pattern: which keys are the cache"


class CancelJob(Section):
    """How a job is cancelled."""

    path: Annotated[str, AfterValidator(_job_path)] | None = None


class Ingest(Section):
    """Which repositories may be ingested."""

    hosts: tuple[Host, ...] = ("github.com", "gitlab.com", "bitbucket.org", "codeberg.org")


class ActionsSettings(Section):
    """Where the action service is, what its actions do, and how often they may."""

    url: Annotated[Url, AfterValidator(_folder)] = Field(
        "http://127.0.0.1:9848",
        description="Where users reach the action service; with a path, when a proxy has it in a"
        " folder.",
    )
    clear_cache: ClearCache = Field(
        default_factory=ClearCache,
        description="`path` of the API, or `redis_url` (better: `redis_url_file`) with"
        " `redis_pattern`; neither: not offered.",
    )
    cancel_job: CancelJob = Field(
        default_factory=CancelJob,
        description="`path` of the API with `{job_id}` in it; without one: not offered.",
    )
    ingest: Ingest = Field(
        default_factory=Ingest, description="`hosts` from which repositories may be ingested."
    )
    timeout: Deadline = Field(
        10.0, description="Deadline of an action, 1s to 1m; what it has done by then is not known."
    )
    cooldown: Cooldown = Field(
        10.0, description="Pause between two runs of one action on one target, 1h at most."
    )
    retention: Retention = Field(
        90 * _DAY_S, description="How long history and audit are kept, 1d to 3650d."
    )

    @property
    def folder(self) -> str:
        """The path of `url`, before each path of a page; empty when there is none."""
        return urlsplit(self.url).path
