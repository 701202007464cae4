"""The OpenAPI description as a page shows it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from exporter.service.api.problems import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_REF: Final = "#/components/schemas/"
# Told once for all operations.
_ALWAYS: Final = frozenset(str(kind.status) for kind in ALWAYS)
# Those of JSON Schema, in plain words.
_WORDS: Final = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "object",
    "null": "null",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """
    What a value is.

    Attributes:
        ref: The model that it is, or that is in it; empty when it is none.
        bounds: Of texts, numbers and lists; empty when there are none.
    """

    text: str
    ref: str = ""
    bounds: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """
    A parameter, or a field of a model.

    Attributes:
        place: path, query, header or body; empty for what is answered.
    """

    name: str
    kind: Kind
    place: str
    required: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One status that an operation answers with."""

    status: str
    text: str
    ref: str

    @property
    def good(self) -> bool:
        """Whether it is what was asked for."""
        return self.status.startswith("2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    Something to ask for.

    Attributes:
        scope: What the token needs; empty when any will do.
        example: What may be sent, as JSON; empty when nothing is.
        query: What it may be asked with, ready to be put behind the path.
        answers: Without those that any operation may give.
    """

    id: str
    group: str
    method: str
    path: str
    title: str
    text: str
    scope: str
    values: Sequence[Value]
    example: str
    query: str
    answers: Sequence[Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The shape of what is sent or answered."""

    name: str
    text: str
    values: Sequence[Value]


def operations(description: Mapping[str, Any]) -> dict[str, list[Operation]]:
    """Return the operations by their groups."""
    found: dict[str, list[Operation]] = {}
    models = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, told in methods.items():
            one = _operation(path, method.upper(), told, models)
            found.setdefault(one.group, []).append(one)
    return found


def models(description: Mapping[str, Any]) -> list[Model]:
    """Return the models by their names."""
    return [
        Model(name=name, text=schema.get("description", ""), values=tuple(_fields(schema)))
        for name, schema in sorted(description["components"]["schemas"].items())
    ]


def kind(schema: Mapping[str, Any]) -> Kind:
    """Say in words what a value is."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REF)
        return Kind(text=name, ref=name)
    if "anyOf" in schema:
        parts = [kind(part) for part in schema["anyOf"]]
        found = next((part for part in parts if part.text != "null"), parts[0])
        return Kind(text=" or ".join(p.text for p in parts), ref=found.ref, bounds=found.bounds)
    if "enum" in schema or "const" in schema:
        words = schema.get("enum", [schema.get("const")])
        return Kind(text=" · ".join(json.dumps(word).strip('"') or "nothing" for word in words))
    text, inner = _WORDS.get(schema.get("type", ""), "anything"), schema.get("items")
    inner = inner or schema.get("additionalProperties") or None
    if isinstance(inner, dict):
        of = kind(inner)
        how = "list of" if schema["type"] == "array" else "by name:"
        return Kind(text=f"{how} {of.text}", ref=of.ref, bounds=_bounds(schema))
    if schema.get("format") == "date-time":
        text = "moment"
    return Kind(text=text, bounds=_bounds(schema))


def _operation(
    path: str, method: str, told: Mapping[str, Any], models: Mapping[str, Any]
) -> Operation:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    model = body.get("schema", {}).get("$ref", "").removeprefix(_REF)
    parameters = told.get("parameters", ())
    asked = urlencode(
        {one["name"]: example for one in parameters for example in _of_query(one)},
        doseq=True,
        safe=":/=",
    )
    return Operation(
        id=told["operationId"],
        group=told["tags"][0],
        method=method,
        path=path,
        title=told["summary"],
        text=told.get("description", ""),
        scope="".join(told["security"][0]["token"]),
        values=(
            *(
                Value(
                    name=one["name"],
                    kind=kind(one["schema"]),
                    place=one["in"],
                    required=one["required"],
                    text=one.get("description", ""),
                )
                for one in parameters
            ),
            *(_fields(models[model], "body") if model else ()),
        ),
        example=json.dumps(_example(models[model], models)) if model else "",
        query=f"?{asked}" if asked else "",
        answers=tuple(one for one in _answers(told["responses"]) if one.status not in _ALWAYS),
    )


def _answers(responses: Mapping[str, Any]) -> Iterator[Answer]:
    for status, told in sorted(responses.items()):
        schema: Mapping[str, Any] = next(iter(told["content"].values()))["schema"]
        yield Answer(status=status, text=told["description"], ref=kind(schema).ref)


def _of_query(parameter: Mapping[str, Any]) -> Sequence[Any]:
    """Return what a parameter of the query may be, at most one."""
    return _examples(parameter["schema"])[:1] if parameter["in"] == "query" else ()


def _fields(schema: Mapping[str, Any], place: str = "") -> Iterator[Value]:
    required = schema.get("required", ())
    for name, told in schema.get("properties", {}).items():
        text = told.get("description", "")
        yield Value(name=name, kind=kind(told), place=place, required=name in required, text=text)


def _example(schema: Mapping[str, Any], models: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with what must be in it, and with what there is an example of."""
    found = {}
    for name, told in schema.get("properties", {}).items():
        shape = models[told["$ref"].removeprefix(_REF)] if "$ref" in told else told
        if examples := _examples(told):
            found[name] = examples[0]
        elif name in schema.get("required", ()):
            found[name] = shape["type"] == "boolean"
    return found


def _examples(schema: Mapping[str, Any]) -> Sequence[Any]:
    found: Sequence[Any] = schema.get("examples", ())
    return found


def _bounds(schema: Mapping[str, Any]) -> str:
    """Return the bounds of a value in words."""
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{low:,g} to {high:,g}" if high < 1e6 else f"from {low:g}"  # noqa: PLR2004 - words
    if low is not None:
        return f"from {low:g}"
    if (longest := schema.get("maxLength")) is not None:
        return f"{longest} characters at most"
    if (most := schema.get("maxItems") or schema.get("maxProperties")) is not None:
        return f"{most} at most"
    return ""
