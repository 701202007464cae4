"""
The routes of the action service, pinned before they are served.

Panels, alerts and notifications link to them; a GET never changes anything, it asks first.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_PATH: Final = re.compile(r"/([a-z0-9-]+(/[a-z0-9-]+)*)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    A page of the action service.

    Attributes:
        slug: Names it in metrics, audit and configuration.
        title: What a link to it says.
        acts: The page asks for confirmation, and the button on it changes something.
    """

    slug: str
    path: str
    title: str
    acts: bool = False

    def __post_init__(self) -> None:
        if not _PATH.fullmatch(self.path):
            message = f"{self.slug}: path {self.path} must be lower-case words"
            raise ValueError(message)


def _action(slug: str, title: str) -> Route:
    return Route(slug=slug, path=f"/actions/{slug}", title=title, acts=True)


def _page(slug: str, path: str, title: str) -> Route:
    return Route(slug=slug, path=path, title=title)


QUICK_ACTIONS: Final = _page("quick-actions", "/", "Quick actions")
INGEST: Final = _action("ingest", "Ingest a repository")
CLEAR_CACHE: Final = _action("clear-cache", "Clear the cache")
REFRESH: Final = _action("refresh", "Refresh now")
GENERATE_SPARSE_EMBEDDINGS: Final = _action(
    "generate-sparse-embeddings", "Generate sparse embeddings"
)
RETRY_JOB: Final = _action("retry-job", "Retry a job")
CANCEL_JOB: Final = _action("cancel-job", "Cancel a job")

ALERTS: Final = _page("alerts", "/alerts", "Live alerts")
ACKNOWLEDGE: Final = Route(
    slug="acknowledge", path="/alerts/acknowledge", title="Acknowledge", acts=True
)
DISMISS: Final = Route(slug="dismiss", path="/alerts/dismiss", title="Dismiss", acts=True)
HISTORY: Final = _page("history", "/alerts/history", "Alert history")
PREFERENCES: Final = Route(
    slug="preferences", path="/alerts/preferences", title="Alert preferences", acts=True
)

EVENTS: Final = _page("events", "/events", "Last events")
JOBS: Final = _page("jobs", "/jobs", "Jobs")
AUDIT: Final = _page("audit", "/audit", "Audit")
WEBHOOK: Final = _page("webhook", "/webhooks/alertmanager", "Alertmanager's receiver")
API: Final = _page("api", "/api/v1", "JSON API")
API_DOCS: Final = _page("api-docs", "/api/docs", "JSON API, documented")

ROUTES: Final = tuple(value for value in list(globals().values()) if isinstance(value, Route))
