"""The pages of people, one module for each kind: all of them stand in `PAGES`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.service.pages import (
    account_pages,
    action_pages,
    alert_pages,
    api_pages,
    audit_pages,
    event_pages,
    history_pages,
    job_pages,
    preference_pages,
    silencing_pages,
    start_page,
)

if TYPE_CHECKING:
    from exporter.service.visits import Page

# In the order of their links in the bar.
PAGES: Final[tuple[Page, ...]] = (
    *start_page.PAGES,
    *alert_pages.PAGES,
    *silencing_pages.PAGES,
    *action_pages.PAGES,
    *job_pages.PAGES,
    *event_pages.PAGES,
    *history_pages.PAGES,
    *preference_pages.PAGES,
    *audit_pages.PAGES,
    *api_pages.PAGES,
    *account_pages.PAGES,
)
