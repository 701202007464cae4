"""What every part of the configuration is made of: its model, and readers of single values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    model_validator,
)

from exporter.settings.together import Mistake, all_at_once
from exporter.settings.units import http_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Section(BaseModel):
    """A part of the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _all_at_once(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Report what is wrong with several settings together with what is wrong with each."""
        return all_at_once(values, handler, cls.together)

    @classmethod
    def together(cls, values: Mapping[str, Any]) -> Iterator[Mistake]:
        """Yield place and text of what no setting alone is wrong about; *values* are raw."""
        del values
        yield from ()


def within(low: float, high: float, text: str) -> AfterValidator:
    """Return what refuses a value out of bounds, which *text* names with their units."""

    def check(value: float) -> float:
        if low <= value <= high:
            return value
        message = f"must be from {text}"
        raise ValueError(message)

    return AfterValidator(check)


def matching(pattern: str, right: str) -> AfterValidator:
    """Return what refuses a text that does not match as a whole; *right* says what would."""

    def check(value: str) -> str:
        if re.fullmatch(pattern, value):
            return value
        raise ValueError(right)

    return AfterValidator(check)


def _no_flag(value: object) -> object:
    # YAML's yes and no would otherwise count as 1 and 0.
    if isinstance(value, bool):
        message = "write a whole number"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueErrors alone
    return value


Url = Annotated[str, AfterValidator(http_url)]
Whole = Annotated[int, BeforeValidator(_no_flag)]
