"""What is in the cache: its size, what falls out of it, and the most used keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions
from exporter.catalogue import metrics as m
from exporter.mixin.charts import Line, lines
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import linked, page
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, ORANGE, explained
from exporter.mixin.promql import known, recent, series, total, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_KEY: Final = ("backend", "key")
_KEYS_SHOWN: Final = 50


def section(links: Links) -> RowPanel:
    """Return the row with what a designed backend tells."""
    clear = page(links, actions.CLEAR_CACHE)
    size = lines(
        30,
        "Size",
        "How large the cache is. It grows until it is full, and stays there: then entries fall out"
        " of it. A fall to nothing: it was cleared or has restarted.",
        Line(title="Size", expr=worst(recent(m.CACHE_SIZE), "backend"), colour=BLUE),
        unit="decbytes",
        size=(12, 9),
    )
    evictions = lines(
        31,
        "Evictions",
        "Entries that fall out per second for want of room. Many, with a falling hit rate: give"
        " the cache more room, or keep fewer or smaller things in it.",
        Line(title="Evictions", expr=worst(recent(m.CACHE_EVICTIONS), "backend"), colour=ORANGE),
        unit="cps",
        size=(12, 9),
    )
    return row(
        29,
        "What a designed backend tells",
        linked(explained(size, "○ A deployed backend does not tell how large its cache is"), clear),
        linked(
            explained(evictions, "○ A deployed backend does not count what falls out of its cache"),
            clear,
        ),
        linked(_keys(), clear),
    )


def _keys() -> Panel:
    hits = worst(known(m.CACHE_KEY_HITS), *_KEY)
    top = f"topk({_KEYS_SHOWN}, {hits})"
    among = f"and on (backend, key)\n{top}"
    return grid(
        32,
        "Most used keys",
        f"The {_KEYS_SHOWN} patterns of keys with the most hits: their share of all that the"
        " backend names, how many hits came within the shown range, and their size. Numbers and ids"
        " in a key are shown as a star. Large with few hits: keep it for a shorter time.",
        Column(title="Key", label="key"),
        Column(title="Hits", expr=top, width=95),
        Column(
            title="More hits",
            expr=f"{worst(f'delta({series(m.CACHE_KEY_HITS)}[$__range])', *_KEY)}\n{among}",
            decimals=0,
            width=95,
        ),
        Column(
            title="Share",
            expr=f"{top}\n/ on (backend) group_left ()\n({total(hits, 'backend')} > 0)",
            unit="percentunit",
            decimals=1,
            full=1,
        ),
        Column(
            title="Size",
            expr=f"{worst(known(m.CACHE_KEY_SIZE), *_KEY)}\n{among}",
            unit="decbytes",
            width=95,
        ),
        Column(title="Backend", label="backend", width=85),
        h=11,
        sort=("Hits",),
        nothing="○ The backend tells of no keys: a deployed one never does",
    )
