"""Whoever attacks the action service: all its routes, and what is sent there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Mount, Route

from exporter.catalogue.actions import API, WEBHOOK
from tests.service.frame import HERE, TOKEN

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

    from exporter.web.contract import ASGIApp, Message, Receive, Scope, Send
    from tests.service.frame import Service

EVIL: Final = "https://evil.example"
SCRIPT: Final = "<script>alert(1)</script>"
# Each tries to leave the place that it stands in.
MARKUP: Final = f"""{SCRIPT}"'><img src=x onerror=alert(1)>{{{{7*7}}}}${{7*7}}"""
INJECTIONS: Final = (
    "' OR '1'='1",
    "'; DROP TABLE audit; --",
    '" OR ""="',
    "1 UNION SELECT hash FROM passwords",
    "%' ESCAPE '%",
    "\\",
    "%00",
    "\0",
)
# What a page, a person or a program may ask for with each path.
TEMPTING: Final = {
    "repo_url": "github.com/owner/name",
    "job_id": "1",
    "alertname": "OpsQueueBacklogHigh",
    "backend": "default",
    "confirm": "yes",
    "_method": "POST",
}
FOREIGN: Final = (
    {"origin": EVIL},
    {"origin": "null"},
    {"origin": f"{HERE}.evil.example"},
    {"origin": "http://127.0.0.1:1"},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
)
# What strangers may see.
OPEN: Final = frozenset(("/login", "/-/healthy", "/-/ready", "/static/1"))
WEBHOOK_TOKEN: Final = "0123456789-what-only-a-test-may-tell"  # noqa: S105 - of a test
SCRIPT_TOKEN: Final = "0123456789-what-only-a-script-may-do"  # noqa: S105 - of a test


class Cut:
    """The service, with streams that end after their first words."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        stream = ended = False

        async def sending(message: Message) -> None:
            nonlocal stream, ended
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"")
                stream = kind.startswith(b"text/event-stream")
            if stream and message.get("body") and not ended:
                ended = True
                await send({**message, "more_body": False})
            elif not ended:
                await send(message)

        await self.app(scope, receive, sending)


def routes(service: Service) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield path and methods of every route of the running application."""
    for route in _routed(service.app):
        if isinstance(route, Mount):
            yield from (
                (f"{route.path}{one.path}", frozenset(one.methods))
                for one in _routed(route.app)
                if hasattr(one, "methods")
            )
        else:
            assert isinstance(route, Route)
            yield route.path, frozenset(route.methods or ("GET", "HEAD"))


def _routed(app: Any) -> Any:
    """Return the routes of an application, whatever is around it."""
    while not hasattr(app, "routes"):
        app = app.app if isinstance(app, Cut) else app._app
    return app.routes


def known(service: Service) -> dict[str, set[str]]:
    """Return the methods of each path, with something in place of each parameter."""
    found: dict[str, set[str]] = {}
    for path, methods in routes(service):
        found.setdefault(re.sub(r"{[^}]*}", "1", path), set()).update(methods)
    return found


def paths(service: Service, method: str) -> list[str]:
    """Return the paths that take *method*."""
    return sorted(path for path, methods in known(service).items() if method in methods)


def calls(service: Service) -> list[tuple[str, str]]:
    """Return method and path of all that programs may send: the API's, and Alertmanager's."""
    return [
        (method, path)
        for path, methods in sorted(known(service).items())
        for method in sorted(methods - {"GET", "HEAD"})
        if path.startswith(f"{API.path}/") or path == WEBHOOK.path
    ]


async def told(service: Service, **alert: Any) -> httpx.Response:
    """Speak to the webhook as Alertmanager does."""
    whole = {
        "status": "firing",
        "labels": {"alertname": "OpsQueueBacklogHigh", "severity": "warning"},
        "annotations": {"summary": "Too many tasks wait."},
        "startsAt": "2027-01-15T08:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": "0123456789abcdef",
    }
    body = {"version": "4", "status": "firing", "receiver": "ops", "alerts": [whole | alert]}
    headers = {"authorization": f"Bearer {WEBHOOK_TOKEN}"}
    async with service.browser() as client:
        return await client.post(WEBHOOK.path, json=body, headers=headers)


def posted(service: Service) -> list[str]:
    """Return the paths of forms: those that machines send to have a test of their own."""
    machines = {WEBHOOK.path, "/-/reload"}
    return [
        path
        for path in paths(service, "POST")
        if path not in machines and not path.startswith(f"{API.path}/")
    ]


async def filled(client: httpx.AsyncClient, path: str) -> dict[str, str]:
    """Return the form of a page as a browser would send it, where there is one."""
    page = await client.get(path, params=TEMPTING)
    found = TOKEN.search(page.text)
    return {**TEMPTING, **({"form_token": found[1]} if found else {})}


def asks(text: str) -> dict[str, str]:
    names = ("q", "severity", "action", "before", "status", "backend", "fingerprint", "format")
    return dict.fromkeys((*names, "alertname", "job_id", "repo_url", "repository", "page"), text)
