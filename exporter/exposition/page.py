"""The page of a target: its samples as bytes with their headers, ready to be sent."""

from __future__ import annotations

import time
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from isal import igzip

from exporter.exposition.family import Family
from exporter.exposition.negotiation import Format, accepts_gzip, preferred_format
from exporter.exposition.process import PROCESS_AGE_MAX_S, ProcessSampler

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.catalogue.model import Metric
    from exporter.catalogue.sample import Sample
    from exporter.exposition.family import Block

# Level 3 takes more than twice as long and saves 1 %.
_GZIP_LEVEL: Final = 2


@dataclass(frozen=True, slots=True)
class Families:
    """
    The samples of a target at one moment.

    Attributes:
        version: Another one whenever *by_metric* says something else.
        by_metric: In any order; an empty sequence is no family. A label set appears once per
            family. A family that did not change keeps the same sequence object.
    """

    version: int
    by_metric: Mapping[Metric, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The body of an answer and the headers that belong to it, as ASGI wants them."""

    body: bytes
    headers: tuple[tuple[bytes, bytes], ...]


class Page:
    """
    Renders what *current* returns, each format and encoding when it is first asked for.

    Args:
        current: The samples as they are now; called at each scrape, so it must be cheap.
        process: Add the process metrics of this process.
        clock: Monotonic, in seconds.
    """

    def __init__(
        self,
        current: Callable[[], Families],
        *,
        process: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._current = current
        self._process = process
        self._clock = clock
        self._sampler: ProcessSampler | None = None
        self._version: int | None = None
        self._sampled_at_s = 0.0
        self._families: dict[Metric, Family] = {}
        self._blocks: list[Block] = []
        self._rendered: dict[tuple[Format, bool], Rendered] = {}

    def get(self, accept: str, accept_encoding: str) -> Rendered:
        """
        Return the page as the two headers ask for it.

        The very same object again until there is another version or the process metrics are old.
        """
        families = self._current()
        if families.version != self._version or self._process_expired():
            self._renew(families)
        form, gzip = key = preferred_format(accept), accepts_gzip(accept_encoding)
        if key not in self._rendered:
            self._rendered[key] = self._render(form, gzip=gzip)
        return self._rendered[key]

    def _process_expired(self) -> bool:
        return self._process and self._clock() - self._sampled_at_s >= PROCESS_AGE_MAX_S

    def _renew(self, families: Families) -> None:
        """Bring the blocks up to date; families that are gone are forgotten with their prefixes."""
        self._rendered.clear()
        self._families = {
            metric: self._families.get(metric) or Family(metric)
            for metric, samples in families.by_metric.items()
            if samples
        }
        blocks = [
            family.render(families.by_metric[metric]) for metric, family in self._families.items()
        ]
        if self._process:
            self._sampler = self._sampler or ProcessSampler()
            blocks += self._sampler.sample()
            self._sampled_at_s = self._clock()
        self._blocks = sorted(blocks, key=attrgetter("name"))
        self._version = families.version

    def _render(self, form: Format, *, gzip: bool) -> Rendered:
        parts = [part for block in self._blocks for part in (block.head[form], block.lines, b"\n")]
        if form is Format.OPENMETRICS:
            parts.append(b"# EOF\n")
        body = b"".join(parts)
        headers = [(b"content-type", form.encode()), (b"vary", b"Accept, Accept-Encoding")]
        if gzip:
            # Without a time of its own in the gzip header: equal pages are equal bytes.
            body = igzip.compress(body, _GZIP_LEVEL, mtime=0)
            headers.append((b"content-encoding", b"gzip"))
        headers.append((b"content-length", b"%d" % len(body)))
        return Rendered(body, tuple(headers))
