"""The dashboard *Engagement*: what users do, and how good recommendations are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.catalogue import dashboards, endpoints
from exporter.catalogue import metrics as m
from exporter.catalogue.dashboards import ENGAGEMENT
from exporter.mixin import answers, frame
from exporter.mixin.cards import Item, cards
from exporter.mixin.dashboards.engagement import activity, recommendations
from exporter.mixin.leads import detail, linked
from exporter.mixin.promql import anomalous, last
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import AnnotationQuery, Panel

    from exporter.catalogue.model import Metric
    from exporter.links import Links


def render(links: Links) -> str:
    """Return the dashboard's JSON."""
    return frame.dashboard(
        ENGAGEMENT,
        links,
        [*_now(), activity.section(), recommendations.over_time(), recommendations.by_model()],
        layers=[
            _layer("Unusual number of users", m.ACTIVE_USERS, 10),
            _layer("Unusual accuracy", m.RECOMMENDATION_ACCURACY, 20),
            _layer("Unusual click-through", m.RECOMMENDATION_CLICK_THROUGH, 21),
        ],
    )


def _layer(name: str, metric: Metric, panel_id: int) -> AnnotationQuery:
    return frame.layer(name, anomalous(metric, by=("backend", "metric", "kind")), panel_id)


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
                    for metric, title, _ in activity.COUNTED
                ),
                size=(24, 5),
                rising=Rising.GOOD,
                nothing="○ The backend tells nothing of its users",
            ),
            recommendations.ENDPOINTS,
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
                nothing=recommendations.NO_QUALITY,
            ),
            detail(dashboards.MODELS),
            activity.unusual(m.RECOMMENDATION_ACCURACY),
        ),
        answers.banner(
            3, endpoints.ENGAGEMENT, endpoints.RECOMMENDATIONS, endpoints.EVENTS, size=(8, 5)
        ),
    ]
