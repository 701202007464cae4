"""What the routes of the API have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fastapi import APIRouter

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

# What every path begins with, below what the API is mounted at.
PREFIX: Final = "/v1"


def router(tag: str) -> APIRouter:
    """Return a router for operations that belong together; a function's name is the operation's."""
    return APIRouter(prefix=PREFIX, tags=[tag], generate_unique_id_function=_name)


def _name(route: APIRoute) -> str:
    return route.name
