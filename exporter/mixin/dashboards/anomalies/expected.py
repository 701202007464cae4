"""Values beside what was expected of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import own_metrics as own
from exporter.catalogue.rules.anomalies import ACTIVE
from exporter.mixin import bands
from exporter.mixin.charts import graph
from exporter.mixin.dashboards.anomalies.course import DRAWN, beside_each_other
from exporter.mixin.dashboards.anomalies.selection import (
    BY,
    CHOSEN,
    SAME,
    UNWATCHED,
    among,
    most,
    told,
    values,
)
from exporter.mixin.parts import Query, defaults, override, ref
from exporter.mixin.promql import named, recorded, series, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel

# By the end of a metric's name: the unit of its values.
_UNITS: Final = {
    '=~".+_seconds"': "s",
    '=~".+_ratio"': "percentunit",
    '!~".+_(seconds|ratio)"': "short",
}
# What the graph costs grows with them. Of six hours these are all, of a week one in twenty minutes.
_POINTS: Final = 500


def one_series() -> Panel:
    """Show the series that stands out most, within its band."""
    panel = graph(
        dashboards.ANOMALIES_SERIES.id,
        dashboards.ANOMALIES_SERIES.title,
        "The one of the chosen series that stood out most within the shown range: choose a metric"
        " above to see its own. Shaded: the band within which a value may lie; dotted: what was"
        " expected; points: an anomaly. The band widens after one, until the new level is learnt.",
        *(Query(expr=_drawn(metrics), legend="{{series}}") for metrics in _UNITS),
        unit="short",
        size=(24, 10),
        calm=True,
    )
    panel.max_data_points = _POINTS
    for place, unit in enumerate(_UNITS.values()):
        override(panel, "byFrameRefID", ref(place), {"unit": unit})
    defaults(panel).no_value = UNWATCHED
    return bands.draw(panel)


def _drawn(metrics: str) -> str:
    """Select all lines of the series that stands out most, if it is one of these *metrics*."""
    matcher = f"metric{metrics}"
    shown = values(f"__name__{metrics}", rates=_UNITS[metrics] == "short")
    lines = {
        bands.VALUE: shown,
        **bands.band(CHOSEN, matcher, by=BY),
        bands.MARKED: f"({shown})\nand {SAME}\n{recorded(ACTIVE, CHOSEN, matcher)}",
    }
    chosen = told(f"(({named(lines)})\nand {SAME}\n{most(1)})")
    # The values are called what they are of.
    titled = f'label_join({chosen}, "title", " ", "series", "metric", "where", "backend")'
    titled = f'label_replace({titled}, "series", "$1", "title", "{bands.VALUE} (.*)")'
    return worst(titled, "series")


def places() -> Panel:
    """Show where values lie in their bands, whatever their unit."""
    upper, lower = (series(metric, CHOSEN) for metric in (own.ANOMALY_UPPER, own.ANOMALY_LOWER))
    above = f"{among(DRAWN, values())}\n- {SAME} {worst(lower, *BY)}"
    place = f"({above})\n/ {SAME} {worst(f'{upper} - {lower} > 0', *BY)}"
    return beside_each_other(
        10,
        "Place in the expected band",
        f"Where values lie in their band, of the {DRAWN} chosen series that stood out most within"
        " the shown range: 0 % is its lower edge, 100 % its upper one. What stays above 100 % or"
        " below 0 % is not as usual. Cut at 300 %, whatever the value.",
        f"clamp({place}, -1, 3)",
        unit="percentunit",
    )
