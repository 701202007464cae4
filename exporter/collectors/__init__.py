"""
Turn answers of the monitoring API into samples, one module per section of the ops page.

Both dialects are recognised by their shape. A module lists its readers in ``READERS``: endpoint
name → function of the payload and a `Context`, returning a `Reading`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.api.answer import Answer
    from exporter.collectors.reading import Context, Reading


def collect(answer: Answer, context: Context) -> Reading:
    """
    Read the payload of a usable *answer*.

    Raises:
        SchemaError: If its top-level shape is in neither dialect.
    """
    section = import_module(f"{__name__}.{answer.endpoint.section}")
    reading: Reading = section.READERS[answer.endpoint.name](answer.payload, context)
    return reading
