"""Who calls, what their token allows, and the key by which a call may be repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes
from starlette.exceptions import HTTPException

from exporter.service.api.door import CALLER
from exporter.service.identity import Identity
from exporter.service.runtime import Runtime

if TYPE_CHECKING:
    from exporter.settings.service import Scope

VIA: Final = "api"
READ: Final = "read"
_BEARER: Final = HTTPBearer(
    scheme_name="token",
    auto_error=False,
    description="A token of `auth.tokens`, with the scope that the operation names.",
)


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _caller(
    request: Request, scopes: SecurityScopes, _: Annotated[object, Security(_BEARER)]
) -> Identity:
    """Return who calls, if the token has the scope; of those who change something, count it."""
    who: Identity = request.scope["state"][CALLER]
    for scope in scopes.scopes:
        if scope not in who.scopes:
            has = ", ".join(sorted(who.scopes))
            message = f"The token {who.name} needs the scope {scope}; it has {has}."
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise HTTPException(403, message, {"WWW-Authenticate": challenge})
        if scope != READ:
            # No user's name has a colon: a token of the same name is somebody else.
            _runtime(request).actions_throttle.take(f"token:{who.name}")
    return who


def _with(*scopes: Scope) -> object:
    return Security(_caller, scopes=list(scopes))


TheRuntime = Annotated[Runtime, Depends(_runtime)]
Anybody = Annotated[Identity, _with()]
Reader = Annotated[Identity, _with("read")]
Actor = Annotated[Identity, _with("act")]
Keeper = Annotated[Identity, _with("alerts")]
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]+$",
        description="A text of your own for each thing that you want done, for example a UUID."
        " Sent again with the same values, nothing is done again: the answer is what came of it.",
        examples=["5f0c8e0a-4a52-4f0e-8f0e-0d5f6f1f7a3b"],
    ),
]
