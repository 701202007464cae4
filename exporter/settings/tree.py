"""The configuration file as YAML: its values, and the line on which each of them stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import yaml

from exporter.settings.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Tree:
    """
    What a configuration file holds.

    Attributes:
        values: The settings, as YAML reads them.
    """

    def __init__(self, path: Path | None, values: dict[str, Any], root: yaml.Node | None) -> None:
        self.path = path
        self.values = values
        self._root = root

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """
        Read *path*; nothing without one.

        Raises:
            ConfigurationError: If it cannot be read, is no YAML, or sets something twice.
        """
        if path is None:
            return cls(None, {}, None)
        text = _text(path)
        root: yaml.Node | None = None
        try:
            root = yaml.compose(text, yaml.SafeLoader)
            twice = list(_duplicates(root, set())) if root is not None else []
            values = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            message = f"{path}:{line}: not valid YAML: {error.problem}"
            raise ConfigurationError(message) from None
        except yaml.reader.ReaderError as error:
            message = f"{path}: not valid YAML: {error.reason}"
            raise ConfigurationError(message) from None
        except RecursionError:
            message = f"{path}: not valid YAML: too deep"
            raise ConfigurationError(message) from None
        except ValueError:
            line = _line_of_bad_value(root)
            message = f"{path}:{line}: looks like a date or a number and is none: put it in quotes"
            raise ConfigurationError(message) from None
        if twice:
            raise ConfigurationError(
                *(f"{path}:{line}: {key}: stands twice; keep one of them" for line, key in twice)
            )
        if values is None:
            return cls(path, {}, None)
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            message = f"{path}: must be a mapping of settings, for example api: {{url: http://…}}"
            raise ConfigurationError(message)
        return cls(path, values, root)

    def line(self, loc: tuple[int | str, ...]) -> int:
        """Return the line of what stands at *loc*, or of the nearest that the file has of it."""
        node, line = self._root, 1
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                found = [(k, v) for k, v in node.value if k.value == str(part)]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and part in range(len(node.value)):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        message = f"{path}: cannot be read: {reason}"
        raise ConfigurationError(message) from None


def _duplicates(node: yaml.Node, known: set[int]) -> Iterator[tuple[int, str]]:
    """
    Yield line and name of each key that stands twice in a mapping; YAML would keep the last.

    Args:
        known: The nodes that were looked at: an alias is the same node again, and can be its own
            parent.
    """
    if id(node) in known:
        return
    known.add(id(node))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    yield key.start_mark.line + 1, key.value
                seen.add(key.value)
            yield from _duplicates(value, known)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _duplicates(item, known)


def _line_of_bad_value(node: yaml.Node | None) -> int:
    """Return the line of the first scalar that cannot be made a value."""
    waiting = [node] if node is not None else []
    known: set[int] = set()
    while waiting:
        found = waiting.pop()
        if id(found) in known:
            continue
        known.add(id(found))
        if isinstance(found, yaml.ScalarNode):
            try:
                yaml.constructor.SafeConstructor().construct_object(found)
            except ValueError:
                return found.start_mark.line + 1
        elif isinstance(found, yaml.CollectionNode):
            for item in reversed(found.value):
                waiting += reversed(item) if isinstance(item, tuple) else [item]
    return 1
