"""
Turn answers of the monitoring API into samples, one module per section of the ops page.

Both dialects are recognised by their shape. A module lists its readers in ``READERS``: endpoint
name → function of the payload and a `Context`, returning a `Reading`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.collectors.reading import SchemaError
from exporter.collectors.words import unix_time

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
    try:
        reading: Reading = section.READERS[answer.endpoint.name](answer.payload, context)
    except ValidationError:
        # Single fields are lenient: what is left is a name that is no text (half a surrogate pair).
        message = "expected names of fields that are text"
        raise SchemaError(message) from None
    # The deployed dialect's envelope has it, and the designed health.
    stamp = answer.payload.get("timestamp") if isinstance(answer.payload, dict) else None
    reading.made_at = unix_time(stamp) if isinstance(stamp, str) else None
    return reading
