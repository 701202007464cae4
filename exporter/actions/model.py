"""What an action is: a form, a confirmation, and a call whose outcome is never guessed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.actions.upstream import Upstream
    from exporter.catalogue.actions import Route
    from exporter.settings import ActionsSettings


class State(StrEnum):
    """How far a run has come; what is not `started` stays."""

    STARTED = "started"
    DONE = "done"
    REFUSED = "refused"  # it was not done: by our check, or the API said so
    FAILED = "failed"  # it was begun and did not succeed, as the API says itself
    UNKNOWN = "unknown"  # nobody knows whether it was done


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One input of a form.

    Attributes:
        name: Of the parameter, in the query of a link and in the JSON API too.
        hint: What to write, below the input.
        limit: Most characters.
    """

    name: str
    title: str
    hint: str = ""
    placeholder: str = ""
    required: bool = True
    limit: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    What came of a run.

    Attributes:
        message: A sentence for the person who asked.
        details: Facts for the audit and the result page, by their names in plain words; no secret.
    """

    state: State
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """
    What somebody is told before pressing the button.

    Attributes:
        will: What will happen, to what: a sentence.
        undo: Whether and how it can be undone: a sentence.
        facts: The present state, by names in plain words; None where it is not known.
        refusal: Why it cannot be done now; empty when it can.
        target: What it acts on, in one canonical text: cooldown and joining go by it.
    """

    will: str
    undo: str
    target: str
    facts: Sequence[tuple[str, str | None]] = ()
    refusal: str = ""


class InputError(Exception):
    """
    Raised when a parameter cannot be right; the text says what would be.

    Attributes:
        name: Of the parameter.
    """

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Readings(Protocol):
    """What the exporter knows of a backend right now."""

    @property
    def problem(self) -> str:
        """Why nothing is known, in words; empty when something is."""

    def value(self, metric: str, **labels: str) -> float | None:
        """Return a sample of the exporter's page; None when there is none."""

    def samples(self, metric: str) -> Sequence[tuple[Mapping[str, str], float]]:
        """Return labels and value of each sample of a metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """
    The outside of an action: one backend, with its API, and what the exporter knows of it.

    Attributes:
        backend: Its name, as in the label and in the configuration's targets.
        upstream: Its API.
        exporter: The exporter that asks it.
    """

    backend: str
    upstream: Upstream
    exporter: Upstream
    readings: Readings
    settings: ActionsSettings


class Action(Protocol):
    """
    One thing that people can do.

    Attributes:
        route: Slug, path and title; from the catalogue.
        button: What the button says.
        fields: Of the form, besides the backend.
        background: It runs longer than a page waits; a second start joins the first.
    """

    route: Route
    button: str
    fields: tuple[Field, ...]
    background: bool

    def clean(self, raw: Mapping[str, str], settings: ActionsSettings) -> dict[str, str]:
        """Return the parameters in canonical form; InputError when one cannot be right."""

    async def confirm(self, site: Site, parameters: Mapping[str, str]) -> Confirmation:
        """Say what a run would do; asks, and changes nothing."""

    async def run(self, site: Site, parameters: Mapping[str, str]) -> Outcome:
        """Do it; never raises for what the backend does."""
