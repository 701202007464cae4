"""Says a mistake in one line: where it stands, what was found, and what would be right."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from pydantic import BaseModel

from exporter.settings.models import ENV_PREFIX
from exporter.settings.service import ServiceSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from exporter.settings.tree import Tree

_LONGEST: Final = 80
# What pydantic calls a mistake, in the words of somebody who writes YAML.
_RIGHT: Final = {
    "bool_parsing": "write true or false",
    "bool_type": "write true or false",
    "finite_number": "write a number",
    "float_parsing": "write a number",
    "float_type": "write a number",
    "dict_type": "write a mapping of settings",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "write a whole number",
    "int_parsing": "write a whole number",
    "int_type": "write a whole number",
    "invalid_key": "the name of a setting is text",
    "less_than_equal": "must be at most {le}",
    "literal_error": "write {expected}",
    "model_attributes_type": "write a mapping of settings",
    "model_type": "write a mapping of settings",
    "path_type": "write the path of a file or folder",
    "string_type": "write text",
    "tuple_type": "write a list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a setting was set: file and line, or the variable, and its name."""

    loc: tuple[int | str, ...]
    text: str

    def __str__(self) -> str:
        return self.text

    def says(self, value: object, right: str) -> str:
        """Say in one line that *value* stands here, and what would be right."""
        return f"{self.text}: {_shown(self.loc, value)}: {right}"


class Mistakes:
    """
    Words the mistakes of one configuration.

    Args:
        tree: The file, if there is one.
        environ: The environment, which wins over the file.
    """

    def __init__(self, tree: Tree, environ: Mapping[str, str]) -> None:
        self._tree = tree
        self._set = {name.upper() for name, value in environ.items() if value}

    def problem(self, error: ErrorDetails) -> str:
        """Say one mistake in a line: place, value and what would be right."""
        kind, value = error["type"], error["input"]
        loc = tuple(part for part in error["loc"] if part != "[key]")
        place = self.place(loc)
        if kind == "extra_forbidden":
            return f"{place}: no such setting{_suggestion(loc)}"
        if kind == "missing":
            return f"{place}: must be set"
        right = _RIGHT.get(kind, error["msg"].removeprefix("Value error, "))
        right = right.format_map(error["ctx"]) if kind in _RIGHT and "ctx" in error else right
        # A rule about several settings, or about the name that stands in the place already.
        if kind == "value_error" and not isinstance(value, str | int | float | None):
            return f"{place}: {right}"
        if error["loc"] != loc:
            return f"{place}: {right}"
        return place.says(value, right)

    def place(self, loc: tuple[int | str, ...]) -> Place:
        """Return where the setting at *loc* was set."""
        setting = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in loc).lstrip(".")
        return Place(loc=loc, text=f"{self._source(loc)}{setting or 'settings'}")

    def _source(self, loc: tuple[int | str, ...]) -> str:
        for depth in (2, 1):
            name = ENV_PREFIX + "_".join(str(part) for part in loc[:depth]).upper()
            if loc and name in self._set:
                return f"{name}: "
        if self._tree.path is None:
            return ""
        return f"{self._tree.path}:{self._tree.line(loc)}: "


def _shown(loc: tuple[int | str, ...], value: object) -> str:
    """Return *value* as an error may show it: no secret, nothing that could hold one, not long."""
    if _secret(loc):
        return "(a secret, not shown)"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int | float | None):
        return "nothing" if value is None else repr(value).lower()
    kinds = {"dict": "mapping", "tuple": "list"}
    return f"a {kinds.get(type(value).__name__, type(value).__name__)}"


def _secret(loc: tuple[int | str, ...]) -> bool:
    """Whether a secret stands there, or could: a receiver's URL is one, its file is mistaken."""
    if loc[:2] == ("auth", "tokens"):
        return not any(part in {"name", "token_file", "scopes"} for part in loc)
    if any("token" in str(part) and "file" not in str(part) for part in loc):
        return True
    if loc[-1] in {"database_url", "redis_url"}:
        return True
    receiver = loc[0] == "alertmanager" and len(loc) > 2  # noqa: PLR2004 - section, setting, part
    return receiver and str(loc[-1]).endswith(("url", "_file"))


def _quoted(value: str) -> str:
    text = re.sub(r"//.*@", "//(not shown)@", value, flags=re.DOTALL)
    text = re.sub(r"([?#]).*", r"\1(not shown)", text, flags=re.DOTALL)
    text = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    # A mistake is one line, and no text from outside moves the cursor of a terminal.
    return '"{}"'.format("".join(c if c.isprintable() else repr(c)[1:-1] for c in text))


def _suggestion(loc: tuple[int | str, ...]) -> str:
    """Name the settings that exist where an unknown one was found, or the one most like it."""
    model: type[BaseModel] | None = ServiceSettings
    for part in loc[:-1]:
        if model is not None and isinstance(part, str) and part in model.model_fields:
            model = _model(model.model_fields[part].annotation) or model
    names = list(model.model_fields) if model is not None else []
    alike = difflib.get_close_matches(str(loc[-1]), names, n=1)
    return f"; did you mean {alike[0]}?" if alike else f"; there are {', '.join(names)}"


def _model(annotation: Any) -> type[BaseModel] | None:
    """Return the model in *annotation*, which is one, or a list or mapping of them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model, get_args(annotation))), None)
