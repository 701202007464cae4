"""The tables of the database, and the methods that work with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import metrics as m
from exporter.mixin.charts import Style, graph
from exporter.mixin.grids import Column, grid
from exporter.mixin.panels import row
from exporter.mixin.parts import Query, defaults, explained
from exporter.mixin.promql import known, rate, recent, series, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

_TABLE: Final = ("backend", "table")
_METHOD: Final = ("backend", "method")
_SIZES: Final = (m.DATABASE_TABLE_ROWS, m.DATABASE_TABLE_SIZE)
_EACH_TABLE: Final = "{{table}} · {{backend}}"
_NO_TABLES: Final = "○ The backend tells of no tables: a deployed one never does"


def section() -> RowPanel:
    """Return the row with rows, size and growth of each table."""
    rows, size = (worst(known(metric), *_TABLE) for metric in _SIZES)
    more_rows, more_size = (
        worst(f"delta({series(metric)}[$__range])", *_TABLE) for metric in _SIZES
    )
    growth = graph(
        32,
        "Growth of tables in a day",
        "By how much each table grows in a day at the pace of the last hour; below zero it"
        " shrinks. One that only ever grows needs a retention before the disk is full.",
        Query(
            expr=f"86400 * {worst(f'deriv({series(m.DATABASE_TABLE_SIZE)}[1h])', *_TABLE)}",
            legend=_EACH_TABLE,
        ),
        unit="decbytes",
    )
    defaults(growth).min_val = None
    return row(
        29,
        "Tables",
        grid(
            30,
            "Tables",
            "The largest on top: rows and size as last told, and how much both have grown within"
            " the shown range. Rows of much the same number but more size: the table needs to be"
            " cleaned up (vacuum).",
            Column(title="Table", label="table"),
            Column(title="Rows", expr=rows, width=95),
            Column(title="More rows", expr=more_rows, decimals=0, width=100),
            Column(title="Size", expr=size, unit="decbytes", width=95),
            Column(title="More size", expr=more_size, unit="decbytes", width=100),
            Column(
                title="Size of a row", expr=f"{size}\n/\n({rows} > 0)", unit="decbytes", width=110
            ),
            Column(title="Backend", label="backend", width=85),
            h=10,
            sort=("Size",),
            nothing=_NO_TABLES,
        ),
        explained(
            graph(
                31,
                "Size of tables",
                "Size of each table; ten times as large is one line higher. A step: an import or a"
                " migration.",
                Query(expr=worst(recent(m.DATABASE_TABLE_SIZE), *_TABLE), legend=_EACH_TABLE),
                unit="decbytes",
                style=Style.LOG,
            ),
            _NO_TABLES,
        ),
        explained(growth, _NO_TABLES),
    )


def methods() -> RowPanel:
    """Return the row with what a deployed backend times."""
    return row(
        39,
        "Timed methods: where a deployed backend is slow",
        grid(
            40,
            "Timed methods",
            "The slowest on top: mean duration since the backend started, and how often each is"
            " called now. They are the operations among which a deployed backend counts the slow"
            " ones.",
            Column(title="Method", label="method"),
            Column(title="Mean", expr=worst(known(m.METHOD_DURATION), *_METHOD), unit="s"),
            Column(
                title="Calls",
                expr=f"60 * {worst(rate(m.METHOD_CALLS), *_METHOD)}",
                unit="cpm",
                decimals=1,
            ),
            Column(title="Backend", label="backend", width=85),
            h=9,
            sort=("Mean",),
            nothing="○ The backend times no methods: a designed one never does",
        ),
        collapsed=True,
    )
