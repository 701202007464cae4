"""The error that every mistake in a configuration ends in."""

from __future__ import annotations


class ConfigurationError(Exception):
    """
    Raised when a configuration cannot be used; the text is safe to show and lists every mistake.

    Attributes:
        problems: One line each: place, value and what would be right.
    """

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))
