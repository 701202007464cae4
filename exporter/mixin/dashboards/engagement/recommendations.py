"""How good recommendations are, over time and by model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards
from exporter.catalogue import metrics as m
from exporter.mixin.charts import Line, graph, lines, marks
from exporter.mixin.dashboards.engagement.activity import close, unusual
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, linked
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, PURPLE, Query, explained
from exporter.mixin.promql import anomalous, known, recent, worst

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.catalogue.model import Metric

_MODEL: Final = ("backend", "model")
ENDPOINTS: Final = detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)
NO_QUALITY: Final = "○ The backend tells nothing of its recommendations: a deployed one may not"
_BY_MODEL: Final = (
    (m.RECOMMENDATION_PRECISION, "Precision", "How many of the recommended were right."),
    (m.RECOMMENDATION_RECALL, "Recall", "How many of the right were recommended."),
    (m.RECOMMENDATION_F1, "F1", "Precision and recall in one number, the lower counts more."),
)


def over_time() -> RowPanel:
    """Return the row with accuracy, click-through and rating."""
    rating = lines(
        22,
        "Rating",
        "How users rate recommendations on average, from 1 to 5. The axis is cut: a tenth is much.",
        Line(title="Rating", expr=worst(recent(m.RECOMMENDATION_RATING), "backend"), colour=PURPLE),
        unit="short",
        size=(8, 8),
    )
    return row(
        19,
        "Recommendations, over time",
        _watched(
            20,
            "Accuracy",
            "Share of recommendations that were right. Points and violet regions: unusually low."
            " The axis is cut: two percent points are much.",
            m.RECOMMENDATION_ACCURACY,
            BLUE,
        ),
        _watched(
            21,
            "Click-through",
            "Share of recommendations that were clicked. Points and violet regions: unusually low."
            " It falls and accuracy does not: they are shown where nobody sees them.",
            m.RECOMMENDATION_CLICK_THROUGH,
            GREEN,
        ),
        linked(explained(close(rating), NO_QUALITY), ENDPOINTS),
    )


def _watched(panel_id: int, title: str, why: str, metric: Metric, colour: str) -> Panel:
    expr = worst(recent(metric), "backend")
    panel = lines(
        panel_id,
        title,
        why,
        Line(title=title, expr=expr, colour=colour),
        marks(expr, f"{anomalous(metric)} == 1"),
        unit="percentunit",
        size=(8, 8),
    )
    return linked(explained(close(panel), NO_QUALITY), unusual(metric))


def by_model() -> RowPanel:
    """Return the row with each model."""
    table = grid(
        30,
        "Recommendation models",
        "Precision: how many of the recommended were right; recall: how many of the right were"
        " recommended; F1: both in one number. The longer the bar the better.",
        Column(title="Model", label="model"),
        *(
            Column(
                title=title,
                expr=worst(known(metric), *_MODEL),
                unit="percentunit",
                decimals=1,
                full=1,
            )
            for metric, title, _ in _BY_MODEL
        ),
        Column(title="Backend", label="backend", width=110),
        h=6,
        sort=("F1",),
        nothing=NO_QUALITY,
    )
    return row(
        29,
        "Recommendations, by model",
        linked(table, detail(dashboards.MODELS)),
        *(
            linked(
                explained(
                    close(
                        graph(
                            place,
                            title,
                            f"{says} The axis is cut. A step: another model or other data; a slow"
                            " fall: train again.",
                            Query(
                                expr=worst(recent(metric), *_MODEL),
                                legend="{{model}} · {{backend}}",
                            ),
                            unit="percentunit",
                            size=(8, 8),
                        )
                    ),
                    NO_QUALITY,
                ),
                detail(dashboards.MODELS),
            )
            for place, (metric, title, says) in enumerate(_BY_MODEL, 31)
        ),
    )
