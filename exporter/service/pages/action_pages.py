"""
The pages of actions, all of one kind: they ask first.

A form where something is to be chosen; a confirmation of what will happen to what; a button. What
came of it is on the page of its row in the audit.

A link fills in the form by its query (``?repo_url=…``, ``?job_id=…``, ``?backend=…``): what it
names is confirmed at once, and what it names wrongly is said beside the field.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

from exporter.actions import ACTIONS
from exporter.actions.model import InputError
from exporter.catalogue import actions
from exporter.service.clicks import KeyReusedError, TooSoon
from exporter.service.pages import progress
from exporter.service.pages.choices import beside
from exporter.service.pages.moments import moment_or_none
from exporter.service.pages.ways import of_action
from exporter.service.visits import Page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.responses import Response

    from exporter.actions.model import Action, Confirmation
    from exporter.service.visits import Visit

_BACKEND: Final = "backend"
# What cannot be undone has a button of another colour.
_GRAVE: Final = frozenset((actions.CLEAR_CACHE.slug, actions.CANCEL_JOB.slug))
# A form without an answer is shown again; a text that is far too long, only in part.
_SHOWN_MAX: Final = 1000
_SPARSE: Final = actions.GENERATE_SPARSE_EMBEDDINGS


class _ActionPage:
    """The page of one action."""

    def __init__(self, action: Action) -> None:
        self._action = action

    def page(self) -> Page:
        return Page(
            path=self._action.route.path, look=self.look, act=self.act, purpose=self._purpose
        )

    async def look(self, visit: Visit) -> Response:
        return await self._show(visit)

    async def act(self, visit: Visit) -> Response:
        performer = visit.runtime.performer
        try:
            record = await performer.perform(
                self._action,
                visit.given.get(_BACKEND, ""),
                self._fields(visit),
                who=visit.who.name,
                via="page",
                key=visit.key,
            )
        except InputError:
            return await self._show(visit)  # which says what is wrong
        except TooSoon as error:
            notice = f"Nothing was done. {error}"
            answer = await self._show(visit, notice=notice, status=429, too_close=error.record.id)
            answer.headers["Retry-After"] = str(math.ceil(error.retry_after_s))
            return answer
        except KeyReusedError:
            return await self._show(visit, notice=_REUSED, status=409)
        return visit.redirect(f"{actions.AUDIT.path}/{record.id}")

    def _fields(self, visit: Visit) -> dict[str, str]:
        names = [field.name for field in self._action.fields]
        return {name: visit.given[name] for name in names if name in visit.given}

    def _purpose(self, visit: Visit) -> str:
        """Return what a token is good for: this backend, and these parameters."""
        sites = visit.runtime.performer.sites
        try:
            backend = sites.name(visit.given.get(_BACKEND, ""))
            values = self._action.clean(self._fields(visit), sites.settings.actions)
        except InputError:
            return "nothing"  # no form was shown for it
        return json.dumps({_BACKEND: backend, **values}, sort_keys=True)

    async def _show(
        self, visit: Visit, *, notice: str = "", status: int = 200, too_close: int | None = None
    ) -> Response:
        given, performer = self._fields(visit), visit.runtime.performer
        problems: dict[str, str] = {}
        question: Confirmation | None = None
        backend = visit.given.get(_BACKEND, "")
        try:
            backend = performer.sites.name(backend)
            if given or not self._action.fields:
                question = await performer.prepare(self._action, backend, given)
        except InputError as error:
            problems[error.name] = str(error)
        more = await self._beside(visit, backend) if _BACKEND not in problems else _NOTHING
        return await visit.page(
            "action.html",
            400 if problems else status,
            action=self._action,
            grave=self._action.route.slug in _GRAVE,
            backends=performer.sites.backends,
            backend=backend[:_SHOWN_MAX],
            given={name: value[:_SHOWN_MAX] for name, value in given.items()},
            problems=problems,
            question=question,
            notice=notice or visit.notice,
            too_close=too_close,
            token=visit.token() if question and not question.refusal else "",
            **more,
        )

    async def _beside(self, visit: Visit, backend: str) -> Mapping[str, Any]:
        """Return what is known of the backend, beside the question itself."""
        slug, performer = self._action.route.slug, visit.runtime.performer
        readings = (await performer.sites.site(backend)).readings
        now = visit.runtime.wall()
        running = last = None
        if slug == _SPARSE.slug:
            state = await performer.sparse(backend)
            running = state.running and progress.of_sparse(state.running, state, now)
            last = moment_or_none(state.last_success_at, now)
        return {
            "silence": readings.problem,
            "lists": await beside(visit, slug, backend, readings),
            "ways": of_action(visit, slug, backend),
            "progress": running,
            "last": last,
            "generates": slug == _SPARSE.slug,
        }


_REUSED: Final = "Nothing was done: this form was sent before, with other values. Look again."
_NOTHING: Final[Mapping[str, Any]] = {
    "silence": "",
    "lists": (),
    "ways": (),
    "progress": None,
    "last": None,
    "generates": False,
}

PAGES: Final = tuple(_ActionPage(action).page() for action in ACTIONS)
