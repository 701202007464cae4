"""What people can do: one file for each action; nothing here knows pages or the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.actions.cancel_job import CancelJob
from exporter.actions.clear_cache import ClearCache
from exporter.actions.ingest import Ingest
from exporter.actions.refresh import Refresh
from exporter.actions.retry_job import RetryJob
from exporter.actions.sparse_embeddings import SparseEmbeddings

if TYPE_CHECKING:
    from exporter.actions.model import Action

ACTIONS: Final[tuple[Action, ...]] = (
    Ingest(),
    RetryJob(),
    CancelJob(),
    ClearCache(),
    SparseEmbeddings(),
    Refresh(),
)
BY_SLUG: Final = {action.route.slug: action for action in ACTIONS}
