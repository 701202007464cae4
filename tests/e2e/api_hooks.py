"""What Schemathesis does beside its own: read by it as a module of hooks."""

from __future__ import annotations

import json
import os
from itertools import count
from typing import Any, Final

import schemathesis

from exporter.service.api.problems import KEY_REUSED

# In the environment: the first may look, the others act.
TOKENS: Final = "OPS_TEST_TOKENS"
# So many times a minute may one token act: who asks for more needs several.
_TURNS: Final = 20
# What no description can say: which hosts are allowed, which labels would hide too much, that one
# of two fields is needed. Then a field is named, and not its place in the body or the query.
_NAMED: Final = frozenset(
    ("repo_url", "repository", "job_id", "alertname", "labels", "label", "fingerprint")
)
_turns = count()


@schemathesis.auth(refresh_interval=None)
class Turns:
    """A token for each request; those that act take turns."""

    def get(self, case: schemathesis.Case[Any], ctx: schemathesis.AuthContext) -> str:
        del ctx
        first, *others = os.environ[TOKENS].split()
        if case.method == "GET":
            return first
        return others[next(_turns) // _TURNS % len(others)]

    def set(self, case: schemathesis.Case[Any], data: str, ctx: schemathesis.AuthContext) -> None:
        del ctx
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.check
def unexplained(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case[Any]
) -> None:
    """Refuse a 422 for what the description allows, where it could have said so."""
    del ctx
    if response.status_code != KEY_REUSED.status or case.meta is None:
        return
    if case.meta.generation.mode.is_positive:
        told = json.loads(response.content)
        places = {mistake["place"] for mistake in told["errors"]}
        assert told["type"] == KEY_REUSED.urn or places <= _NAMED, told
