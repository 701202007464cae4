"""An exporter that remembers what it was asked, for tests of the web layer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import httpx

from exporter.settings import ConfigurationError

if TYPE_CHECKING:
    from exporter.web.contract import ASGIApp, Headers

NOW = 1_800_000_000.0


@dataclass(frozen=True)
class FakeRendered:
    body: bytes
    headers: Headers


@dataclass
class FakePage:
    name: str
    asked: list[tuple[str, str]] = field(default_factory=list)

    def get(self, accept: str, accept_encoding: str) -> FakeRendered:
        self.asked.append((accept, accept_encoding))
        body = f"ops_up 1 # {self.name}\n".encode()
        length = (b"content-length", b"%d" % len(body))
        return FakeRendered(body, ((b"content-type", b"text/plain; version=0.0.4"), length))


@dataclass(frozen=True, kw_only=True)
class FakeVerdict:
    target: str = "default"
    endpoint: str = "health"
    verdict: str | None = "ok"
    duration_s: float | None = 0.012
    last_success: float | None = NOW - 30
    interval_s: float = 30.0
    detail: str = ""


@dataclass(frozen=True)
class FakePollAnswer:
    asked: tuple[str, ...] = ("health", "pool")
    joined: tuple[str, ...] = ("cache",)
    too_soon: tuple[str, ...] = ("workers",)


@dataclass
class FakeExporter:
    ready: bool = True
    shown: list[FakeVerdict] = field(
        default_factory=lambda: [FakeVerdict(), FakeVerdict(target="staging")]
    )
    pages: dict[str, FakePage] = field(
        default_factory=lambda: {name: FakePage(name) for name in ("default", "staging")}
    )
    problem: str = ""
    polled: list[str | None] = field(default_factory=list)
    reloads: int = 0

    def page(self, target: str | None) -> FakePage | None:
        return self.pages.get("default" if target is None else target)

    def verdicts(self) -> list[FakeVerdict]:
        return self.shown

    async def poll_now(self, target: str | None) -> FakePollAnswer | None:
        if target is not None and target not in self.pages:
            return None
        self.polled.append(target)
        return FakePollAnswer()

    async def reload(self) -> None:
        if self.problem:
            raise ConfigurationError(self.problem)
        self.reloads += 1


def browse(app: ASGIApp, *, base_url: str = "http://127.0.0.1:9847") -> httpx.AsyncClient:
    """Return a client that calls *app* without a socket."""
    transport = httpx.ASGITransport(app=app)
    return httpx.AsyncClient(transport=transport, base_url=base_url)
