"""What users do, how good recommendations are, and the operations that serve them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from exporter.catalogue import actions, dashboards
from exporter.catalogue import metrics as m
from exporter.catalogue import own_metrics as own
from exporter.mixin.cards import Item, cards
from exporter.mixin.grids import Column, grid
from exporter.mixin.leads import detail, linked, page
from exporter.mixin.panels import row
from exporter.mixin.promql import known, last, service, worst
from exporter.mixin.stats import Rising

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Panel, RowPanel

    from exporter.links import Links

_DETAIL: Final = detail(dashboards.ENGAGEMENT)
_ACTIVITY: Final = {
    "active users": m.ACTIVE_USERS,
    "resources created": m.RESOURCES_CREATED,
    "resources updated": m.RESOURCES_UPDATED,
    "searches": m.SEARCHES,
    "annotations created": m.ANNOTATIONS_CREATED,
    "collections created": m.COLLECTIONS_CREATED,
}


def engagement() -> RowPanel:
    """Return the row with what users do and are recommended."""
    return row(
        80,
        "Engagement and recommendations",
        linked(
            cards(
                81,
                "Engagement",
                "What users did within the window that the API counts (a day or a week; of a"
                " deployed backend all but the users since its start), and the change within the"
                " shown range. All at once falling: look at the alerts, then at the calendar.",
                *(
                    Item(title=title, expr=f"max({last(metric)})")
                    for title, metric in _ACTIVITY.items()
                ),
                size=(24, 4),
                rising=Rising.GOOD,
            ),
            _DETAIL,
        ),
        linked(_quality(), _DETAIL),
        linked(_by_model(), _DETAIL),
    )


def _quality() -> Panel:
    return cards(
        82,
        "Recommendation quality",
        "How many recommendations were right and were clicked, and how users rate them (1 to 5)."
        " It falls slowly: train again; at once: look at the models.",
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
        size=(9, 5),
        rising=Rising.GOOD,
        nothing="○ The backend tells nothing of its recommendations",
    )


def _by_model() -> Panel:
    by = ("backend", "model")
    return grid(
        83,
        "Recommendation models",
        "Precision: how many of the recommended were right; recall: how many of the right were"
        " recommended; F1: both in one number. The longer the bar the better.",
        Column(title="Model", label="model"),
        *(
            Column(
                title=title, expr=worst(known(metric), *by), unit="percentunit", decimals=1, full=1
            )
            for title, metric in (
                ("Precision", m.RECOMMENDATION_PRECISION),
                ("Recall", m.RECOMMENDATION_RECALL),
                ("F1", m.RECOMMENDATION_F1),
            )
        ),
        Column(title="Backend", label="backend", width=80),
        w=15,
        h=5,
        sort=("F1",),
        nothing="○ The backend tells nothing of its models for recommendations",
    )


def operations(links: Links) -> RowPanel:
    """Return the row with the generation of sparse embeddings."""
    panel = cards(
        91,
        "Sparse embeddings",
        "Progress and remaining time of the generation that runs, both estimated, since the API"
        " tells none, and when the last one ended well. The link above starts one.",
        Item(
            title="progress (estimated)",
            expr=f"max({service(own.SPARSE_PROGRESS)})",
            unit="percentunit",
            decimals=0,
        ),
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
        size=(24, 4),
        nothing="○ The action service has told of no generation: start one, or see whether it runs",
    )
    generate = page(links, actions.GENERATE_SPARSE_EMBEDDINGS)
    return row(90, "Operations", linked(panel, generate, page(links, actions.QUICK_ACTIONS)))
