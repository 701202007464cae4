"""Finds the mistakes of several settings even where one of them is wrong by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_core.core_schema import ErrorType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pydantic import ModelWrapValidatorHandler
    from pydantic_core import ErrorDetails

Made = TypeVar("Made")
# Where it stands, from the model on, and what would be right.
Mistake = tuple[tuple[int | str, ...], str]


def all_at_once(
    values: Any,
    handler: ModelWrapValidatorHandler[Made],
    rules: Callable[[Mapping[str, Any]], Iterable[Mistake]],
) -> Made:
    """
    Validate *values* and apply *rules* to them, whether they were valid or not.

    Validators that run after a model's fields are left out as soon as one field is wrong, so that
    its user would mend one mistake only to be told of the next.

    Raises:
        ValidationError: With the mistakes of both.
    """
    broken = list(rules(values)) if isinstance(values, dict) else []
    found: list[InitErrorDetails] = []
    made: Made | None = None
    try:
        made = handler(values)
    except ValidationError as error:
        found = [
            InitErrorDetails(
                type=_kind(one), loc=one["loc"], input=one["input"], ctx=one.get("ctx", {})
            )
            for one in error.errors()
        ]
    found += [
        InitErrorDetails(type="value_error", loc=loc, input=values, ctx={"error": ValueError(text)})
        for loc, text in broken
    ]
    if found or made is None:
        title = "settings"
        raise ValidationError.from_exception_data(title, found)
    return made


def _kind(error: ErrorDetails) -> str | PydanticCustomError:
    """Return what kind an error is of; pydantic takes back by name only those of its core."""
    if error["type"] in get_args(ErrorType):
        return error["type"]
    # Its type asks for a literal; what arrives here had one when it was first raised.
    return PydanticCustomError(error["type"], "{text}", {"text": error["msg"]})
