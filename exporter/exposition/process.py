"""The exporter's own process metrics (CPU, memory, open files), as every exporter has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.exposition.family import Block, head

if TYPE_CHECKING:
    from exporter.exposition.negotiation import Format

# A page is rendered once per change, so its process metrics are not those of the very scrape.
PROCESS_AGE_MAX_S: Final = 30.0


class ProcessSampler:
    """Reads the process metrics of this process; on a system without /proc there are none."""

    def __init__(self) -> None:
        # Its import takes several times as long as Python's start: only once a page is asked for.
        from prometheus_client import ProcessCollector  # noqa: PLC0415

        self._collector = ProcessCollector(registry=None)
        self._heads: dict[str, dict[Format, bytes]] = {}

    def sample(self) -> list[Block]:
        """Read them now."""
        note = f"Sampled when the page is rendered, at most {PROCESS_AGE_MAX_S:.0f} s ago."
        blocks = []
        for family in self._collector.collect():
            (sample,) = family.samples
            name = sample.name
            if name not in self._heads:
                self._heads[name] = head(name, family.type, f"{family.documentation} {note}")
            blocks.append(Block(name, self._heads[name], f"\n{name} {sample.value!r}".encode()))
        return blocks
