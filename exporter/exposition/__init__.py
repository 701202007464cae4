"""
Samples as a page of bytes: the only part that knows the text formats and prometheus_client.

Rendered at most once per change, however many scrapers ask. Nothing here is safe to call from
more than one thread: the event loop's thread is the only caller.
"""

from __future__ import annotations

from exporter.exposition.page import Families, Page, Rendered

__all__ = ["Families", "Page", "Rendered"]
