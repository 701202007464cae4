"""
The base of the models that read an answer, field by field.

A field that is absent or of a wrong type becomes None and is counted, and costs nothing but itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    WrapValidator,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.collectors.reading import Reading

T = TypeVar("T")


def _lenient(value: Any, handler: Callable[[Any], Any]) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


def _named(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


LENIENT: Final = WrapValidator(_lenient)
OPTIONAL: Final = "optional"  # marks a field that may be absent or null without being missing
# Nothing that is counted or measured here gets there, and no unit or sum of it becomes infinite.
_AMOUNT_MAX: Final = 1e18

# What is counted or measured from zero; a negative one is a bad field.
Amount = Annotated[
    Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=_AMOUNT_MAX)] | None, LENIENT
]
Share = Annotated[
    Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=1)] | None, LENIENT
]
Percent = Annotated[
    Annotated[float, Field(strict=True, allow_inf_nan=False, ge=0, le=100)] | None, LENIENT
]
Text = Annotated[StrictStr | None, LENIENT]
# A number that names something is as good as a text.
Identifier = Annotated[str | None, BeforeValidator(_named), LENIENT]
Flag = Annotated[StrictBool | None, LENIENT]
MaybeAmount = Annotated[Amount, OPTIONAL]
MaybeText = Annotated[Text, OPTIONAL]
MaybeFlag = Annotated[Flag, OPTIONAL]
Nested = Annotated[T | None, LENIENT]
Many = Annotated[dict[str, Annotated[T | None, LENIENT]] | None, LENIENT]
Row = Annotated[list[Annotated[T | None, LENIENT]] | None, LENIENT]


class Part(BaseModel):
    """
    One object of an answer.

    Class attributes:
        ignored: Fields that have no metric, with the reason.
        free: The object may hold anything more; nothing of it counts as unknown.
        excuse: A field of the answer that says why the others are not there; None is no excuse.
    """

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())
    ignored: ClassVar[dict[str, str]] = {}
    free: ClassVar[bool] = False
    excuse: ClassVar[str] = ""


ENVELOPE: Final = {
    "status": "judged as the verdict",
    "timestamp": "the exporter's own clock counts",
    "error": "free text",
    "message": "free text",
    "warnings": "free text",
}


def audit(part: Part, raw: dict[str, Any], reading: Reading, path: str = "") -> None:
    """
    Tell *reading* what *part* lacks, what it holds too much, and what is ignored knowingly.

    Args:
        raw: What *part* was read from: only there do null and unreadable differ.
        path: Of *part* in the answer; names that the answer chose itself are shown as ``*``.
    """
    excused = raw.get(part.excuse) is not None
    for name, field in type(part).model_fields.items():
        value, given = getattr(part, name), raw.get(name)
        here = f"{path}{name}"
        if value is None:
            if given is not None or not (excused or OPTIONAL in field.metadata):
                reading.missing.append(here)
        elif isinstance(value, Part):
            audit(value, raw[name], reading, f"{here}.")
        elif isinstance(value, dict):
            _audit_items(value.items(), given, reading, f"{here}.*")
        elif isinstance(value, list):
            _audit_items(enumerate(value), given, reading, f"{here}[*]")
    for name in part.model_extra or {}:
        if name in part.ignored:
            reading.ignored[f"{path}{name}"] = part.ignored[name]
        elif not part.free:
            reading.unknown.append(f"{path}{name}")


def _audit_items(items: Iterable[tuple[Any, Any]], raw: Any, reading: Reading, path: str) -> None:
    for key, value in items:
        if value is None:
            reading.missing.append(path)
        elif isinstance(value, Part):
            audit(value, raw[key], reading, f"{path}.")
