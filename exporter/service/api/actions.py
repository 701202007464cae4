"""Actions: of each, what it would do (GET), and doing it (POST)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import Body, Query, Response
from pydantic import Field, create_model

from exporter.actions import ACTIONS
from exporter.actions.model import State
from exporter.service.api import problems, routing
from exporter.service.api.callers import VIA, Actor, Key, Reader, TheRuntime
from exporter.service.api.models import Record, Sent, Told
from exporter.service.api.problems import documented
from exporter.service.api.refusals import ToldError

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi import APIRouter

    from exporter.actions.model import Action
    from exporter.store import audit

# What came of it, where that is no success.
_PROBLEMS: Final = {
    State.REFUSED: problems.REFUSED,
    State.FAILED: problems.FAILED,
    State.UNKNOWN: problems.UNKNOWN_OUTCOME,
}
_ACCEPTED: Final = 202
_NAME_MAX: Final = 63
_EXAMPLES: Final = {
    "repo_url": "https://github.com/owner/name",
    "job_id": "17593c88-b249-449c-ae61-b26f8ec183b4",
}

BackendName = Annotated[
    str,
    Field(
        max_length=_NAME_MAX,
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]*)?$",
        description="A target of the configuration; without it, the first one.",
    ),
]


class Fact(Told):
    """Something about the present state."""

    name: str = Field(examples=["Jobs waiting"])
    value: str | None = Field(description="Null where it is not known.", examples=["3"])


class ActionPreview(Told):
    """What a run would do, and how things stand now."""

    action: str
    backend: str
    will: str = Field(description="What will happen, to what.")
    undo: str = Field(description="Whether and how it can be undone.")
    target: str = Field(description="By this go the pause between two runs, and joining.")
    facts: tuple[Fact, ...]
    refusal: str = Field(description="Why it cannot be done now; empty when it can.")


class OfBackend(Sent):
    """What every action may be told."""

    backend: BackendName = ""


def router() -> APIRouter:
    """Return the routes of all actions."""
    router = routing.router("Actions")
    for action in ACTIONS:
        _add(router, action)
    return router


def _add(router: APIRouter, action: Action) -> None:
    route, model = action.route, _model(action)
    word = route.slug.replace("-", "_")
    router.add_api_route(
        route.path,
        _looking(action, model),
        methods=["GET"],
        name=f"preview_{word}",
        summary=f"{route.title}: what it would do",
        description="Changes nothing.",
        responses=documented(problems.NOT_FOUND),
    )
    kinds = (
        *(*problems.SENT, problems.NOT_FOUND, problems.KEY_REUSED, problems.TOO_SOON),
        *_PROBLEMS.values(),
    )
    started = {
        "model": Record,
        "description": "It runs: ask for its entry of the audit until it is closed.",
        "headers": {"Location": {"description": "That entry.", "schema": {"type": "string"}}},
    }
    router.add_api_route(
        route.path,
        _acting(action, model),
        methods=["POST"],
        name=word,
        summary=route.title,
        description="Answers when it is done."
        if not action.background
        else "It goes on in the background; if it runs already, the answer is that run.",
        response_description="It is done: the entry of the audit.",
        responses={**({_ACCEPTED: started} if action.background else {}), **documented(*kinds)},
    )


def _model(action: Action) -> type[OfBackend]:
    """Return what is sent for an action: its fields, and the backend."""
    fields: dict[str, Any] = {}
    for one in action.fields:
        told = Field(
            ... if one.required else "",
            min_length=1 if one.required else None,
            max_length=one.limit,
            description=one.hint or one.title,
            examples=[_EXAMPLES[one.name]] if one.name in _EXAMPLES else None,
        )
        fields[one.name] = (str, told)
    name = "".join(part.capitalize() for part in action.route.slug.split("-"))
    return create_model(name, __base__=OfBackend, __doc__=f"{action.route.title}.", **fields)


def _looking(action: Action, model: type[OfBackend]) -> Callable[..., Any]:
    async def look(given: OfBackend, runtime: TheRuntime, _: Reader) -> ActionPreview:
        raw = given.model_dump()
        backend = runtime.performer.sites.name(raw.pop("backend"))
        found = await runtime.performer.prepare(action, backend, raw)
        return ActionPreview(
            action=action.route.slug,
            backend=backend,
            will=found.will,
            undo=found.undo,
            target=found.target,
            facts=tuple(Fact(name=name, value=value) for name, value in found.facts),
            refusal=found.refusal,
        )

    # What is annotated is read at run time, and what this action is sent is known only here.
    look.__annotations__["given"] = Annotated[model, Query()]
    return look


def _acting(action: Action, model: type[OfBackend]) -> Callable[..., Any]:
    async def act(
        given: OfBackend, key: Key, runtime: TheRuntime, who: Actor, response: Response
    ) -> Record:
        raw = given.model_dump()
        backend = raw.pop("backend")
        row = await runtime.performer.perform(action, backend, raw, who=who.name, via=VIA, key=key)
        _answer(row)
        if row.state == State.STARTED:
            response.status_code = _ACCEPTED
            response.headers["Location"] = f"{runtime.folder}/api/v1/audit/{row.id}"
        return Record.of(row)

    act.__annotations__["given"] = Annotated[model, Body()]
    return act


def _answer(row: audit.Record) -> None:
    """Raise what tells of a run that is no success."""
    if (kind := _PROBLEMS.get(State(row.state))) is not None:
        raise ToldError(kind, row.message, audit=row.id)
