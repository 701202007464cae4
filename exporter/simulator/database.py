"""The simulated database: tables that grow with what users create."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections import Counter

# Table -> (rows at first, bytes of a row, event -> rows that it adds).
_TABLES: Final = {
    "resources": (48_200, 2_900, {"resource.created": 1}),
    "chunks": (612_000, 1_450, {"resource.created": 12}),
    "embeddings": (612_000, 3_170, {"resource.created": 12}),
    "annotations": (21_400, 640, {"annotation.created": 1}),
    "collections": (1_310, 420, {"collection.created": 1}),
    "graph_edges": (1_940_000, 96, {"resource.created": 5, "annotation.created": 1}),
    "users": (412, 880, {}),
}


class Database:
    """
    Tables and their size.

    Attributes:
        rows: Table -> number of rows.
    """

    def __init__(self) -> None:
        self.rows = {table: first for table, (first, _, _) in _TABLES.items()}

    def grow(self, new: Counter[str]) -> None:
        """Store what the events in *new* (name -> count) created."""
        for table, (_, _, growth) in _TABLES.items():
            self.rows[table] += sum(new[event] * rows for event, rows in growth.items())

    def size_bytes(self, table: str) -> int:
        """Return the size of *table*."""
        return self.rows[table] * _TABLES[table][1]
