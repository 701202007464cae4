"""The generation of sparse embeddings that runs, and the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue import own_metrics as own
from exporter.mixin.cards import Item, bars, cards
from exporter.mixin.charts import graph
from exporter.mixin.leads import linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import GREEN, Query, explained
from exporter.mixin.promql import service

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import RowPanel

    from exporter.links import Links

_SERVICE: Final = "see whether the action service runs, and start a generation"


def section(links: Links) -> RowPanel:
    """Return the row with the generation that runs."""
    generate = page(links, actions.GENERATE_SPARSE_EMBEDDINGS)
    audit = page(links, actions.AUDIT)
    progress = f"max({service(own.SPARSE_PROGRESS)})"
    return row(
        29,
        "Sparse embeddings",
        linked(
            bars(
                20,
                "Generation that runs",
                "How far the generation of sparse embeddings is: estimated, since the API tells it"
                " only when it has ended; that of which the action service knows. The link above"
                " starts one.",
                Item(
                    title="progress (estimated)",
                    expr=progress,
                    unit="percentunit",
                    decimals=0,
                    colour=GREEN,
                    top=1,
                ),
                size=(8, 5),
                nothing="○ No generation runs",
            ),
            generate,
        ),
        linked(
            cards(
                21,
                "Time remaining and last success",
                "How long the generation that runs will still take, estimated from those before,"
                " and when one last ended well. Long ago: new resources are not found by it.",
                Item(
                    title="remaining (estimated)",
                    expr=f"max({service(own.SPARSE_ETA)})",
                    unit="dtdurations",
                ),
                Item(
                    title="last generated",
                    expr=f"1000 * max({service(own.SPARSE_LAST_SUCCESS)})",
                    unit="dateTimeFromNow",
                ),
                size=(8, 5),
                nothing="○ Nothing generated yet",
            ),
            generate,
            audit,
        ),
        linked(
            explained(
                graph(
                    22,
                    "Progress over time",
                    "Each slope is a generation; one that ends below 100 % failed or was longer"
                    " than estimated: the audit says which.",
                    Query(expr=progress, legend="progress (estimated)"),
                    unit="percentunit",
                    size=(8, 5),
                    calm=True,
                ),
                f"○ No generation ran within the shown range: {_SERVICE}",
            ),
            generate,
            audit,
        ),
    )
