"""
One metric family as lines of the text formats, which differ in the lines above the samples only.

Prometheus's text format 0.0.4 and OpenMetrics 1.0.0.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Final

import orjson

from exporter.catalogue.model import Kind
from exporter.exposition.negotiation import Format

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.catalogue.model import Metric
    from exporter.catalogue.sample import Sample

_LABEL_SPECIAL: Final = '\\"\n'
_LABEL_ESCAPES: Final = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})
# JSON can spell a lone surrogate, which is no UTF-8.
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_HELP_ESCAPES: Final = {
    Format.TEXT: str.maketrans({"\\": r"\\", "\n": r"\n"}),
    Format.OPENMETRICS: str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""}),
}


@dataclass(frozen=True, slots=True)
class Block:
    """
    A family rendered.

    Attributes:
        head: HELP, TYPE and UNIT in each format, without a newline at the end.
        lines: A newline and a sample, as often as there are samples.
    """

    name: str
    head: Mapping[Format, bytes]
    lines: bytes


class Family:
    """Renders one metric again and again; what did not change is not done again."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._histogram = metric.kind is Kind.HISTOGRAM
        self._samples: Sequence[Sample] = ()
        self._labels: list[tuple[str, ...]] = []
        # Of the further labels, of families that have some; of a histogram, the suffix first.
        self._names: list[tuple[str, ...]] = []
        self._prefixes: list[bytes] = []
        self._block = Block(
            metric.name, head(metric.name, metric.kind, metric.help, metric.unit), b""
        )

    def render(self, samples: Sequence[Sample]) -> Block:
        """Return the block of *samples*: the very same one for the very same sequence."""
        if samples is not self._samples:
            self._know(samples)
            lines: list[bytes] = [b""] * (2 * len(samples))
            lines[::2] = self._prefixes
            lines[1::2] = _numbers([sample.value for sample in samples])
            self._block = Block(self._block.name, self._block.head, b"".join(lines))
            self._samples = samples
        return self._block

    def _know(self, samples: Sequence[Sample]) -> None:
        """Have a prefix for each of *samples*; from one poll to the next they mostly stay."""
        labels = [sample.labels for sample in samples]
        names = self._further(samples)
        if labels != self._labels or names != self._names:
            templates = {further: self._template(further) for further in {(), *names}}
            of_each = (templates[further] for further in names) if names else repeat(templates[()])
            self._prefixes = [
                (template % values).encode()
                for template, values in zip(of_each, _escaped(labels), strict=False)
            ]
        # Also when equal: the old tuples would stay in memory beside the new ones.
        self._labels, self._names = labels, names

    def _further(self, samples: Sequence[Sample]) -> list[tuple[str, ...]]:
        """Return what each of *samples* has beside the name and the labels of the metric."""
        if self._histogram:
            return [(sample.suffix, *sample.names) for sample in samples]
        return [sample.names for sample in samples] if self._metric.open_labels else []

    def _template(self, further: tuple[str, ...]) -> str:
        """Return how a sample begins that has *further* labels beside the metric's own."""
        name = self._metric.name
        if self._histogram and further:
            name, further = f"{name}{further[0]}", further[1:]
        labels = ",".join(f'{label}="%s"' for label in (*self._metric.labels, *further))
        # A newline before the sample, not after it: then a line is two parts, not three.
        return f"\n{name}{{{labels}}} " if labels else f"\n{name} "


def head(name: str, kind: str, text: str, unit: str = "") -> dict[Format, bytes]:
    """Return the lines above the samples of the family *name*, whose HELP is *text*."""
    heads = {}
    for form, escapes in _HELP_ESCAPES.items():
        # OpenMetrics names the family of a counter without the suffix of its samples.
        family = name.removesuffix("_total") if form is Format.OPENMETRICS else name
        word = "untyped" if kind == Kind.UNKNOWN and form is Format.TEXT else kind
        lines = [f"# HELP {family} {text.translate(escapes)}", f"# TYPE {family} {word}"]
        if unit and form is Format.OPENMETRICS:
            lines.append(f"# UNIT {family} {unit}")
        heads[form] = "\n".join(lines).encode()
    return heads


def _escaped(labels: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return *labels* as they stand between quotes: escaped, and valid UTF-8."""
    text = "".join(map("".join, labels))
    # One look over all of them takes a hundredth of the time of looking into each.
    special = any(character in text for character in _LABEL_SPECIAL)
    if special or (not text.isascii() and _SURROGATE.search(text)):
        return [tuple(map(_escaped_value, values)) for values in labels]
    return labels


def _escaped_value(value: str) -> str:
    # A lone surrogate is shown as Python's escape, not as "?": two values never become one.
    return value.encode(errors="backslashreplace").decode().translate(_LABEL_ESCAPES)


def _numbers(values: list[float]) -> list[bytes]:
    """Spell *values*, in one call of orjson: several times faster than repr() one by one."""
    spelled = orjson.dumps(values)
    # NaN and the infinities became null; a bool, a float to Python and mypy, true or false.
    if b"u" in spelled or b"l" in spelled:
        return [_number(float(value)) for value in values]
    return spelled[1:-1].split(b",")


def _number(value: float) -> bytes:
    if math.isnan(value):
        return b"NaN"
    if math.isinf(value):
        return b"+Inf" if value > 0 else b"-Inf"
    return orjson.dumps(value)
