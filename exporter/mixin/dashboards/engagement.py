"""The dashboard *Engagement*: what users do, and how good recommendations are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import ENGAGEMENT
from exporter.mixin import answers, frame
from exporter.mixin.cards import Item, cards
from exporter.mixin.charts import Line, graph, lines, marks
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import Lead, detail, linked
from exporter.mixin.overlays import with_anomalies
from exporter.mixin.panels import row
from exporter.mixin.parts import BLUE, GREEN, PURPLE, Query, defaults, explained
from exporter.mixin.promql import anomalous, known, last, recent, worst
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel, RowPanel

    from exporter.catalogue.model import Metric
    from exporter.links import Links

_MODEL: Final = ("backend", "model")
_ENDPOINTS: Final = detail(dashboards.EXPORTER, dashboards.EXPORTER_VERDICTS)
_EVENTS: Final = detail(dashboards.EVENTS)
_NO_QUALITY: Final = "○ The backend tells nothing of its recommendations: a deployed one may not"
# What each number says that the others do not.
_ACTIVITY: Final = (
    (m.ACTIVE_USERS, "Active users", "People who did anything at all."),
    (m.RESOURCES_CREATED, "Resources created", "What people and ingestion add to the product."),
    (m.RESOURCES_UPDATED, "Resources updated", "Work on what is there already."),
    (
        m.SEARCHES,
        "Searches",
        "What people look for; none although they are active: see the search.",
    ),
    (m.ANNOTATIONS_CREATED, "Annotations created", "How closely people read."),
    (m.COLLECTIONS_CREATED, "Collections created", "How people put things in order."),
)
_WINDOW: Final = (
    " Counted over the window in the legend; since_start (a deployed backend): a line that climbs"
    " from each start on, of which only the steepness tells. A fall at an hour when there is none:"
    " look at the alerts, then at the calendar."
)
_BY_MODEL: Final = (
    (m.RECOMMENDATION_PRECISION, "Precision", "How many of the recommended were right."),
    (m.RECOMMENDATION_RECALL, "Recall", "How many of the right were recommended."),
    (m.RECOMMENDATION_F1, "F1", "Precision and recall in one number, the lower counts more."),
)


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        ENGAGEMENT,
        links,
        [*_now(), _activity(), _quality(), _models()],
        layers=[
            _layer("Unusual number of users", m.ACTIVE_USERS, 10),
            _layer("Unusual accuracy", m.RECOMMENDATION_ACCURACY, 20),
            _layer("Unusual click-through", m.RECOMMENDATION_CLICK_THROUGH, 21),
        ],
    )


def _layer(name: str, metric: Metric, panel_id: int) -> AnnotationQuery:
    return frame.layer(name, anomalous(metric, by=("backend", "metric", "kind")), panel_id)


def _unusual(metric: Metric) -> Lead:
    return detail(dashboards.ANOMALIES, metric=metric.name)


def _now() -> list[Panel]:
    return [
        linked(
            cards(
                1,
                "What users do",
                "What users did within the window that the API counts (a day or a week; of a"
                " deployed backend all but the users since its start), and the change within the"
                " shown range. All at once falling: look at the alerts, then at the calendar.",
                *(
                    Item(title=title.lower(), expr=f"max({last(metric)})")
                    for metric, title, _ in _ACTIVITY
                ),
                size=(24, 5),
                rising=Rising.GOOD,
                nothing="○ The backend tells nothing of its users",
            ),
            _ENDPOINTS,
        ),
        linked(
            cards(
                2,
                "How good recommendations are",
                "How many recommendations were right and were clicked, and how users rate them (1"
                " to 5). They fall slowly: train again; at once: look at the models.",
                Item(
                    title="accuracy",
                    expr=f"max({last(m.RECOMMENDATION_ACCURACY)})",
                    unit="percentunit",
                    decimals=1,
                ),
                Item(
                    title="click-through",
                    expr=f"max({last(m.RECOMMENDATION_CLICK_THROUGH)})",
                    unit="percentunit",
                    decimals=1,
                ),
                Item(title="rating of 5", expr=f"max({last(m.RECOMMENDATION_RATING)})", decimals=2),
                size=(16, 5),
                rising=Rising.GOOD,
                nothing=_NO_QUALITY,
            ),
            detail(dashboards.MODELS),
            _unusual(m.RECOMMENDATION_ACCURACY),
        ),
        answers.banner(
            3, endpoints.ENGAGEMENT, endpoints.RECOMMENDATIONS, endpoints.EVENTS, size=(8, 5)
        ),
    ]


def _activity() -> RowPanel:
    return row(
        9,
        "What users do, over time",
        *(
            _counted(place, metric, title, says)
            for place, (metric, title, says) in enumerate(_ACTIVITY, 10)
        ),
    )


def _counted(panel_id: int, metric: Metric, title: str, says: str) -> Panel:
    expr = worst(recent(metric), "backend", "window")
    panel = graph(
        panel_id,
        title,
        says + _WINDOW,
        Query(expr=expr, legend="{{window}} · {{backend}}"),
        unit="locale",  # thousands told apart: short would write the same on each line
        size=(8, 7),
        calm=True,
    )
    if metric is m.ACTIVE_USERS:
        with_anomalies(panel, expr, metric, "window")
        return linked(panel, _unusual(metric))
    panel = explained(panel, f"○ The backend does not tell of {title.lower()}")
    return linked(_close(panel), _EVENTS)


def _close(panel: Panel) -> Panel:
    """Let the axis begin where the values do: small changes of large numbers matter here."""
    defaults(panel).min_val = None
    return panel


def _quality() -> RowPanel:
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
        linked(explained(_close(rating), _NO_QUALITY), _ENDPOINTS),
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
    return linked(explained(_close(panel), _NO_QUALITY), _unusual(metric))


def _models() -> RowPanel:
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
        nothing=_NO_QUALITY,
    )
    return row(
        29,
        "Recommendations, by model",
        linked(table, detail(dashboards.MODELS)),
        *(
            linked(
                explained(
                    _close(
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
                    _NO_QUALITY,
                ),
                detail(dashboards.MODELS),
            )
            for place, (metric, title, says) in enumerate(_BY_MODEL, 31)
        ),
    )
