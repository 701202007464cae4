"""What the web layer asks of the exporter behind it; structural: neither imports the other."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

# ASGI's own shapes, spelled out: importing them from a framework would cost every start-up.
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = tuple[tuple[bytes, bytes], ...]


class Rendered(Protocol):
    """A page as bytes, with the headers that belong to them."""

    @property
    def body(self) -> bytes:
        """The body, already compressed when a header says so."""

    @property
    def headers(self) -> Headers:
        """Lower-case names, content-length included."""


class Page(Protocol):
    """The metrics page of one target."""

    def get(self, accept: str, accept_encoding: str) -> Rendered:
        """Return the page in the format and encoding that the two request headers prefer."""


class Verdict(Protocol):
    """What the last request to one endpoint of one target came to."""

    @property
    def target(self) -> str:
        """Name of the target."""

    @property
    def endpoint(self) -> str:
        """Name of the endpoint."""

    @property
    def verdict(self) -> str | None:
        """One word of the closed list; None when it was never asked."""

    @property
    def duration_s(self) -> float | None:
        """How long the last request took."""

    @property
    def last_success(self) -> float | None:
        """Unix time of the last usable answer."""

    @property
    def interval_s(self) -> float:
        """The pace in force."""

    @property
    def detail(self) -> str:
        """One more sentence, safe to show; may be empty."""


class PollAnswer(Protocol):
    """Which endpoints an early poll asked, joined while under way, and left alone."""

    @property
    def asked(self) -> Sequence[str]:
        """Asked now."""

    @property
    def joined(self) -> Sequence[str]:
        """Was being asked already; its answer counts for this poll too."""

    @property
    def too_soon(self) -> Sequence[str]:
        """Heavy, and asked early less than a minute ago."""


class Exporter(Protocol):
    """The running exporter."""

    def page(self, target: str | None) -> Page | None:
        """Return the page of a target, the first for None; None when there is no such target."""

    def verdicts(self) -> Sequence[Verdict]:
        """Return one per endpoint and target, in the order in which to show them."""

    @property
    def ready(self) -> bool:
        """True once the pollers run; says nothing about the backend's health."""

    async def poll_now(self, target: str | None) -> PollAnswer | None:
        """Ask a target's endpoints early; None when there is no such target."""

    async def reload(self) -> None:
        """
        Read the configuration again and swap it in whole.

        Raises:
            ConfigurationError: The last good configuration stays; the text is safe to show.
        """
